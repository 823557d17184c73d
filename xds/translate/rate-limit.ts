import { any } from '../any.ts';
import { memo } from '../../src/lib/memo.ts';
import { peerMetadata } from '../names.ts';
import type { LocalRateLimit, RateLimitKey } from '../../src/model/graph.ts';
import type { Any } from '../types.ts';
import { durationFrom } from './duration.ts';

/** Kept per route while there is room; those that were not seen for longest go first, and begin anew with a full bucket. */
const bucketsAtMost = 10_000;

const always = { defaultValue: { numerator: 100, denominator: 'HUNDRED' } } as const;

/** What limits a route: 429, or for gRPC `RESOURCE_EXHAUSTED`, with `retry-after` once the bucket is empty. Without a value for each key requests share one. */
export const rateLimitFrom = memo(({ tokens, burst, fillIntervalMs, by = [] }: LocalRateLimit): Any => {
  const tokenBucket = { maxTokens: burst, tokensPerFill: tokens, fillInterval: durationFrom(fillIntervalMs) };
  return any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
    statPrefix: 'rate_limit',
    tokenBucket,
    filterEnabled: always,
    filterEnforced: always,
    rateLimitedAsResourceExhausted: true,
    enableRetryAfterHeader: true,
    ...(by.length === 0
      ? {}
      : {
          descriptors: [{ entries: by.map((key) => ({ key: keyName(key) })), tokenBucket }],
          rateLimits: [{ actions: by.map(actionFrom) }],
          alwaysConsumeDefaultTokenBucket: false,
          maxDynamicDescriptors: bucketsAtMost,
        }),
  });
});

/** In every filter chain, off until a route limits something. */
export const noRateLimit: Any = any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', { statPrefix: 'rate_limit' });

/** On a route that limits nothing. Envoy wants a bucket there, which without `filterEnabled` is never asked. */
export const idleRateLimit: Any = any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
  statPrefix: 'rate_limit',
  tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: '1s' },
});

const keyName = (key: RateLimitKey): string => (key.kind === 'header' ? `header/${key.name}` : key.kind);

const actionFrom = (key: RateLimitKey) =>
  key.kind === 'header'
    ? { requestHeaders: { headerName: key.name, descriptorKey: keyName(key) } }
    : {
        metadata: {
          descriptorKey: keyName(key),
          metadataKey: { key: peerMetadata, path: [{ key: key.kind }] },
          source: 'DYNAMIC' as const,
        },
      };
