import { describe, expect, it } from 'vitest';
import type { FilterChain } from '../types.ts';
import { fencedChainsFrom } from './chain-matcher.ts';

const chain = (name: string, serverNames?: readonly string[]): FilterChain => ({
  name,
  filterChainMatch: { transportProtocol: 'tls', serverNames },
  filters: [],
});
type Loose = { readonly [key: string]: Loose } & readonly Loose[];
const ranges = (fence: readonly string[]): unknown =>
  (fencedChainsFrom([{ name: 'tcp', filters: [] }], { fence, admitted: new Map() }) as unknown as Loose)['filterChainMatcher']?.[
    'matcherTree'
  ]?.['customMatch']?.['typedConfig']?.['rangeMatchers']?.[0]?.['ranges'];

describe('the chains of an entrance that forwards bytes', () => {
  it('are for the addresses and ranges of the fence', () => {
    expect(ranges(['10.0.0.1', 'fd00::1', '10.1.0.0/16'])).toEqual([
      { addressPrefix: '10.0.0.1', prefixLen: 32 },
      { addressPrefix: 'fd00::1', prefixLen: 128 },
      { addressPrefix: '10.1.0.0', prefixLen: 16 },
    ]);
  });

  it('are for nobody where the fence is empty', () => {
    expect(ranges([])).toEqual([{ addressPrefix: '0.0.0.0', prefixLen: 32 }]);
  });

  it('are chosen by the most specific server name, and no longer by themselves', () => {
    const { filterChainMatcher, filterChains } = fencedChainsFrom(
      [chain('any'), chain('wide', ['*.example']), chain('narrow', ['*.a.example']), chain('exact', ['b.a.example'])],
      { fence: ['10.0.0.1'], admitted: new Map() },
    );
    expect(filterChains?.map(({ filterChainMatch }) => filterChainMatch)).toEqual([undefined, undefined, undefined, undefined]);
    const text = JSON.stringify(filterChainMatcher);
    const order = ['"exact":"b.a.example"', '"suffix":".a.example"', '"suffix":".example"', '"value":"any"'];
    expect(order.map((part) => text.indexOf(part)).every((at, index, all) => at > (all[index - 1] ?? 0))).toBe(true);
  });
});
