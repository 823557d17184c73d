import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesBetween, sorter } from './changes.ts';

type Item = { readonly rank: number };
const pool: readonly Item[] = Array.from({ length: 30 }, (_, index) => ({ rank: index % 20 }));
const lists = fc.shuffledSubarray([...pool]);

describe('the changes from one list to another', () => {
  it('are what only one of them holds', () => {
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        const { removed, added } = changesBetween(before, after);
        expect(removed).toEqual(before.filter((item) => !after.includes(item)));
        expect(added).toEqual(after.filter((item) => !before.includes(item)));
      }),
    );
  });
});

describe('a sorter', () => {
  it('gives what sorting gives, whatever it was given before, equal elements in the order given', () => {
    const byRank = (one: Item, other: Item): number => one.rank - other.rank;
    const inPoolOrder = fc.subarray([...pool]);
    fc.assert(
      fc.property(fc.array(inPoolOrder, { minLength: 1, maxLength: 6 }), (sequence) => {
        const sorted = sorter(byRank);
        for (const list of sequence) expect(sorted(list)).toEqual(list.toSorted(byRank));
      }),
    );
  });

  it('gives the same list for the same elements', () => {
    const sorted = sorter((one: Item, other: Item) => other.rank - one.rank);
    const list = pool.slice(0, 10);
    expect(sorted([...list])).toBe(sorted(list));
  });
});
