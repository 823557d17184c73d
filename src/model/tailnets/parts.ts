import type { TailscaleEndpoints } from '../../api/generated/tailscale.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { type Carrier, carrierOf } from './carriers.ts';
import { type Destination, destinationsOf } from './destinations.ts';
import { isSelection, machinesOf } from './machines.ts';
import { tailnetFor } from './permission.ts';
import { machinePortOf, type Transport, transportOf, type Written, writtenOf } from './ports.ts';
import type { Path } from './reach.ts';

/** The machines of one TailscaleEndpoints at one port, never none as users wrote it. */
export type Part = Path & { readonly endpoints: TailscaleEndpoints; readonly port: number; readonly transport: Transport };

/**
 * What a reference to a port of a TailscaleEndpoints leads to. Fails with the reasons of `RouteConditionResolvedRefs`, and depends on what users
 * wrote alone: whether anything runs there is a matter of endpoints.
 */
export const partFrom = (
  endpoints: TailscaleEndpoints,
  asked: number | undefined,
  transport: Transport,
  read: Read<ModelTables>,
): Result<Part, Verdict> => {
  const name = `TailscaleEndpoints "${localKeyOf(endpoints)}"`;
  const permitted = permission(endpoints.spec.tailnet, endpoints.metadata.namespace ?? '', name, read);
  if (permitted !== undefined) return fail(permitted);
  const port = machinePortOf(endpoints, asked, transport);
  if (!port.ok) return fail({ reason: 'BackendNotFound', message: `${name} ${port.problem}` });
  const atPort = writtenOf(endpoints).filter((written) => written.port === port.value);
  const written = atPort.filter((one) => transportOf(one) === transport);
  if (written.length === 0) {
    const [other] = atPort;
    return unsupported(`port ${port.value} of ${name} is ${other === undefined ? '' : transportOf(other)}, not ${transport}`);
  }
  const carrier = carrierOf(endpoints, read);
  if (!carrier.ok) return carrier;
  if (transport === 'UDP' && carrier.value.mode === 'connect') {
    return unsupported(`port ${port.value} of ${name}: UDP needs proxies of mode forward, or mode direct`);
  }
  return ok({ endpoints, port: port.value, transport, carrier: carrier.value, written });
};

const unsupported = (message: string): Result<Part, Verdict> => fail({ reason: 'UnsupportedProtocol', message });

/** Why objects of `namespace` may not use a tailnet, as a route's condition says it. */
export const permission = (tailnet: string, namespace: string, name: string, read: Read<ModelTables>): Verdict | undefined => {
  const permitted = tailnetFor(tailnet, namespace, read);
  if (permitted.ok) return undefined;
  const { reason, message } = permitted.problem;
  return { reason: reason === 'TailnetNotAllowed' ? 'RefNotPermitted' : 'BackendNotFound', message: `${name}: ${message}` };
};

/** For users: what is amiss with a tailnet that is used, if it is no matter of configuration. */
export const remarkOn = (tailnet: string, read: Read<ModelTables>): string | undefined => {
  const standing = read('tailnetStandings', tailnet);
  if (standing === undefined) return `tailnet "${tailnet}" has not been heard of yet`;
  return standing.remark;
};

/** Where the machines of a part are reached; undefined while some of them cannot be told, for their tailnet has not been heard of. */
export const destinationsIn = (part: Part, read: Read<ModelTables>): readonly Destination[] | undefined => {
  const { endpoints, carrier, port, transport } = part;
  if (part.written.some((one) => needsTailnet(one, carrier)) && read('tailnetStandings', endpoints.spec.tailnet)?.heard !== true) {
    return undefined;
  }
  const machines = machinesOf(endpoints, read).filter((machine) => machine.port === port && transportOf(machine) === transport);
  return destinationsOf(machines, carrier, read);
};

/** Whether what is written says neither an address nor, to those that can resolve it, a name. */
const needsTailnet = (written: Written, carrier: Carrier): boolean =>
  isSelection(written) || (carrier.mode === 'direct' && written.externalTarget === undefined && written.tailscaleIP === undefined);
