import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bySpecificity, covers, coversOf, hostsOn, intersection, ownerOf } from './hostnames.ts';

const host = fc
  .tuple(fc.constantFrom('', '*.'), fc.array(fc.constantFrom('a', 'b', 'com'), { minLength: 1, maxLength: 4 }))
  .map(([wildcard, labels]) => `${wildcard}${labels.join('.')}`);
const any = fc.oneof({ weight: 4, arbitrary: host }, fc.constant('*'));

describe('a wildcard', () => {
  it.each([
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', '*.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.badexample.com', false],
    ['*.example.com', '*.com', false],
    ['*', '*.com', true],
    ['a.com', '*.com', false],
  ])('%s covers %s: %s', (wide, narrow, covered) => {
    expect(covers(wide, narrow)).toBe(covered);
  });
});

describe('names', () => {
  it('meet in the same one whichever is asked first, and that one both cover', () => {
    fc.assert(
      fc.property(any, any, (one, other) => {
        const both = intersection(one, other);
        expect(intersection(other, one)).toBe(both);
        expect(both === undefined || (covers(one, both) && covers(other, both))).toBe(true);
      }),
    );
  });

  it('are covered by exactly those that coversOf lists, the most specific first', () => {
    fc.assert(
      fc.property(any, any, (one, other) => {
        expect(coversOf(one).includes(other)).toBe(covers(other, one));
        expect(coversOf(one)).toEqual(coversOf(one).toSorted(bySpecificity));
      }),
    );
  });

  it('are in one order, however they came', () => {
    fc.assert(
      fc.property(fc.array(any), (hosts) => {
        expect(hosts.toReversed().toSorted(bySpecificity)).toEqual(hosts.toSorted(bySpecificity));
      }),
    );
  });

  it('are exact first, then wildcards by length, then any', () => {
    expect(['*', '*.com', 'a.com', '*.a.com', 'b.a.com'].toSorted(bySpecificity)).toEqual(['b.a.com', 'a.com', '*.a.com', '*.com', '*']);
  });

  it('belong to the most specific that covers them', () => {
    const owners = ['*', '*.example.com', '*.b.example.com', 'c.b.example.com'];
    expect(
      ['x.test', 'x.example.com', 'x.b.example.com', 'c.b.example.com', '*.b.example.com'].map((name) => ownerOf(name, owners)),
    ).toEqual(['*', '*.example.com', '*.b.example.com', 'c.b.example.com', '*.b.example.com']);
    expect(ownerOf('x.test', ['a.test'])).toBeUndefined();
  });
});

describe('a route on a listener', () => {
  it('answers the listener’s name where it has none of its own', () => {
    expect([...hostsOn('*.example.com', [])]).toEqual([['*.example.com', '*']]);
  });

  it('answers a name by the most specific of its own that leads there', () => {
    expect([...hostsOn('a.example.com', ['*.com', '*.example.com', 'b.example.com'])]).toEqual([['a.example.com', '*.example.com']]);
  });
});
