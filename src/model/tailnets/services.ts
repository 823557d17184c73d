import type { TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { backendMember, discoveredMembers, type Member, memberContext, ownMember, portOfBackend, vipMembers } from './members.ts';
import { partFrom } from './parts.ts';
import { machinePortOf, portsOf, type Transport, type Written } from './ports.ts';
import { selectedBy } from './selected.ts';
import { vipPortsInclude } from './vip-ports.ts';

/** What one port of a TailscaleServices consists of, never nothing, by what users wrote alone. */
export type Members = {
  readonly port: number;
  /** In no order that matters. */
  readonly members: readonly Member[];
  /** The priority after all others. */
  readonly lastResort: number;
  /** What users say of machines, for the protocol that all are spoken to in. */
  readonly written: readonly Written[];
  /** Tailnets that members are in, by name. */
  readonly tailnets: readonly string[];
  /** Members that are left out, and why. */
  readonly problems: readonly Verdict[];
};

/** Envoy has 128 priorities. */
const lastOfItsOwn = 100;

/**
 * What a port of a TailscaleServices leads to: selected TailscaleEndpoints with priority 0, or in turn with strategy `failover`; machines that its
 * discovery finds; its own address in each tailnet, at which other clusters may serve it, next; and `backends` by the priorities they say.
 * What cannot be used is left out. Fails with the reasons of `RouteConditionResolvedRefs` when nothing is left, or it has no such port.
 */
export const membersOf = (
  services: TailscaleServices,
  asked: number | undefined,
  transport: Transport,
  read: Read<ModelTables>,
): Result<Members, Verdict> => {
  const name = `TailscaleServices "${localKeyOf(services)}"`;
  const selected = selectedBy(services, read);
  const port = portFrom(services, selected, asked);
  if (!port.ok) return fail({ reason: 'BackendNotFound', message: `${name} ${port.problem}` });
  const { number, ofMachines, machines } = port.value;
  const offering = selected.filter((endpoints) => machinePortOf(endpoints, machines, transport).ok);
  const attempts = offering.map((endpoints) => partFrom(endpoints, machines, transport, read));
  const parts = attempts.flatMap((attempt) => (attempt.ok ? [attempt.value] : []));
  const context = memberContext(services, selected, { port: number, transport }, read);
  const backends = (services.spec.backends ?? []).flatMap((backend, index) => {
    const isAnothers = portOfBackend(backend) !== number && ofMachines.has(portOfBackend(backend));
    return isAnothers ? [] : [backendMember(backend, `spec.backends[${index}] of ${name}`, context, read)];
  });
  const isFailover = services.spec.loadBalancing?.strategy === 'failover';
  const members = [
    ...parts.map((part, index) => ownMember(part, isFailover ? Math.min(index, lastOfItsOwn) : 0, context)),
    ...discoveredMembers(context, read),
    ...vipMembers(context, isFailover ? Math.max(1, Math.min(parts.length, lastOfItsOwn)) : 1, read),
    ...backends.flatMap((one) => (one.ok ? [one.value] : [])),
  ];
  const problems = [...attempts, ...backends].flatMap((one) => (one.ok ? [] : [one.problem]));
  if (members.length === 0) return fail(problems[0] ?? { reason: 'BackendNotFound', message: `${name} ${nothing}` });
  return ok({
    port: number,
    members,
    lastResort: Math.max(1, ...members.map(({ priority }) => priority)) + 1,
    written: parts.flatMap(({ written }) => written),
    tailnets: [...new Set(members.flatMap(({ tailnet }) => tailnet ?? []))],
    problems,
  });
};

const nothing = 'selects no TailscaleEndpoints and has no other backends';

/** `number` as references say it; `machines` as the TailscaleEndpoints say it; `ofMachines` all that these have. */
type ServicePort = { readonly number: number; readonly machines: number; readonly ofMachines: ReadonlySet<number> };

const portFrom = (
  { spec }: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  asked: number | undefined,
): Result<ServicePort, string> => {
  const ofMachines = new Set(selected.flatMap(portsOf));
  const ofBackends = new Set((spec.backends ?? []).map(portOfBackend));
  const finds = spec.serviceDiscovery?.enabled === true;
  if (ofMachines.size === 0 && ofBackends.size === 0 && !finds) return fail(selected.length === 0 ? nothing : 'selects no machines');
  const all = ofMachines.size > 0 ? ofMachines : ofBackends;
  const [only] = all;
  if (asked === undefined) {
    if (only !== undefined && all.size === 1) return ok({ number: only, machines: only, ofMachines });
    return fail(`has ports ${[...all].toSorted((one, other) => one - other).join(', ')}, and the reference says none of them`);
  }
  const isOffered = selected.some((endpoints) => (['TCP', 'UDP'] as const).some((one) => machinePortOf(endpoints, asked, one).ok));
  if (isOffered || ofBackends.has(asked) || finds || ofMachines.size === 0) return ok({ number: asked, machines: asked, ofMachines });
  if (only !== undefined && ofMachines.size === 1 && vipPortsInclude(spec.vipService?.ports ?? [], asked)) {
    return ok({ number: asked, machines: only, ofMachines });
  }
  return fail(`has no port ${asked}`);
};
