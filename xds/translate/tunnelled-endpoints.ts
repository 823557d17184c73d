import { type HostPort, hostPortText } from '../../src/lib/host-port.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { memo } from '../../src/lib/memo.ts';
import type { Endpoint, Locality, Via } from '../../src/model/graph.ts';
import { proxiesKey, tunnelMetadata, tunnelNames } from '../names.ts';
import type { Address, ClusterLoadAssignment, LbEndpoint } from '../types.ts';
import { conditionFrom, lbEndpointFrom } from './lb-endpoint.ts';

/** Endpoints that are one destination, each over another proxy of one set. */
type Group = readonly [Endpoint, ...Endpoint[]];

/**
 * Endpoints of a tunnelled backend, by destination: one for each, however many proxies lead there, of the weight of all. It is named after
 * the destination and its proxies: when one of these leaves, no new request is sent on connections that may go over it. What it takes
 * into the tunnel is the name of the set, which stays, so that it does not matter which of the two, endpoints or proxies, Envoy hears of first.
 */
export const tunnelledFrom = (endpoints: readonly Endpoint[]): readonly LbEndpoint[] =>
  groupsOf(endpoints)
    .map((group): [string, LbEndpoint] => [nameOf(group), fromGroup(group)])
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([, endpoint]) => endpoint);

/** EDS entry of a Gateway's proxies, by the localities of each of its tunnelled backends. A proxy says which sets it is in. */
export const proxiesAssignmentFrom = (backends: readonly (readonly Locality[])[]): ClusterLoadAssignment => {
  const found = new Map<string, { readonly proxy: HostPort; readonly sets: Set<string> }>();
  for (const { proxy, set } of backends.flatMap(proxiesIn)) {
    const key = hostPortText(proxy);
    found.set(key, { proxy, sets: (found.get(key)?.sets ?? new Set()).add(set) });
  }
  const lbEndpoints = [...found].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, { proxy, sets }]) => proxyFrom(proxy, sets));
  return {
    clusterName: tunnelNames.proxies,
    endpoints: lbEndpoints.length === 0 ? [] : [{ locality: {}, loadBalancingWeight: lbEndpoints.length, priority: 0, lbEndpoints }],
  };
};

const proxyFrom = ({ host, port }: HostPort, sets: ReadonlySet<string>): LbEndpoint => ({
  ...lbEndpointFrom({ address: host, port, healthy: true }),
  metadata: { filterMetadata: { 'envoy.lb': { [proxiesKey]: [...sets].toSorted(byCodeUnit) } } },
});

type ByProxy = Extract<Via, { readonly kind: 'proxy' }>;

const proxiesIn = memo((localities: readonly Locality[]): readonly ByProxy[] => {
  const found = new Map<string, ByProxy>();
  for (const via of localities.flatMap(({ endpoints }) => viasOf(endpoints))) found.set(`${via.set} ${hostPortText(via.proxy)}`, via);
  return [...found.values()];
});

const viasOf = (endpoints: readonly Endpoint[]): readonly ByProxy[] => endpoints.flatMap(({ via }) => (via?.kind === 'proxy' ? [via] : []));

/** One address by different sets of proxies is a machine in each of their tailnets. */
const groupsOf = (endpoints: readonly Endpoint[]): readonly Group[] => {
  const groups = Map.groupBy(
    endpoints,
    ({ via, ...endpoint }) => `${targetOf(endpoint)} ${via?.kind === 'proxy' ? via.set : (via?.kind ?? '')}`,
  );
  return [...groups.values()].map(([first, ...others]) => {
    if (first === undefined) throw new Error('unreachable: no group is empty');
    return [first, ...others];
  });
};

const targetOf = ({ address, port }: Pick<Endpoint, 'address' | 'port'>): string => hostPortText({ host: address, port });

const nameOf = (group: Group): string => {
  const proxies = new Set(viasOf(group).map(({ proxy }) => hostPortText(proxy)));
  return proxies.size === 0 ? targetOf(group[0]) : `${targetOf(group[0])} via ${[...proxies].toSorted(byCodeUnit).join(',')}`;
};

const fromGroup = (group: Group): LbEndpoint => {
  const [{ via, ...first }] = group;
  switch (via?.kind) {
    case undefined:
      return lbEndpointFrom(first);
    case 'dns':
      return {
        endpoint: { address: internal(tunnelNames.namesListener, nameOf(group)) },
        metadata: { filterMetadata: { [tunnelMetadata]: { host: first.address, port: String(first.port) } } },
        ...conditionFrom(first),
      };
    case 'proxy':
      return {
        endpoint: { address: internal(tunnelNames.listener, nameOf(group)) },
        metadata: { filterMetadata: { [tunnelMetadata]: { target: targetOf(first), [proxiesKey]: via.set } } },
        ...conditionFrom({ healthy: group.some(({ healthy }) => healthy), weight: weightOf(group) }),
      };
  }
};

const internal = (serverListenerName: string, endpointId: string): Address => ({
  envoyInternalAddress: { serverListenerName, endpointId },
});

const weightOf = (group: Group): number => group.reduce((sum, { weight = 1 }) => sum + weight, 0);
