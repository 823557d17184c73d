import { any } from '../any.ts';
import type { FilterChain, Listener, Matcher, MatcherOnMatch } from '../types.ts';
import { cidrFrom } from './cidr.ts';

/**
 * The chains of an entrance that forwards bytes, and which of them connections of `fence` come to, by server name where chains have some; others are
 * closed when they come, before a server that talks first could say a word. A matcher that changes is no change of the chains, so Envoy ends no connection.
 * Nobody is let in where the fence is empty.
 */
export const fencedChainsFrom = (
  chains: readonly FilterChain[],
  fence: readonly string[],
): Pick<Listener, 'filterChainMatcher' | 'filterChains'> => ({
  filterChainMatcher: {
    matcherTree: {
      input: input('DirectSourceIPInput'),
      customMatch: {
        name: 'addresses',
        typedConfig: any('xds.type.matcher.v3.IPMatcher', {
          rangeMatchers: [{ ranges: (fence.length === 0 ? [nobody] : fence).map(cidrFrom), onMatch: chainOf(chains) }],
        }),
      },
    },
  },
  filterChains: chains.map((chain) => ({ ...chain, filterChainMatch: undefined })),
});

/** No connection comes from here. */
const nobody = '0.0.0.0/32';

const chainOf = (chains: readonly FilterChain[]): MatcherOnMatch => {
  const byName = chains.filter(({ filterChainMatch }) => filterChainMatch !== undefined);
  return byName.length > 0
    ? {
        matcher: {
          matcherTree: { input: input('TransportProtocolInput'), exactMatchMap: { map: { tls: { matcher: byServerName(byName) } } } },
        },
      }
    : to(chains[0]);
};

/** As Envoy matches server names of chains: the exact one, else the longest suffix, else the chain for any. */
const byServerName = (chains: readonly FilterChain[]): Matcher => {
  const named = chains.flatMap((chain) => (chain.filterChainMatch?.serverNames ?? []).map((name) => ({ name, chain })));
  const forAny = chains.find(({ filterChainMatch }) => filterChainMatch?.serverNames === undefined);
  return {
    ...(named.length === 0
      ? {}
      : {
          matcherList: {
            matchers: named.toSorted(bySpecificity).map(({ name, chain }) => ({
              predicate: {
                singlePredicate: {
                  input: input('ServerNameInput'),
                  valueMatch: name.startsWith('*.') ? { suffix: name.slice(1) } : { exact: name },
                },
              },
              onMatch: to(chain),
            })),
          },
        }),
    onNoMatch: forAny && to(forAny),
  };
};

type Named = { readonly name: string };
const bySpecificity = (one: Named, other: Named): number => specificity(other) - specificity(one);
const specificity = ({ name }: Named): number => (name.startsWith('*.') ? name.length : Number.MAX_SAFE_INTEGER);

const to = (chain: FilterChain | undefined): MatcherOnMatch => ({
  action: { name: 'chain', typedConfig: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: chain?.name ?? '' } },
});

const input = (name: 'DirectSourceIPInput' | 'ServerNameInput' | 'TransportProtocolInput') => ({
  name,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.${name}` },
});
