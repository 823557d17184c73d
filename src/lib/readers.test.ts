import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FollowingTable, memoByChanges, readers } from './readers.ts';

type Fruit = { readonly fruit: FollowingTable<number> };

const tableOf = (record: Readonly<Record<string, number>>): Fruit => {
  const map = new Map(Object.entries(record));
  return { fruit: { get: (key) => map.get(key), version: { token: {} } } };
};

it('tells whom a change concerns, and nobody else', () => {
  const known = readers<Fruit, string>();
  const before = tableOf({ apple: 1, pear: 2 });
  known.record('ann', [{ table: 'fruit', key: 'apple', found: 1 }]);
  known.record('bob', [
    { table: 'fruit', key: 'pear', found: 2 },
    { table: 'fruit', key: 'plum', found: undefined },
  ]);
  const pear = tableOf({ apple: 1, pear: 3 });
  const plum = tableOf({ apple: 1, pear: 3, plum: 4 });
  expect([...known.affected(before, pear)]).toEqual(['bob']);
  expect([...known.affected(pear, plum)]).toEqual(['bob']);
  expect([...known.affected(plum, tableOf({ pear: 3, plum: 4 }))]).toEqual(['ann']);
  expect([...known.affected(plum, plum)]).toEqual([]);
});

it('believes a table that tells what changed since the one before, and looks for itself otherwise', () => {
  const asked: string[] = [];
  const before = tableOf({ apple: 1, pear: 2 });
  const following = (table: Fruit): Fruit => ({
    fruit: {
      get: (key) => {
        asked.push(key);
        return key === 'apple' ? 9 : 2;
      },
      version: { token: {}, since: { token: table.fruit.version?.token ?? {}, keys: new Set(['apple', 'unread']) } },
    },
  });
  const known = readers<Fruit, string>();
  known.record('ann', [{ table: 'fruit', key: 'apple', found: 1 }]);
  known.record('bob', [{ table: 'fruit', key: 'pear', found: 2 }]);
  expect([...known.affected(before, following(before))]).toEqual(['ann']);
  expect(asked).toEqual(['apple']);
  expect([...known.affected(before, following(tableOf({})))]).toEqual([]);
  expect(asked).toEqual(['apple', 'apple', 'pear']);
});

it('derives again what a change concerns, and gives what a fresh look would', () => {
  const subjects = [['apple'], ['pear', 'plum'], ['apple', 'plum']].map((keys) => ({ keys }));
  const record = fc.dictionary(fc.constantFrom('apple', 'pear', 'plum'), fc.nat(2));
  fc.assert(
    fc.property(fc.array(fc.tuple(record, fc.subarray(subjects)), { maxLength: 8 }), (steps) => {
      const total = memoByChanges<Fruit, { readonly keys: readonly string[] }, number>(({ keys }, read) =>
        keys.reduce((sum, key) => sum + (read('fruit', key) ?? 0), 0),
      );
      for (const [fruit, asked] of steps) {
        const tables = tableOf(fruit);
        for (const subject of asked) {
          expect(total(subject, tables)).toBe(subject.keys.reduce((sum, key) => sum + (fruit[key] ?? 0), 0));
        }
      }
    }),
  );
});

it('derives nobody again whom no change concerns, nor on the way back', () => {
  const derived: string[] = [];
  const value = memoByChanges<Fruit, { readonly key: string }, { readonly found: number | undefined }>(({ key }, read) => {
    derived.push(key);
    return { found: read('fruit', key) };
  });
  const [apple, pear] = [{ key: 'apple' }, { key: 'pear' }];
  const [before, after] = [tableOf({ apple: 1, pear: 2 }), tableOf({ apple: 1, pear: 3 })];
  const first = value(apple, before);
  value(pear, before);
  expect(value(apple, after)).toBe(first);
  value(pear, after);
  expect(derived).toEqual(['apple', 'pear', 'pear']);
  expect(value(apple, before)).toBe(first);
  expect(value(pear, before)).toEqual({ found: 2 });
});
