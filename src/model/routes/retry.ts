import type { HTTPRouteRetry } from '../../api/generated/gateway-api.ts';
import type { Retry } from '../graph.ts';
import { millisecondsOf } from '../../lib/duration.ts';

/** Envoy's field is 32 bits wide; the API's is not bounded. */
const maxAttempts = 0xffff_ffff;

/** One retry unless it says how many. A backoff of zero is none: the proxy's own then applies. */
export const retryFrom = ({ attempts = 1, codes, backoff }: HTTPRouteRetry): Retry => {
  const backoffMs = millisecondsOf(backoff ?? '');
  return {
    attempts: Math.min(attempts, maxAttempts),
    statusCodes: (codes ?? []).toSorted((a, b) => a - b),
    ...(backoffMs > 0 ? { backoffMs } : {}),
  };
};
