import { memo } from '../../src/lib/memo.ts';
import type { Backend, Gateway, Graph } from '../../src/model/graph.ts';
import { tunnelNames } from '../names.ts';
import type { Resource } from '../resources.ts';
import { tunnelClusters, tunnelListeners } from './tunnel.ts';
import { proxiesAssignmentFrom } from './tunnelled-endpoints.ts';

/** What Gateways with a tunnelled backend have besides; others nothing. */
export const tunnelClustersOf = (gateway: Gateway): readonly Resource<'Cluster'>[] =>
  tunnelledOf(gateway.backends).length === 0
    ? []
    : tunnelClusters.map((message) => ({ name: message.name ?? '', message, owners: [gateway.key] }));

export const tunnelListenersOf = (gateway: Gateway): readonly Resource<'Listener'>[] =>
  tunnelledOf(gateway.backends).length === 0
    ? []
    : tunnelListeners.map((message) => ({ name: message.name ?? '', message, owners: [gateway.key] }));

export const tunnelAssignmentsOf = (gateway: Gateway, endpoints: Graph['endpoints']): readonly Resource<'ClusterLoadAssignment'>[] => {
  const tunnelled = tunnelledOf(gateway.backends);
  if (tunnelled.length === 0) return [];
  const message = proxiesAssignmentFrom(tunnelled.map(({ id }) => endpoints.get(id) ?? []));
  return [{ name: tunnelNames.proxies, message, owners: [gateway.key] }];
};

const tunnelledOf = memo((backends: readonly Backend[]): readonly Backend[] => backends.filter(({ reach }) => reach?.form === 'tunnelled'));
