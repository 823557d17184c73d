import type { JwksServer } from '../../src/model/graph.ts';
import { jwksClusterName } from '../names.ts';
import type { Cluster } from '../types.ts';
import { commonCluster } from './cluster.ts';
import { upstreamTlsFrom } from './upstream-tls.ts';

/** CDS entry of a server that keys of tokens come from, which Envoy finds by DNS. Its certificate is held against the system's CAs. */
export const jwksClusterFrom = (server: JwksServer, systemCaFile: string): Cluster => {
  const { scheme, host, port } = server;
  const name = jwksClusterName(server);
  const tls = { hostname: host, subjectAltNames: [], verify: { by: 'system' } } as const;
  return {
    name,
    type: 'STRICT_DNS',
    ...commonCluster,
    // A server that is not there when Envoy starts must not keep it from starting.
    waitForWarmOnInit: false,
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: host, portValue: port } } } }] }],
    },
    ...(scheme === 'https' ? { transportSocket: upstreamTlsFrom(tls, 'http1', undefined, systemCaFile) } : {}),
  };
};
