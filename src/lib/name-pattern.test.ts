import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namePattern, nameSelector } from './name-pattern.ts';

it.each([
  ['web', 'web'],
  ['WEB', 'web'],
  ['web', 'Web'],
  ['*', ''],
  ['*', 'anything.at.all'],
  ['web-*', 'web-'],
  ['web-*', 'web-1'],
  ['*-db', 'main-db'],
  ['*.ts.net', 'web.tail1234.ts.net'],
  ['a*b*c', 'abc'],
  ['a*b*c', 'a-b-b-c'],
  ['**', 'x'],
  ['a*a', 'aa'],
  ['*ab*ab', 'abab'],
])('%s matches %j', (pattern, name) => {
  expect(namePattern(pattern)(name)).toBe(true);
});

it.each([
  ['web', 'web-1'],
  ['web', 'a-web'],
  ['web-*', 'a-web-1'],
  ['*-db', 'db'],
  ['a*a', 'a'],
  ['a*b*c', 'acb'],
  ['*ab*ab', 'ab'],
  ['w.b', 'web'],
  ['w?b', 'web'],
  ['', 'web'],
])('%j does not match %j', (pattern, name) => {
  expect(namePattern(pattern)(name)).toBe(false);
});

describe('a pattern', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 12 });

  it('means what the same regular expression means', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (written, name) => {
        const expression = new RegExp(`^${written.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        expect(namePattern(written)(name)).toBe(expression.test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes every name it was made from by putting stars in', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), fc.array(text), (parts, between) => {
        const name = parts.map((part, index) => (index === 0 ? part : `${between[index] ?? ''}${part}`)).join('');
        expect(namePattern(parts.join('*'))(name)).toBe(true);
      }),
    );
  });
});

describe('a selection', () => {
  it('takes everything when it says nothing', () => {
    expect(nameSelector({})(['web'])).toBe(true);
    expect(nameSelector({ patterns: [], excludePatterns: [] })(['web'])).toBe(true);
  });

  it('takes what any pattern takes under any of its names, unless a pattern leaves it out under any of its names', () => {
    const selects = nameSelector({ patterns: ['web-*', '*.dev.ts.net'], excludePatterns: ['*-old', 'web-2.*'] });
    expect(selects(['web-1', 'web-1.prod.ts.net'])).toBe(true);
    expect(selects(['db', 'db.dev.ts.net'])).toBe(true);
    expect(selects(['db', 'db.prod.ts.net'])).toBe(false);
    expect(selects(['web-old', 'web-old.prod.ts.net'])).toBe(false);
    expect(selects(['web-2', 'web-2.prod.ts.net'])).toBe(false);
  });
});
