import { expect, it } from 'vitest';
import { type FollowingTable, readers } from './readers.ts';

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
