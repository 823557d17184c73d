import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counting, gathering } from './gather.ts';

type Element = { readonly values: readonly { readonly id: string; readonly says: number }[] };

const anyElement: fc.Arbitrary<Element> = fc.record({
  // What an id says depends on the id alone: values of one key mean the same.
  values: fc.array(
    fc.constantFrom('a', 'b', 'c', 'd').map((id) => ({ id, says: id.charCodeAt(0) })),
    { maxLength: 3 },
  ),
});
/** Lists one after the other, each made of some of the same elements. */
const anyLists = fc
  .array(anyElement, { minLength: 1, maxLength: 8 })
  .chain((elements) => fc.array(fc.shuffledSubarray(elements), { minLength: 1, maxLength: 12 }));
const anew = (list: readonly Element[]) =>
  [...new Map(list.flatMap(({ values }) => values).map((value) => [value.id, value]))]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, value]) => value);

describe('gathering', () => {
  it('gives after any lists what it would give for the last one alone', () => {
    fc.assert(
      fc.property(anyLists, (lists) => {
        const gather = gathering<Element, Element['values'][number]>(
          ({ values }) => values,
          ({ id }) => id,
        );
        for (const list of lists) expect(gather(list)).toEqual(anew(list));
      }),
    );
  });

  it('gives the same array while nothing else is gathered, and the value that was there for one that means the same', () => {
    const gather = gathering<Element, Element['values'][number]>(
      ({ values }) => values,
      ({ id }) => id,
    );
    const value = { id: 'a', says: 1 };
    const first = gather([{ values: [value] }]);
    const second = gather([{ values: [{ id: 'a', says: 1 }] }, { values: [] }]);
    expect(second).toBe(first);
    expect(second[0]).toBe(value);
  });

  it('takes another value in place of one that means something else', () => {
    const gather = gathering<Element, Element['values'][number]>(
      ({ values }) => values,
      ({ id }) => id,
    );
    gather([{ values: [{ id: 'a', says: 1 }] }]);
    expect(gather([{ values: [{ id: 'a', says: 2 }] }])).toEqual([{ id: 'a', says: 2 }]);
  });
});

describe('counting', () => {
  it('counts after any lists what is in the last one', () => {
    fc.assert(
      fc.property(anyLists, (lists) => {
        const isSuch = ({ values }: Element): boolean => values.length > 1;
        const count = counting(isSuch);
        for (const list of lists) expect(count(list)).toBe(list.filter(isSuch).length);
      }),
    );
  });
});
