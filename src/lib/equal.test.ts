import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, reuse, reuseBy } from './equal.ts';

describe('equal', () => {
  it('holds between plain data and its copy', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(equal(value, structuredClone(value))).toBe(true);
      }),
    );
  });

  it('agrees with strict deep equality on plain data', () => {
    const few = fc.jsonValue({ maxDepth: 1 });
    fc.assert(
      fc.property(few, few, (one, other) => {
        expect(equal(one, other)).toBe(isDeepStrictEqual(one, other));
      }),
    );
  });

  it('looks into Maps', () => {
    expect(equal(new Map([['a', [1]]]), new Map([['a', [1]]]))).toBe(true);
    expect(equal(new Map([['a', [1]]]), new Map([['a', [2]]]))).toBe(false);
    expect(equal(new Map([['a', 1]]), new Map([['b', 1]]))).toBe(false);
    expect(equal(new Map(), {})).toBe(false);
  });

  it('does not depend on the order of fields', () => {
    expect(equal({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
  });

  it.each([
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: undefined }, { b: undefined }],
    [[1], { 0: 1 }],
    [{}, null],
  ])('tells %j from %j', (one, other) => {
    expect([equal(one, other), equal(other, one)]).toEqual([false, false]);
  });
});

describe('reuse', () => {
  it('gives the earlier of two equal values back', () => {
    const before = { a: [1] };
    expect(reuse(before, { a: [1] })).toBe(before);
  });

  it('finds elements of a list again by name, wherever they moved', () => {
    const before = [
      { name: 'a', x: 1 },
      { name: 'b', x: 2 },
    ];
    const after = reuseBy(
      before,
      [
        { name: 'new', x: 0 },
        { name: 'a', x: 1 },
        { name: 'b', x: 3 },
      ],
      ({ name }) => name,
      reuse,
    );
    expect(after.map((value) => before.includes(value))).toEqual([false, true, false]);
    expect(reuseBy(before, structuredClone(before), ({ name }) => name, reuse)).toBe(before);
  });
});
