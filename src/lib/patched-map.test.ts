import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedMap } from './changed-map.ts';
import { equal } from './equal.ts';
import { isMap, PatchedMap } from './patched-map.ts';

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
const name = (index: number): string => String(index).padStart(4, '0');
/** Every other name, so that new ones come between them. */
const many = (count: number): ReadonlyMap<string, number> => new Map(Array.from({ length: count }, (_, index) => [name(2 * index), index]));

const change = fc.tuple(fc.nat(220).map(name), fc.option(fc.nat(5), { nil: undefined }));
const history = fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 30 });

/** What a plain Map becomes by the same changes. */
const modelOf = (before: ReadonlyMap<string, number>, changes: readonly (readonly [string, number | undefined])[]): Map<string, number> => {
  const after = new Map(before);
  for (const [key, value] of new Map(changes)) {
    if (value === undefined) after.delete(key);
    else after.set(key, value);
  }
  return after;
};

describe('a large map that is changed again and again', () => {
  it.each([
    ['with new keys last', undefined],
    ['with keys in order', byText],
  ])('is what a copy would be at each step, %s', (_, compare) => {
    let patched = 0;
    fc.assert(
      fc.property(history, (steps) => {
        let [map, model] = [many(100), many(100)];
        for (const step of steps) {
          const former = [...map];
          const before = map;
          map = changedMap(map, step, compare);
          model = modelOf(model, step);
          if (compare !== undefined) model = new Map([...model].toSorted(([one], [other]) => compare(one, other)));
          if (map instanceof PatchedMap) patched += 1;
          expect([...map]).toEqual([...model]);
          expect([...map.keys()]).toEqual([...model.keys()]);
          expect([...map.values()]).toEqual([...model.values()]);
          const seen: [string, number][] = [];
          map.forEach((value, key) => void seen.push([key, value]));
          expect(seen).toEqual([...model]);
          expect(map.size).toBe(model.size);
          for (const [key] of step) {
            expect(map.get(key)).toBe(model.get(key));
            expect(map.has(key)).toBe(model.has(key));
          }
          expect([...before]).toEqual(former);
        }
      }),
    );
    expect(patched).toBeGreaterThan(100);
  });

  it('is copied once what differs has become many, and where it is small', () => {
    let map = many(100);
    const makes = Array.from({ length: 25 }, (_, index) => (map = changedMap(map, [[name(2 * index), -1]])) instanceof PatchedMap);
    expect(makes).toEqual([...Array.from({ length: 20 }, () => true), false, ...Array.from({ length: 4 }, () => true)]);
    expect(changedMap(many(63), [['0000', 9]])).toBeInstanceOf(Map);
  });

  it('equals another map that holds the same, of whichever make', () => {
    const map = changedMap(many(100), [['0000', 9]]);
    expect(map).toBeInstanceOf(PatchedMap);
    expect(equal(map, new Map(map))).toBe(true);
    expect(equal(new Map(map), changedMap(map, [['0002', 9]]))).toBe(false);
    expect(isMap(map)).toBe(true);
  });
});
