import type { TailscaleEndpoints } from '../../api/generated/tailscale.ts';
import { keyOf, localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { present } from '../../lib/present.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { Condition, Status } from '../status.ts';
import { carrierOf } from './carriers.ts';
import { forwardedPortsOf, mostForwardedPorts } from './forwards.ts';
import { type Machine, machinesOf } from './machines.ts';
import { tailnetFor } from './permission.ts';
import { devicesOf, observedOf, shortfallIn, withoutReadyProxies } from './proxy-status.ts';
import type { StatusTables, TailnetSync } from './status-tables.ts';
import { forwardTargetOf } from './wanted-forwards.ts';

type EndpointsStatus = Extract<Status, { readonly kind: 'TailscaleEndpoints' }>;
type Fields = EndpointsStatus['fields'];

/** Of the CRD. */
const mostEndpoints = 1024;

/**
 * What users are told of some machines and their proxies. Ready when the tailnet is known, every replica of the proxies is a machine of it, and
 * of the machines asked for there is one that may be sent traffic. Where no cluster runs proxies, one of them has to be ready by its EndpointSlice.
 */
export const endpointsStatuses = (onCluster: boolean): ((endpoints: TailscaleEndpoints, tables: StatusTables) => EndpointsStatus) =>
  memoByChanges<StatusTables, TailscaleEndpoints, EndpointsStatus>((endpoints, read) => {
    const sets = read('proxySetsOf', keyOf(endpoints)) ?? [];
    const machines = permittedMachines(endpoints, read);
    const conditions = conditionsOf(endpoints.metadata.generation);
    return {
      kind: 'TailscaleEndpoints',
      conditions: [
        ...statefulSetsReady(sets, conditions, read),
        syncedOf(endpoints, conditions, read),
        readyOf(endpoints, machines, { onCluster, sets }, conditions, read),
      ],
      fields: {
        ...setFields(sets, read),
        devices: devicesOf(sets, read),
        ...machineFields(machines),
        ...present({ lastSync: syncFor(endpoints, read)?.at }),
      },
    };
  });

const isPermitted = ({ metadata, spec }: TailscaleEndpoints, read: Read<StatusTables>): boolean =>
  tailnetFor(spec.tailnet, metadata.namespace ?? '', read).ok;

/** Nobody learns from a status what is in a tailnet that does not let their namespace. */
export const permittedMachines = (endpoints: TailscaleEndpoints, read: Read<StatusTables>): readonly Machine[] =>
  isPermitted(endpoints, read) ? machinesOf(endpoints, read) : [];

const syncFor = (endpoints: TailscaleEndpoints, read: Read<StatusTables>): TailnetSync | undefined =>
  isPermitted(endpoints, read) ? read('tailnetSyncs', endpoints.spec.tailnet) : undefined;

const setFields = (sets: readonly ProxySet[], read: Read<StatusTables>): Pick<Fields, 'statefulSetRefs' | 'statefulSets'> => {
  const statefulSets = sets.map((set) => {
    const observed = observedOf(set, read);
    const { name, namespace, direction: connectionType } = set;
    const replicas = { readyReplicas: observed?.ready ?? 0, desiredReplicas: set.replicas };
    return { ref: { name, namespace, connectionType, ...replicas }, more: present({ service: name, createdAt: observed?.createdAt }) };
  });
  return { statefulSetRefs: statefulSets.map(({ ref }) => ref), statefulSets: statefulSets.map(({ ref, more }) => ({ ...ref, ...more })) };
};

const machineFields = (
  machines: readonly Machine[],
): Pick<Fields, 'endpointStatus' | 'totalEndpoints' | 'healthyEndpoints' | 'discoveredEndpoints'> => {
  // Names are keys to the API server, and machines that were discovered may share one.
  const byName = new Map(machines.toReversed().map((machine) => [machine.name, machine]));
  return {
    endpointStatus: machines
      .filter((machine) => byName.get(machine.name) === machine)
      .slice(0, mostEndpoints)
      .map((machine) => ({ name: machine.name, ...present({ tailscaleIP: machine.target.ip }), healthStatus: healthOf(machine) })),
    totalEndpoints: machines.length,
    healthyEndpoints: machines.filter(({ healthy }) => healthy).length,
    discoveredEndpoints: machines.filter(({ discovered }) => discovered).length,
  };
};

/** `unknown`: sent traffic, though the tailnet does not know it. */
export const healthOf = ({ healthy, known }: Machine): string => (healthy ? (known ? 'healthy' : 'unknown') : 'unhealthy');

const statefulSetsReady = (sets: readonly ProxySet[], conditions: ConditionsOf, read: Read<StatusTables>): readonly Condition[] =>
  sets.length === 0
    ? []
    : [conditions.unless(shortfallIn(sets, read), 'StatefulSetsReady', 'Every proxy is a machine of the tailnet and ready')];

const syncedOf = (endpoints: TailscaleEndpoints, { yes, no, unknown }: ConditionsOf, read: Read<StatusTables>): Condition => {
  const { tailnet } = endpoints.spec;
  const permitted = tailnetFor(tailnet, endpoints.metadata.namespace ?? '', read);
  if (!permitted.ok) return no('Synced', permitted.problem.reason, permitted.problem.message);
  const sync = read('tailnetSyncs', tailnet);
  const seeThere = `see the status of TailscaleTailnet "${tailnet}"`;
  if (sync?.at === undefined) return unknown('Synced', 'TailnetNotHeard', `Nothing is known of the tailnet yet: ${seeThere}`);
  if (sync.lasting) return no('Synced', 'Stale', `Nothing new is heard of the tailnet, and what was known before is used: ${seeThere}`);
  return yes('Synced', 'Synced', 'Machines are as the tailnet knows them');
};

type Place = { readonly onCluster: boolean; readonly sets: readonly ProxySet[] };

const readyOf = (
  endpoints: TailscaleEndpoints,
  machines: readonly Machine[],
  place: Place,
  conditions: ConditionsOf,
  read: Read<StatusTables>,
): Condition => {
  const { tailnet, proxy } = endpoints.spec;
  const wrong = mistakeIn(endpoints, machines, read);
  if (wrong !== undefined) return conditions.no('Ready', wrong.reason, wrong.message);
  if (read('tailnetSyncs', tailnet)?.at === undefined)
    return conditions.unknown(
      'Ready',
      'TailnetNotHeard',
      `Nothing is known of the tailnet yet: see the status of TailscaleTailnet "${tailnet}"`,
    );
  const verdict = proxiesMissing(endpoints, place, read) ?? machinesMissing(endpoints, machines);
  const message =
    proxy?.connectionType === 'ingress'
      ? 'Ingress proxies take nothing to the tailnet, so that no route can have these machines as backends'
      : 'Machines can be reached';
  return conditions.unless(verdict, 'Ready', message);
};

/** What users have to change, whatever runs. */
export const mistakeIn = (endpoints: TailscaleEndpoints, machines: readonly Machine[], read: Read<StatusTables>): Verdict | undefined => {
  const { metadata, spec } = endpoints;
  const tailnet = tailnetFor(spec.tailnet, metadata.namespace ?? '', read);
  if (!tailnet.ok) return tailnet.problem;
  const group = groupMistake(endpoints, read);
  if (group !== undefined) return group;
  const problems = machines.flatMap(({ name, problem }) => (problem === undefined ? [] : [`endpoint ${name}: ${problem}`]));
  if (problems.length > 0) return { reason: 'InvalidEndpoint', message: problems.join('; ') };
  const carrier = carrierOf(endpoints, read);
  if (!carrier.ok) return undefined;
  const packets = machines.find(({ protocol, external }) => protocol === 'UDP' && external === undefined);
  if (carrier.value.mode === 'connect' && packets !== undefined)
    return { reason: 'UnsupportedProtocol', message: `endpoint ${packets.name}: UDP needs proxies of mode forward, or mode direct` };
  const ports = carrier.value.mode === 'forward' ? forwardedPortsOf(machines.flatMap((machine) => forwardTargetOf(machine) ?? [])) : 0;
  return ports > mostForwardedPorts
    ? {
        reason: 'TooManyPorts',
        message: `${ports} ports of machines are to be forwarded, and one proxy has ${mostForwardedPorts} for that`,
      }
    : undefined;
};

const groupMistake = ({ metadata, spec }: TailscaleEndpoints, read: Read<StatusTables>): Verdict | undefined => {
  if (spec.proxyGroup === undefined) return undefined;
  const name = `TailscaleProxyGroup "${spec.proxyGroup}"`;
  const group = read('TailscaleProxyGroup', localKey(metadata.namespace ?? '', spec.proxyGroup));
  if (group === undefined) return { reason: 'ProxyGroupNotFound', message: `${name} not found in this namespace` };
  if (group.spec.tailnet === spec.tailnet) return undefined;
  return { reason: 'ProxyGroupMismatch', message: `${name} is in tailnet "${group.spec.tailnet}", not in "${spec.tailnet}"` };
};

/** Why the proxies do not serve yet: its own all have to, of a group's, which others use too, as well. */
const proxiesMissing = (endpoints: TailscaleEndpoints, { onCluster, sets }: Place, read: Read<StatusTables>): Verdict | undefined => {
  if (onCluster) {
    const { proxyGroup } = endpoints.spec;
    if (proxyGroup === undefined) return shortfallIn(sets, read);
    const key = `TailscaleProxyGroup/${endpoints.metadata.namespace ?? ''}/${proxyGroup}`;
    const shortfall = shortfallIn(read('proxySetsOf', key) ?? [], read);
    return shortfall && { reason: 'ProxyGroupNotReady', message: `TailscaleProxyGroup "${proxyGroup}": ${shortfall.message}` };
  }
  const carrier = carrierOf(endpoints, read);
  return carrier.ok && carrier.value.mode !== 'direct' ? withoutReadyProxies(carrier.value.set, read) : undefined;
};

const machinesMissing = ({ spec }: TailscaleEndpoints, machines: readonly Machine[]): Verdict | undefined => {
  if ((spec.endpoints ?? []).length === 0 && spec.autoDiscovery === undefined) return undefined;
  if (machines.length === 0)
    return { reason: 'NoEndpoints', message: 'No machine of the tailnet has the names and tags that are asked for' };
  if (machines.some(({ healthy }) => healthy)) return undefined;
  return {
    reason: 'NoHealthyEndpoints',
    message: `Machines that may be sent traffic: none of ${machines.length}. They are offline, not authorized, or their keys have expired`,
  };
};
