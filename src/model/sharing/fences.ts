import type { EndpointSlice } from '../../api/core.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import type { Graph } from '../graph.ts';
import type { ModelTables } from '../tables.ts';
import type { Sharing } from './sharing.ts';

/**
 * A function that gives who may speak for peers of a tailnet, by Gateway: addresses of the pods of its ingress proxies, ready or not, as one that is
 * going still has connections; and `ranges`, CIDRs that users say. Sorted; what did not change is the same object.
 */
export const fencesBuilder = (
  ranges: readonly string[],
): ((shares: Sharing['shares'], slicesOf: ModelTables['slicesOf']) => Graph['fences']) => {
  let last: Graph['fences'] = new Map();
  return lastCall((shares: Sharing['shares'], slicesOf: ModelTables['slicesOf']) => {
    const sets = new Map<string, Set<string>>();
    for (const [{ gateway, set }] of shares) sets.set(gateway, (sets.get(gateway) ?? new Set<string>()).add(set));
    const fences = [...sets]
      .toSorted(([one], [other]) => byCodeUnit(one, other))
      .map(([gateway, names]) => {
        const addresses = [...names].flatMap((set) => addressesIn(slicesOf.get(set) ?? none));
        return [gateway, sameElements(last.get(gateway), [...new Set([...addresses, ...ranges])].toSorted(byCodeUnit))] as const;
      });
    last = sameMap(last, new Map(fences));
    return last;
  });
};

const none: readonly EndpointSlice[] = [];

const addressesIn = memo((slices: readonly EndpointSlice[]): readonly string[] =>
  slices.flatMap(({ addressType, endpoints }) => (addressType === 'FQDN' ? [] : endpoints.flatMap(({ addresses }) => addresses))),
);
