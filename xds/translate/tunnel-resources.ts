import type { HostPort } from '../../src/lib/host-port.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import { memo } from '../../src/lib/memo.ts';
import type { Backend, Gateway, Graph } from '../../src/model/graph.ts';
import { proxiesClusterName } from '../names.ts';
import type { Resource } from '../resources.ts';
import type { Cluster, ClusterLoadAssignment, Listener } from '../types.ts';
import { loadAssignmentFrom } from './load-assignment.ts';
import { proxiesClusterFrom, tunnelClusters, tunnelListeners } from './tunnel.ts';
import { distinct, proxiesIn } from './tunnelled-endpoints.ts';

/** What a Gateway with tunnelled backends has besides, and others have not: the way, and the proxies of each set that tunnels lead over. */
export const tunnelClustersOf = (gateway: Gateway): readonly Resource<'Cluster'>[] => {
  const tunnelled = tunnelledOf(gateway.backends);
  if (tunnelled.length === 0) return [];
  const sets = [...new Set(tunnelled.flatMap(({ reach }) => reach?.sets ?? []))].toSorted(byCodeUnit);
  return [...tunnelClusters, ...sets.map(proxiesClusterFrom)].map((message: Cluster) => resourceOf(gateway, message.name, message));
};

export const tunnelListenersOf = (gateway: Gateway): readonly Resource<'Listener'>[] =>
  tunnelledOf(gateway.backends).length === 0 ? [] : tunnelListeners.map((message: Listener) => resourceOf(gateway, message.name, message));

/** Nothing is said of a set while no backend that uses it has been heard of: Envoys keep the proxies they have, as they keep endpoints. */
export const tunnelAssignmentsOf = (gateway: Gateway, endpoints: Graph['endpoints']): readonly Resource<'ClusterLoadAssignment'>[] => {
  const found = new Map<string, HostPort[]>();
  for (const { id, reach } of tunnelledOf(gateway.backends)) {
    const localities = endpoints.get(id);
    if (localities === undefined) continue;
    for (const set of reach?.sets ?? []) {
      const proxies = found.get(set) ?? [];
      proxies.push(...(proxiesIn(localities).get(set) ?? []));
      found.set(set, proxies);
    }
  }
  return [...found].map(([set, proxies]) => resourceOf(gateway, proxiesClusterName(set), assignmentFrom(set, distinct(proxies))));
};

const assignmentFrom = (set: string, proxies: readonly HostPort[]): ClusterLoadAssignment => {
  const endpoints = proxies.map(({ host, port }) => ({ address: host, port, healthy: true }));
  return loadAssignmentFrom(proxiesClusterName(set), [{ zone: '', weight: Math.max(1, endpoints.length), endpoints }]);
};

const resourceOf = <M extends object>({ key }: Gateway, name: string | undefined, message: M) => ({
  name: name ?? '',
  message,
  owners: [key],
});

const tunnelledOf = memo((backends: readonly Backend[]): readonly Backend[] => backends.filter(({ reach }) => reach?.form === 'tunnelled'));
