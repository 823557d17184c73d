import type { TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Backend, BackendTls } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import { machinesProtocolOf } from '../routes/app-protocol.ts';
import type { BackendNeed } from '../routes/backend-need.ts';
import { tlsOf } from '../routes/backend-tls.ts';
import { backendOf } from '../routes/backends.ts';
import type { ModelTables } from '../tables.ts';
import { partFrom, remarkOn } from './parts.ts';
import type { Transport, Written } from './ports.ts';
import { checkIn, ownTlsOf, reachOf } from './reach.ts';
import { membersOf } from './services.ts';

/** A backend, and what users should know of it. */
export type TailnetBackend = { readonly backend: Backend; readonly remarks: readonly string[] };

/**
 * What a reference to a TailscaleEndpoints leads to. Whatever runs, or is known of the tailnet, does not decide whether it resolves, nor how it is
 * reached.
 */
export const endpointsBackend = (
  endpoints: TailscaleEndpoints,
  asked: number | undefined,
  need: BackendNeed,
  read: Read<ModelTables>,
): Result<TailnetBackend, Verdict> => {
  const part = partFrom(endpoints, asked, transportFor(need), read);
  if (!part.ok) return part;
  const { written, port } = part.value;
  const number = asked ?? port;
  const speaking = speakingOf(endpoints, sectionOf(endpoints, number), written, need, read);
  if (!speaking.ok) return speaking;
  const reach = reachOf({
    paths: [part.value],
    protocol: speaking.value.protocol,
    balancing: 'round-robin',
    healthCheck: checkIn(written),
  });
  const remark = remarkOn(endpoints.spec.tailnet, read);
  return ok({
    backend: backendOf(endpoints, { port: number, ...speaking.value, reach }),
    remarks: remark === undefined ? [] : [remark],
  });
};

/** What a reference to a TailscaleServices leads to. Members that cannot be used are remarked on while others can. */
export const servicesBackend = (
  services: TailscaleServices,
  asked: number | undefined,
  need: BackendNeed,
  read: Read<ModelTables>,
): Result<TailnetBackend, Verdict> => {
  const found = membersOf(services, asked, transportFor(need), read);
  if (!found.ok) return found;
  const { members, port, written, problems, tailnets } = found.value;
  const paths = members.map(({ path }) => path);
  const speaking = speakingOf(services, undefined, written, need, read);
  if (!speaking.ok) return speaking;
  const { strategy, healthCheck } = services.spec.loadBalancing ?? {};
  const reach = reachOf({
    paths,
    protocol: speaking.value.protocol,
    balancing: strategy === 'least-connections' ? 'least-requests' : 'round-robin',
    healthCheck: healthCheck ?? checkIn(written),
  });
  return ok({
    backend: backendOf(services, { port, ...speaking.value, reach }),
    remarks: [...problems.map(({ message }) => message), ...tailnets.flatMap((tailnet) => remarkOn(tailnet, read) ?? [])],
  });
};

const transportFor = ({ use }: BackendNeed): Transport => (use === 'udp' ? 'UDP' : 'TCP');

const sectionOf = ({ spec }: TailscaleEndpoints, asked: number): string | undefined => spec.ports?.find(({ port }) => port === asked)?.name;

type Speaking = Pick<Backend, 'protocol' | 'tls'>;

const speakingOf = (
  object: TailscaleEndpoints | TailscaleServices,
  section: string | undefined,
  written: readonly Written[],
  { use, policies }: BackendNeed,
  read: Read<ModelTables>,
): Result<Speaking, Verdict> => {
  const name = `${object.kind} "${localKeyOf(object)}"`;
  const protocol = machinesProtocolOf(
    written.map((one) => one.protocol),
    use,
  );
  if (!protocol.ok) return fail({ reason: 'UnsupportedProtocol', message: `${name}: ${protocol.problem}` });
  const policy = policies ? tlsOf(object, section, read) : ok(undefined);
  if (!policy.ok) return fail({ reason: 'InvalidBackendTLS', message: policy.problem });
  const tls: BackendTls | undefined = policy.value ?? (protocol.value.tls ? ownTlsOf(written) : undefined);
  return ok(present({ protocol: protocol.value.protocol, tls }));
};
