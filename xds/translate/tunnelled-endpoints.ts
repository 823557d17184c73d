import { type HostPort, hostPortText } from '../../src/lib/host-port.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { memo } from '../../src/lib/memo.ts';
import type { Endpoint, Locality, Via } from '../../src/model/graph.ts';
import { proxiesClusterName, tunnelMetadata, tunnelNames } from '../names.ts';
import type { Address, LbEndpoint } from '../types.ts';
import { conditionFrom, lbEndpointFrom } from './lb-endpoint.ts';

/** Endpoints that are one destination, each over another proxy of one set. */
type Group = readonly [Endpoint, ...Endpoint[]];

/**
 * Endpoints of a tunnelled backend, by destination: one for each, however many proxies lead there, of the weight of all. It is named after
 * the destination and its proxies: when one of these leaves, no new request is sent on connections that may go over it. What it takes
 * into the tunnel names the set, which stays, so that it does not matter which of the two, endpoints or proxies, Envoy hears of first.
 */
export const tunnelledFrom = (endpoints: readonly Endpoint[]): readonly LbEndpoint[] =>
  groupsOf(endpoints)
    .map((group): [string, LbEndpoint] => [nameOf(group), fromGroup(group)])
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([, endpoint]) => endpoint);

type ByProxy = Extract<Via, { readonly kind: 'proxy' }>;

/** Proxies that endpoints name, each once, by their sets. */
export const proxiesIn = memo((localities: readonly Locality[]): ReadonlyMap<string, readonly HostPort[]> => {
  const vias = localities.flatMap(({ endpoints }) => viasOf(endpoints));
  return new Map([...Map.groupBy(vias, ({ set }) => set)].map(([set, some]) => [set, distinct(some.map(({ proxy }) => proxy))]));
});

export const distinct = (proxies: readonly HostPort[]): readonly HostPort[] => [
  ...new Map(proxies.map((proxy) => [hostPortText(proxy), proxy])).values(),
];

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
        metadata: { filterMetadata: { [tunnelMetadata]: { target: targetOf(first), proxies: proxiesClusterName(via.set) } } },
        ...conditionFrom({ healthy: group.some(({ healthy }) => healthy), weight: weightOf(group) }),
      };
  }
};

const internal = (serverListenerName: string, endpointId: string): Address => ({
  envoyInternalAddress: { serverListenerName, endpointId },
});

const weightOf = (group: Group): number => group.reduce((sum, { weight = 1 }) => sum + weight, 0);
