import type { BackendLimits } from '../../src/model/graph.ts';
import type { Cluster, OutlierDetection } from '../types.ts';
import { durationFrom } from './duration.ts';
import { outlierDetection } from './health.ts';

type Breakers = NonNullable<Cluster['circuitBreakers']>;
type Thresholds = NonNullable<Breakers['thresholds']>[number];

/** What a cluster has where policies say something of the connections to its backend; `usual` is what it would have. */
export const limitsFrom = (limits: BackendLimits, usual: Pick<Cluster, 'circuitBreakers' | 'outlierDetection'>): Cluster => {
  const { outliers } = limits;
  return {
    circuitBreakers: { thresholds: [thresholdsFrom(limits, usual.circuitBreakers?.thresholds?.[0] ?? {})] },
    ...(outliers === undefined ? {} : { outlierDetection: outliersFrom(outliers, usual.outlierDetection) }),
  };
};

/** Envoy heeds a number of retries only where there is no budget for them. */
const thresholdsFrom = (limits: BackendLimits, { retryBudget, ...usual }: Thresholds): Thresholds => ({
  maxConnections: limits.maxConnections ?? usual.maxConnections,
  maxPendingRequests: limits.maxPendingRequests ?? usual.maxPendingRequests,
  maxRequests: limits.maxRequests ?? usual.maxRequests,
  ...(limits.maxRetries === undefined ? { retryBudget } : { maxRetries: limits.maxRetries }),
});

/** Any answer of 500 and above counts, and the last endpoint that is left always stays unless somebody says otherwise. */
const outliersFrom = (
  { consecutive5xx, intervalMs, baseEjectionTimeMs, maxEjectionPercent }: NonNullable<BackendLimits['outliers']>,
  usual: OutlierDetection | undefined,
): OutlierDetection => ({
  ...outlierDetection,
  ...(usual === undefined ? { enforcingConsecutiveGatewayFailure: 0 } : usual),
  consecutive5xx: consecutive5xx ?? 5,
  enforcingConsecutive5xx: 100,
  ...(intervalMs === undefined ? {} : { interval: durationFrom(intervalMs) }),
  ...(baseEjectionTimeMs === undefined
    ? {}
    : { baseEjectionTime: durationFrom(baseEjectionTimeMs), maxEjectionTime: durationFrom(Math.max(60_000, baseEjectionTimeMs * 6)) }),
  ...(maxEjectionPercent === undefined ? {} : { maxEjectionPercent }),
});
