import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nameSetOf, noNames, withNames, withoutNames } from './names.ts';

const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'));

it('sets of names are what sets of names are', () => {
  fc.assert(
    fc.property(names, names, names, (start, more, less) => {
      const set = withoutNames(withNames(nameSetOf(start), more), less);
      expect(new Set(set.names)).toEqual(new Set([...start, ...more].filter((name) => !less.includes(name))));
    }),
  );
});

it('equal sets are one, and a change that changes nothing gives the set itself', () => {
  const set = nameSetOf(['a', 'b']);
  expect(nameSetOf(['b', 'a', 'a'])).toBe(set);
  expect(withNames(nameSetOf(['a']), ['b'])).toBe(set);
  expect(withNames(set, ['a'])).toBe(set);
  expect(withoutNames(set, ['c'])).toBe(set);
  expect(withoutNames(set, ['a', 'b'])).toBe(noNames);
});

it('sets whose sums are equal are not mistaken for each other', () => {
  // Equal sums by the polynomial over code units: 'Aa' and 'BB' collide.
  expect([...nameSetOf(['Aa', 'x']).names]).toEqual(['Aa', 'x']);
  expect([...nameSetOf(['BB', 'x']).names]).toEqual(['BB', 'x']);
});
