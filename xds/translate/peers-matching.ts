import { any } from '../any.ts';
import { peerIndexParts, peerMetadata, peerShards, peerShardKey } from '../names.ts';
import type { Any, Matcher, Predicate } from '../types.ts';
import { peersMessages } from './peers-slots.ts';

/** `filter`, passed by all requests that the shard cannot know: to run a script costs a request far more than to find that it need not be run. */
export const ofShard = (shard: number, filter: Any): Any => matched(filter, shardMatchers[shard]);

/** `filter`, passed by all requests that the part of the index cannot know. */
export const ofIndexPart = (part: number, filter: Any): Any => matched(filter, indexMatchers[part]);

const matched = (typedConfig: Any, xdsMatcher: Matcher | undefined): Any => {
  if (xdsMatcher === undefined) throw new Error('unreachable: a slot without a matcher');
  return any(peersMessages.matched, { extensionConfig: { name: 'table', typedConfig }, xdsMatcher });
};

const address = { name: 'address', typedConfig: any('envoy.extensions.matching.common_inputs.network.v3.SourceIPInput', {}) };

const isIPv6: Predicate = { singlePredicate: { input: address, valueMatch: { contains: ':' } } };

const not = (predicate: Predicate): Predicate => ({ notMatcher: predicate });

/** Envoy matches what is `threshold` or more. */
const isAtLeast = (threshold: number, modulo: number): Predicate => ({
  singlePredicate: {
    input: address,
    customMatch: {
      name: 'part',
      typedConfig: any('envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing', { threshold, modulo }),
    },
  },
});

const isOutside = (part: number, parts: number): Predicate => ({
  orMatcher: { predicate: [not(isAtLeast(part, parts)), isAtLeast(part + 1, parts)] },
});

const isLedTo = (shard: number): Predicate => ({
  singlePredicate: {
    input: {
      name: 'shard',
      typedConfig: any('envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput', {
        filter: peerMetadata,
        path: [{ key: peerShardKey }],
      }),
    },
    customMatch: {
      name: 'shard',
      typedConfig: any('envoy.extensions.matching.input_matchers.metadata.v3.Metadata', {
        value: { stringMatch: { exact: String(shard) } },
      }),
    },
  },
});

const skipping = (predicate: Predicate): Matcher => ({
  matcherList: {
    matchers: [
      {
        predicate,
        onMatch: { action: { name: 'skip', typedConfig: any('envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {}) } },
      },
    ],
  },
});

const shardMatchers = Array.from({ length: peerShards }, (_, shard) =>
  skipping({
    andMatcher: { predicate: [{ orMatcher: { predicate: [isIPv6, isOutside(shard, peerShards)] } }, not(isLedTo(shard))] },
  }),
);

const indexMatchers = Array.from({ length: peerIndexParts }, (_, part) =>
  skipping({ orMatcher: { predicate: [not(isIPv6), isOutside(part, peerIndexParts)] } }),
);
