import { any } from '../any.ts';
import type { StreamRule } from '../../src/model/graph.ts';
import { missingCluster } from '../names.ts';
import type { NetworkFilter, TcpProxy } from '../types.ts';

/**
 * Forwards bytes to a rule's shares by weight. Connections of a share without a backend are closed; so are all where no rule, or no
 * weight, is there: then there is no filter, and Envoy closes a connection without filters at once.
 */
export const tcpFiltersFrom = (rule: StreamRule | undefined, statPrefix: string): readonly NetworkFilter[] => {
  const shares = (rule?.shares ?? []).filter(({ weight }) => weight > 0);
  if (shares.length === 0) return [];
  const clusters = shares.map(({ backend, weight }) => ({ name: backend?.id ?? missingCluster, weight }));
  const [only] = clusters;
  const proxy: TcpProxy = {
    statPrefix,
    ...(clusters.length === 1 ? { cluster: only?.name } : { weightedClusters: { clusters } }),
    // Another endpoint, when one does not take the connection.
    maxConnectAttempts: 3,
  };
  return [{ name: 'envoy.filters.network.tcp_proxy', typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', proxy) }];
};
