import { any } from '../any.ts';
import type { FilterChain, Listener, Matcher, MatcherOnMatch } from '../types.ts';
import { cidrFrom } from './cidr.ts';

/** Who may come in: by the proxies of `fence`, and to the chains that are in `admitted` from these addresses of peers only. */
export type Admission = { readonly fence: readonly string[]; readonly admitted: ReadonlyMap<string, readonly string[]> };

/**
 * The chains of an entrance that forwards bytes, and which of them connections come to, by server name where chains have some; those that may come to none
 * are closed at once, before a server that talks first could say a word. A matcher that changes is no change of the chains, so Envoy ends no connection.
 */
export const fencedChainsFrom = (
  chains: readonly FilterChain[],
  { fence, admitted }: Admission,
): Pick<Listener, 'filterChainMatcher' | 'filterChains'> => ({
  filterChainMatcher: from('DirectSourceIPInput', fence, chainOf(chains, admitted)),
  filterChains: chains.map((chain) => ({ ...chain, filterChainMatch: undefined })),
});

/** Nothing matches where there are no addresses. */
const from = (what: 'DirectSourceIPInput' | 'SourceIPInput', addresses: readonly string[], onMatch: MatcherOnMatch): Matcher => ({
  matcherTree: {
    input: input(what),
    customMatch: {
      name: 'addresses',
      typedConfig: any('xds.type.matcher.v3.IPMatcher', {
        rangeMatchers: [{ ranges: (addresses.length === 0 ? [nobody] : addresses).map(cidrFrom), onMatch }],
      }),
    },
  },
});

/** No connection comes from here. */
const nobody = '0.0.0.0/32';

const chainOf = (chains: readonly FilterChain[], admitted: Admission['admitted']): MatcherOnMatch => {
  const byName = chains.filter(({ filterChainMatch }) => filterChainMatch !== undefined);
  return byName.length > 0
    ? {
        matcher: {
          matcherTree: {
            input: input('TransportProtocolInput'),
            exactMatchMap: { map: { tls: { matcher: byServerName(byName, admitted) } } },
          },
        },
      }
    : to(chains[0], admitted);
};

/** As Envoy matches server names of chains: the exact one, else the longest suffix, else the chain for any. */
const byServerName = (chains: readonly FilterChain[], admitted: Admission['admitted']): Matcher => {
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
              onMatch: to(chain, admitted),
            })),
          },
        }),
    onNoMatch: forAny && to(forAny, admitted),
  };
};

type Named = { readonly name: string };
const bySpecificity = (one: Named, other: Named): number => specificity(other) - specificity(one);
const specificity = ({ name }: Named): number => (name.startsWith('*.') ? name.length : Number.MAX_SAFE_INTEGER);

const to = (chain: FilterChain | undefined, admitted: Admission['admitted']): MatcherOnMatch => {
  const name = chain?.name ?? '';
  const action = { name: 'chain', typedConfig: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: name } };
  const peers = admitted.get(name);
  return peers === undefined ? { action } : { matcher: from('SourceIPInput', peers, { action }) };
};

const input = (name: 'DirectSourceIPInput' | 'SourceIPInput' | 'ServerNameInput' | 'TransportProtocolInput') => ({
  name,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.${name}` },
});
