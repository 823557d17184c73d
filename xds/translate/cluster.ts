import { any } from '../any.ts';
import type { Backend, TlsSecret } from '../../src/model/graph.ts';
import type { Cluster } from '../types.ts';
import { limitsFrom } from './backend-limits.ts';
import { adsSource, adsSourceOfTailnet } from './config-source.ts';
import { healthChecksFrom, outlierDetection } from './health.ts';
import { connectionBufferBytes, http2Limits } from './limits.ts';
import { reachedBy } from './reached-by.ts';
import { upstreamTlsFrom } from './upstream-tls.ts';

/** CDS entry of one backend. Endpoints travel by EDS, so one that goes away does not rebuild the cluster. */
export const clusterFrom = (backend: Backend, clientCertificate: TlsSecret | undefined, systemCaFile: string): Cluster => {
  const cluster = unlimitedCluster(backend, clientCertificate, systemCaFile);
  return backend.limits === undefined ? cluster : { ...cluster, ...limitsFrom(backend.limits, cluster) };
};

const unlimitedCluster = (backend: Backend, clientCertificate: TlsSecret | undefined, systemCaFile: string): Cluster => ({
  ...plainCluster(backend.id),
  transportSocket: reachedBy(
    backend.reach?.form,
    backend.tls && upstreamTlsFrom(backend.tls, backend.protocol, clientCertificate, systemCaFile),
  ),
  typedExtensionProtocolOptions: protocolOptionsFrom(backend.protocol),
  ...careFrom(backend),
});

/** What a tailnet's backend has besides; nothing for a Service. */
const careFrom = ({ reach, ...backend }: Backend): Cluster => {
  if (reach === undefined) return {};
  return {
    edsClusterConfig: { edsConfig: adsSourceOfTailnet },
    lbPolicy: reach.balancing === 'least-requests' ? 'LEAST_REQUEST' : 'ROUND_ROBIN',
    healthChecks: healthChecksFrom({ ...backend, reach }),
    outlierDetection: reach.outlierDetection ? outlierDetection : undefined,
  };
};

/** A cluster of this name with EDS endpoints, spoken to as bytes. */
export const plainCluster = (name: string): Cluster => ({
  name,
  type: 'EDS',
  edsClusterConfig: { edsConfig: adsSource },
  ...commonCluster,
});

/** Notices within a minute that a peer, or the path to it, is gone without a word. */
const tcpKeepalive = { keepaliveTime: 30, keepaliveInterval: 10, keepaliveProbes: 3 };

/** Far above Envoy's 1,024, which a busy route reaches in good health; retries stay a fifth of what is under way, so none can storm. */
const circuitBreakers: NonNullable<Cluster['circuitBreakers']> = {
  thresholds: [
    {
      maxConnections: 100_000,
      maxPendingRequests: 100_000,
      maxRequests: 100_000,
      retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 10 },
    },
  ],
};

/** What every cluster has, wherever its endpoints come from. */
export const commonCluster: Cluster = {
  // Envoy's own default is 5 s; a path through a tailnet may add a relay's handshake to that.
  connectTimeout: '10s',
  // Each endpoint in its turn: shares of traffic can be predicted, which weights promise and tests count on.
  lbPolicy: 'ROUND_ROBIN',
  // Unhealthy endpoints get nothing, even when no other is left: they are not ready, so what they get is lost.
  commonLbConfig: { healthyPanicThreshold: { value: 0 } },
  circuitBreakers,
  perConnectionBufferLimitBytes: connectionBufferBytes,
  upstreamConnectionOptions: { tcpKeepalive },
  // An endpoint that discovery no longer names gets nothing new, whatever its last health check said.
  ignoreHealthOnHostRemoval: true,
};

const http1 = any('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', { explicitHttpConfig: { httpProtocolOptions: {} } });

const http2 = any('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
  explicitHttpConfig: {
    http2ProtocolOptions: {
      initialStreamWindowSize: http2Limits.initialStreamWindowSize,
      initialConnectionWindowSize: http2Limits.initialConnectionWindowSize,
    },
  },
});

const protocolOptionsFrom = (protocol: Backend['protocol']): Cluster['typedExtensionProtocolOptions'] => {
  if (protocol === 'tcp' || protocol === 'udp') return undefined;
  return { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': protocol === 'http2' ? http2 : http1 };
};
