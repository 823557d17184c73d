import { type HostPort, hostPortText } from '../../src/lib/host-port.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { memo } from '../../src/lib/memo.ts';
import type { Endpoint, Locality } from '../../src/model/graph.ts';
import { proxiesKey, tunnelMetadata, tunnelNames } from '../names.ts';
import type { Address, ClusterLoadAssignment, LbEndpoint } from '../types.ts';
import { conditionFrom, lbEndpointFrom } from './lb-endpoint.ts';

/** Endpoints that are one destination, each over another proxy. */
type Group = readonly [Endpoint, ...Endpoint[]];

/** A set of proxies that lead to some destination. */
type ProxySet = { readonly name: string; readonly proxies: readonly HostPort[] };

/**
 * Endpoints of a tunnelled backend, by destination: one for each, however many proxies lead there, of the weight of all. It is named after
 * the destination and its proxies: when one of these leaves, no new request is sent on connections that may go over it.
 */
export const tunnelledFrom = (endpoints: readonly Endpoint[]): readonly LbEndpoint[] =>
  groupsOf(endpoints)
    .map((group): [string, LbEndpoint] => [nameOf(group), fromGroup(group)])
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([, endpoint]) => endpoint);

/** EDS entry of a Gateway's proxies, by the localities of each of its tunnelled backends. A proxy says which sets it is in. */
export const proxiesAssignmentFrom = (backends: readonly (readonly Locality[])[]): ClusterLoadAssignment => {
  const found = new Map<string, { readonly proxy: HostPort; readonly sets: Set<string> }>();
  for (const { name, proxies } of backends.flatMap(setsIn))
    for (const proxy of proxies) {
      const key = hostPortText(proxy);
      found.set(key, { proxy, sets: (found.get(key)?.sets ?? new Set()).add(name) });
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

const setsIn = memo((localities: readonly Locality[]): readonly ProxySet[] => {
  const sets = new Map<string, ProxySet>();
  for (const group of localities.flatMap(({ endpoints }) => groupsOf(endpoints))) {
    const set = proxiesOf(group);
    if (set.proxies.length > 0) sets.set(set.name, set);
  }
  return [...sets.values()];
});

/** Endpoints of one address whose weights or health differ are machines of different tailnets: these must not share their proxies. */
const groupsOf = (endpoints: readonly Endpoint[]): readonly Group[] => {
  const groups = Map.groupBy(endpoints, (endpoint) =>
    JSON.stringify([targetOf(endpoint), endpoint.via?.kind, endpoint.healthy, endpoint.weight]),
  );
  return [...groups.values()].map(([first, ...others]) => {
    if (first === undefined) throw new Error('unreachable: no group is empty');
    return [first, ...others];
  });
};

const targetOf = ({ address, port }: Endpoint): string => hostPortText({ host: address, port });

const proxiesOf = (group: Group): ProxySet => {
  const proxies = group.flatMap(({ via }) => (via?.kind === 'proxy' ? [via.proxy] : []));
  const names = [...new Set(proxies.map(hostPortText))].toSorted(byCodeUnit);
  return { name: names.join(','), proxies };
};

const nameOf = (group: Group): string => {
  const { name } = proxiesOf(group);
  return name === '' ? targetOf(group[0]) : `${targetOf(group[0])} via ${name}`;
};

const fromGroup = (group: Group): LbEndpoint => {
  const [first] = group;
  switch (first.via?.kind) {
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
        metadata: { filterMetadata: { [tunnelMetadata]: { target: targetOf(first), [proxiesKey]: proxiesOf(group).name } } },
        ...conditionFrom({ healthy: first.healthy, weight: weightOf(group) }),
      };
  }
};

const internal = (serverListenerName: string, endpointId: string): Address => ({
  envoyInternalAddress: { serverListenerName, endpointId },
});

const weightOf = (group: Group): number => group.reduce((sum, { weight = 1 }) => sum + weight, 0);
