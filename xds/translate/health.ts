import { partsOf } from '../../src/lib/key.ts';
import type { Backend, HealthCheck as Check } from '../../src/model/graph.ts';
import type { HealthCheck, OutlierDetection } from '../types.ts';
import { durationFrom } from './duration.ts';

/**
 * How Envoy asks endpoints of a backend whether they are well: by HTTP where there is a path, else by connecting. Through an HTTP proxy a
 * connection without TLS stands as soon as the proxy takes it, so there the latter says nothing of the endpoint (seen with Envoy 1.40).
 */
export const healthChecksFrom = (backend: Backend): readonly HealthCheck[] | undefined => {
  const { healthCheck: check, form } = backend.reach ?? {};
  // Envoy 1.40 aborts on a check of an address inside itself.
  if (check === undefined || form === 'tunnelled') return undefined;
  return [
    {
      timeout: durationFrom(check.timeoutMs),
      interval: durationFrom(check.intervalMs),
      // Replicas of an Envoy, and endpoints of a backend, are not to ask all at once.
      intervalJitterPercent: 10,
      // Without this, backends nobody has used yet are asked once a minute, and the first request may meet one that has long been gone.
      noTrafficInterval: durationFrom(check.intervalMs),
      healthyThreshold: check.healthyThreshold,
      unhealthyThreshold: check.unhealthyThreshold,
      ...askedFrom(backend, check),
    },
  ];
};

/** Answers from 200 to 399 are good ones, as to a kubelet. The Host is a name, since Envoy's own default, the cluster's, holds slashes. */
const askedFrom = ({ key, protocol, tls }: Backend, { path }: Check): HealthCheck =>
  path === undefined
    ? { tcpHealthCheck: {} }
    : {
        httpHealthCheck: {
          path,
          host: tls?.hostname ?? partsOf(key).name,
          codecClientType: protocol === 'http2' ? 'HTTP2' : 'HTTP1',
          expectedStatuses: [{ start: '200', end: '400' }],
        },
      };

/**
 * Three failures in a row, and an endpoint is left alone: 502, 503 and 504, and connections that fail or break, which is all that shows
 * of a machine that cannot be reached behind a proxy that can. What else an application answers is its own affair. First for ten seconds,
 * longer each time; the last endpoint that is left never, so that somebody always is asked.
 */
export const outlierDetection: OutlierDetection = {
  consecutiveGatewayFailure: 3,
  enforcingConsecutiveGatewayFailure: 100,
  enforcingConsecutive5xx: 0,
  enforcingSuccessRate: 0,
  interval: '5s',
  baseEjectionTime: '10s',
  maxEjectionTime: '60s',
  maxEjectionPercent: 99,
};
