import { any } from '../any.ts';
import type { HttpRule } from '../../src/model/graph.ts';
import type { RetryPolicy } from '../types.ts';
import { durationFrom } from './duration.ts';

/** Another endpoint than those tried before, if there is one. */
export const elsewhere = {
  retryHostPredicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typedConfig: any('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
    },
  ],
  hostSelectionRetryMaxAttempts: 3,
} as const satisfies RetryPolicy;

/** For every route: what is repeated here never reached a backend's application, so repeating it is safe whatever the method. */
export const safeRetries: RetryPolicy = { retryOn: 'connect-failure,refused-stream,reset-before-request', numRetries: 2, ...elsewhere };

/**
 * For requests whose method is idempotent (RFC 9110, 9.2.2) to backends behind HTTP proxies: also what broke before it was answered. To Envoy a
 * connection stands as soon as the proxy takes it, so a target that cannot be reached looks like one that broke. The first repetition goes
 * to another endpoint, the next to another priority.
 */
export const repeatableRetries: RetryPolicy = {
  ...safeRetries,
  retryOn: 'connect-failure,refused-stream,reset',
  retryPriority: {
    name: 'envoy.retry_priorities.previous_priorities',
    typedConfig: any('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', { updateFrequency: 2 }),
  },
};

/**
 * Gateway API `HTTPRouteRetry`: on the status codes named, and on connections that fail or break. Nothing where the rule asks for no
 * retries and no limit to an attempt, as the virtual host's `safeRetries` then hold.
 */
export const retryPolicyFrom = ({ retry, backendTimeoutMs = 0 }: HttpRule): RetryPolicy | undefined => {
  const perTryTimeout = backendTimeoutMs === 0 ? undefined : durationFrom(backendTimeoutMs);
  if (retry === undefined) return perTryTimeout === undefined ? undefined : { ...safeRetries, perTryTimeout };
  return {
    retryOn: `connect-failure,refused-stream,reset${retry.statusCodes.length === 0 ? '' : ',retriable-status-codes'}`,
    retriableStatusCodes: retry.statusCodes.length === 0 ? undefined : retry.statusCodes.toSorted((a, b) => a - b),
    numRetries: retry.attempts,
    perTryTimeout,
    retryBackOff: backOffFrom(retry.backoffMs),
    ...elsewhere,
  };
};

/** Envoy waits a random time below its interval, which doubles with each retry: twice the asked time makes that the mean of the first wait. */
const backOffFrom = (backoffMs = 0): RetryPolicy['retryBackOff'] =>
  backoffMs === 0 ? undefined : { baseInterval: durationFrom(2 * backoffMs), maxInterval: durationFrom(20 * backoffMs) };
