import type { Device } from '../../api/observations.ts';
import { localKey, partsOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { Backend } from '../../model/graph.ts';
import type { ModelTables } from '../../model/tables.ts';
import { destinationsOf, type Place } from '../../model/tailnets/destinations.ts';
import { isSelection, type Machine, machinesOf } from '../../model/tailnets/machines.ts';
import type { Member } from '../../model/tailnets/members.ts';
import { type Part, partFrom } from '../../model/tailnets/parts.ts';
import { transportOf } from '../../model/tailnets/ports.ts';
import type { Path } from '../../model/tailnets/reach.ts';
import { membersOf } from '../../model/tailnets/services.ts';
import { preferred, tailnetKey } from '../../model/tailnets/tables.ts';

/** Machines of a backend that are reached in one way, and are of one tailnet if of any. */
export type Source = {
  readonly path: Path;
  readonly tailnet?: string;
  /** Whether its machines that are not well come last, and are used when nothing else is left. */
  readonly lastResort: boolean;
  /** What machines must have that nobody named. */
  readonly selections: readonly Selection[];
  readonly machines: readonly Found[];
};

export type Selection = {
  readonly tags?: readonly string[] | undefined;
  readonly patterns?: readonly string[] | undefined;
  readonly excludePatterns?: readonly string[] | undefined;
};

/** One machine, or anything else that traffic goes to, and where Envoys reach it. */
export type Found = {
  readonly name: string;
  readonly weight: number;
  readonly healthy: boolean;
  readonly places: readonly Place[];
  readonly device?: Device;
  /** What the model takes it for; absent for what is no machine of a TailscaleEndpoints. */
  readonly machine?: Machine;
};

export type Sources = {
  readonly sources: readonly Source[];
  /** What is left out of a TailscaleServices, and why. */
  readonly leftOut: readonly string[];
};

const nothing: Sources = { sources: [], leftOut: [] };

/** Everything a backend in a tailnet consists of. Nothing for what users did not write, and what is made for them alone. */
export const sourcesOf = ({ key, port, protocol }: Backend, read: Read<ModelTables>): Sources => {
  const { kind, namespace, name } = partsOf(key);
  const transport = protocol === 'udp' ? 'UDP' : 'TCP';
  if (kind === 'TailscaleEndpoints') {
    const endpoints = read('TailscaleEndpoints', localKey(namespace, name));
    const part = endpoints && partFrom(endpoints, port, transport, read);
    return part?.ok ? { sources: [partSource(part.value, '', false, read)], leftOut: [] } : nothing;
  }
  const services = read('TailscaleServices', localKey(namespace, name));
  const members = services && membersOf(services, port, transport, read);
  if (!members?.ok) return nothing;
  return {
    sources: members.value.members.map((member) => memberSource(member, read)),
    leftOut: members.value.problems.map(({ message }) => message),
  };
};

const memberSource = (member: Member, read: Read<ModelTables>): Source => {
  const { path, local, tailnet } = member;
  if (isPart(path)) return partSource(path, `${path.endpoints.metadata.name}/`, local, read);
  const destinations = member.destinations(read) ?? [];
  const machines = destinations.map(({ weight, healthy, endpoints }): Found => {
    const address = endpoints[0]?.address ?? '';
    const device = tailnet === undefined ? undefined : deviceAt(tailnet, address, read);
    return { name: device?.fqdn ?? address, weight, healthy, places: endpoints, ...(device === undefined ? {} : { device }) };
  });
  return { path, lastResort: local, selections: [], machines, ...(tailnet === undefined ? {} : { tailnet }) };
};

const isPart = (path: Path): path is Part => 'endpoints' in path;

const deviceAt = (tailnet: string, address: string, read: Read<ModelTables>): Device | undefined =>
  preferred(read('devicesAt', tailnetKey(tailnet, address)) ?? read('devicesNamed', tailnetKey(tailnet, address)));

const partSource = (part: Part, prefix: string, lastResort: boolean, read: Read<ModelTables>): Source => {
  const { endpoints, carrier, port, transport } = part;
  const machines = machinesOf(endpoints, read).filter((machine) => machine.port === port && transportOf(machine) === transport);
  const destinations = destinationsOf(machines, carrier, read);
  return {
    path: part,
    tailnet: endpoints.spec.tailnet,
    lastResort,
    selections: [
      ...(endpoints.spec.endpoints ?? []).filter(isSelection),
      ...(endpoints.spec.autoDiscovery ? [endpoints.spec.autoDiscovery] : []),
    ],
    machines: machines.map((machine, index) => ({
      name: `${prefix}${machine.name}`,
      weight: machine.weight,
      healthy: machine.healthy,
      places: destinations[index]?.endpoints ?? [],
      machine,
      ...(machine.device === undefined ? {} : { device: machine.device }),
    })),
  };
};
