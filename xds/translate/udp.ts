import { any } from '../any.ts';
import type { Endpoint, Locality, Share, Socket, StreamRule } from '../../src/model/graph.ts';
import { combinedClusterName, missingCluster } from '../names.ts';
import type { Cluster, ClusterLoadAssignment, Listener, LocalityLbEndpoints } from '../types.ts';
import { plainCluster } from './cluster.ts';
import { lbEndpointFrom } from './lb-endpoint.ts';

type UdpShare = Pick<Share, 'backend' | 'weight'>;

/** What a UDP socket has besides its address: datagrams of one client's port are a session, and go to one endpoint. */
export const udpListenerFrom = ({ listeners, port }: Socket): Listener => {
  const rule = listeners.find((listener) => listener.protocol === 'UDP')?.rule;
  return {
    udpListenerConfig: {},
    listenerFilters: [
      {
        name: 'envoy.filters.udp_listener.udp_proxy',
        typedConfig: any('envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig', {
          statPrefix: `udp/${port}`,
          matcher: {
            onNoMatch: {
              action: { name: 'route', typedConfig: any('envoy.extensions.filters.udp.udp_proxy.v3.Route', { cluster: clusterOf(rule) }) },
            },
          },
        }),
      },
    ],
  };
};

/** Datagrams to a cluster that does not exist are dropped: those of a socket without a rule, or whose rule has no backend. */
const clusterOf = (rule: StreamRule | undefined): string => {
  if (rule === undefined || (rule.identities ?? []).length > 0) return missingCluster;
  return isCombined(rule) ? combinedClusterName(rule) : (weighted(rule)[0]?.backend?.id ?? missingCluster);
};

/** Rules with several shares: Envoy's UDP proxy knows one cluster, so the shares become localities of one of the rule's own. */
const isCombined = (rule: StreamRule): boolean => weighted(rule).length > 1;

export const combinedRulesOf = (sockets: readonly Socket[]): readonly StreamRule[] =>
  sockets
    .flatMap(({ listeners }) => listeners)
    .flatMap((listener) =>
      listener.protocol === 'UDP' && listener.rule !== undefined && isCombined(listener.rule) ? [listener.rule] : [],
    );

/** CDS entry of a rule with several shares. */
export const combinedClusterFrom = (rule: StreamRule): Cluster => {
  const cluster = plainCluster(combinedClusterName(rule));
  return { ...cluster, commonLbConfig: { ...cluster.commonLbConfig, localityWeightedLbConfig: {} } };
};

/** EDS entry of a rule with several shares: one locality each. Sessions of a share that has endpoints, none of them healthy, go to the others. */
export const combinedLoadAssignmentFrom = (
  rule: StreamRule,
  localitiesOf: (backendId: string) => readonly Locality[],
): ClusterLoadAssignment => ({
  clusterName: combinedClusterName(rule),
  endpoints: weighted(rule).map((share, index) => shareFrom(share, index, localitiesOf)),
});

const shareFrom = (
  { backend, weight }: UdpShare,
  index: number,
  localitiesOf: (backendId: string) => readonly Locality[],
): LocalityLbEndpoints => ({
  locality: { subZone: `share/${index}` },
  loadBalancingWeight: weight,
  priority: 0,
  lbEndpoints: backend === undefined ? [nowhere] : bestOf(localitiesOf(backend.id)).map(lbEndpointFrom),
});

/** Endpoints of the first priority in which one is healthy; within the rule's one cluster, shares cannot have priorities of their own. */
const bestOf = (localities: readonly Locality[]): readonly Endpoint[] => {
  const byPriority = [...Map.groupBy(localities, ({ priority = 0 }) => priority)].toSorted(([a], [b]) => a - b);
  const endpoints = byPriority.map(([, some]) => some.flatMap((locality) => locality.endpoints));
  return endpoints.find((some) => some.some(({ healthy }) => healthy)) ?? endpoints[0] ?? [];
};

/** Takes the sessions of a share without a backend: the discard port, where nothing listens and datagrams end. */
const nowhere = lbEndpointFrom({ address: '127.0.0.1', port: 9, healthy: true });

const weighted = ({ shares }: StreamRule): readonly UdpShare[] => shares.filter(({ weight }) => weight > 0);
