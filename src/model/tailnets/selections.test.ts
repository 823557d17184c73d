import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectionsBuilder } from './selections.ts';

/** Selects numbers that a divisor, written as the selector, divides. */
const multiplesOf = (text: string) => (value: number) => value % Number(text) === 0;

describe('a selection', () => {
  it('holds what a look at everything would find, in the order of the keys, after any changes', () => {
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(12)).map((record) => new Map(Object.entries(record)));
    const step = fc.record({ values, asked: fc.subarray(['1', '2', '3', '5']) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const build = selectionsBuilder(multiplesOf);
        for (const { values: now, asked } of steps) {
          const table = build(now);
          for (const selector of asked) {
            const sorted = [...now].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
            expect(table.get(selector)).toEqual(sorted.filter(multiplesOf(selector)));
          }
        }
      }),
    );
  });

  it('looks at what changed alone, and is the same array when that is none of its own', () => {
    const seen: number[] = [];
    const build = selectionsBuilder((text) => (value: number) => {
      seen.push(value);
      return multiplesOf(text)(value);
    });
    const before = build(new Map([...Array(100).keys()].map((key) => [`${key}`, key + 1]))).get('2');
    seen.length = 0;
    const changed = new Map([...Array(100).keys()].map((key) => [`${key}`, key === 0 ? 101 : key + 1]));
    expect(build(changed).get('2')).toBe(before);
    expect(seen).toEqual([101]);
    const joined = new Map(changed).set('0', 102);
    expect(build(joined).get('2')).toHaveLength(51);
  });

  it('comes from the same table while no value changed', () => {
    const build = selectionsBuilder(multiplesOf);
    const table = build(new Map([['a', 1]]));
    expect(build(new Map([['a', 1]]))).toBe(table);
    expect(build(new Map([['a', 2]]))).not.toBe(table);
  });
});
