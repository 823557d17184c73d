import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedMap, differingKeys } from './changed-map.ts';

const maps = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(2)).map((fields) => new Map(Object.entries(fields)));
const changes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(fc.nat(2), { nil: undefined })));
const byText = (one: string, other: string): number => (one < other ? -1 : 1);

describe('changedMap', () => {
  it('holds what the map held, but for the changes, of which the last to a key counts', () => {
    fc.assert(
      fc.property(maps, changes, (before, list) => {
        const expected = new Map(before);
        for (const [key, value] of list) {
          if (value === undefined) expected.delete(key);
          else expected.set(key, value);
        }
        expect(changedMap(before, list)).toEqual(expected);
      }),
    );
  });

  it('keeps the order of keys, or puts new ones where they belong', () => {
    const before = new Map([
      ['a', 1],
      ['c', 3],
    ]);
    const added = [
      ['b', 2],
      ['a', 9],
    ] as const;
    expect([...changedMap(before, added).keys()]).toEqual(['a', 'c', 'b']);
    expect([...changedMap(before, added, byText).keys()]).toEqual(['a', 'b', 'c']);
  });

  it('is the same map where nothing changes', () => {
    const before = new Map([['a', 1]]);
    expect(
      changedMap(before, [
        ['a', 1],
        ['b', undefined],
      ]),
    ).toBe(before);
  });
});

describe('differingKeys', () => {
  it('are the same whether one map was made of the other or not, and either way round', () => {
    fc.assert(
      fc.property(maps, changes, (before, list) => {
        const after = changedMap(before, list);
        const looked = differingKeys(before, new Map(after)).toSorted(byText);
        expect(differingKeys(before, after).toSorted(byText)).toEqual(looked);
        expect(differingKeys(after, before).toSorted(byText)).toEqual(looked);
      }),
    );
  });

  it('of maps that are further apart are those of the maps', () => {
    const first = new Map([['a', 1]]);
    const third = changedMap(changedMap(first, [['b', 2]]), [['a', undefined]]);
    expect(differingKeys(first, third).toSorted(byText)).toEqual(['a', 'b']);
  });
});
