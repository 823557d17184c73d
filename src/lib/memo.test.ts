import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexBy, memo, memoByReads, sameElements } from './memo.ts';

type Leaf = { readonly value: number };
type World = { readonly leaves: ReadonlyMap<string, Leaf> };

const counted = () => {
  let runs = 0;
  const sum = memoByReads<World, readonly string[], { readonly total: number }>((keys, read) => {
    runs += 1;
    return { total: keys.reduce((total, key) => total + (read('leaves', key)?.value ?? 0), 0) };
  });
  return { sum, runs: () => runs };
};

describe('memoByReads', () => {
  it('derives again only when a look-up it made would find something else', () => {
    const { sum, runs } = counted();
    const keys = ['a', 'b'];
    const [a, b, c] = [{ value: 1 }, { value: 2 }, { value: 3 }];
    const first = sum(keys, {
      leaves: new Map([
        ['a', a],
        ['b', b],
      ]),
    });
    expect(
      sum(keys, {
        leaves: new Map([
          ['a', a],
          ['b', b],
          ['c', c],
        ]),
      }),
    ).toBe(first);
    expect(runs()).toBe(1);
    expect(
      sum(keys, {
        leaves: new Map([
          ['a', a],
          ['b', { value: 5 }],
        ]),
      }),
    ).toEqual({ total: 6 });
    expect(runs()).toBe(2);
  });

  it('notices what was missing when it appears', () => {
    const { sum } = counted();
    const keys = ['a'];
    expect(sum(keys, { leaves: new Map() }).total).toBe(0);
    expect(sum(keys, { leaves: new Map([['a', { value: 7 }]]) }).total).toBe(7);
  });

  it('always gives what a fresh derivation would give', () => {
    const worlds = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(3)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(worlds, fc.array(fc.constantFrom('a', 'b', 'c')), (history, keys) => {
        const { sum } = counted();
        for (const values of history) {
          const world = { leaves: new Map(Object.entries(values).map(([key, value]) => [key, { value }])) };
          expect(sum(keys, world)).toEqual(counted().sum(keys, world));
        }
      }),
    );
  });
});

describe('what memoByReads remembers', () => {
  it('does not hold the tables that a subject was derived from', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { sum } = counted();
    const keys = ['a'];
    const derived = (): WeakRef<object> => {
      const leaves = new Map([['a', { value: 1 }]]);
      sum(keys, { leaves });
      return new WeakRef(leaves);
    };
    const held = derived();
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds until the end of the turn that made it
    collect();
    expect(held.deref()).toBeUndefined();
  });
});

describe('memo', () => {
  it('derives once per argument object', () => {
    let runs = 0;
    const size = memo((list: readonly string[]) => (runs += 1) && list.length);
    const list = ['x'];
    expect([size(list), size(list), size(['x'])]).toEqual([1, 1, 1]);
    expect(runs).toBe(2);
  });
});

describe('indexBy', () => {
  it('keeps the identity of groups whose elements did not change', () => {
    const index = indexBy<{ readonly group: string }>((value) => [value.group]);
    const [a, b] = [{ group: 'one' }, { group: 'two' }];
    const before = index(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    );
    const after = index(
      new Map([
        ['a', a],
        ['b', { group: 'two' }],
      ]),
    );
    expect(after.get('one')).toBe(before.get('one'));
    expect(after.get('two')).not.toBe(before.get('two'));
  });

  it('puts a value under each of its keys', () => {
    const index = indexBy<{ readonly groups: readonly string[] }>((value) => value.groups);
    const value = { groups: ['x', 'y'] };
    expect([...index(new Map([['a', value]]))]).toEqual([
      ['x', [value]],
      ['y', [value]],
    ]);
  });
});

describe('sameElements', () => {
  it('gives the earlier array back exactly when elements and order are the same', () => {
    const [a, b] = [{}, {}];
    const previous = [a, b];
    expect(sameElements(previous, [a, b])).toBe(previous);
    expect(sameElements(previous, [b, a])).toEqual([b, a]);
    expect(sameElements(previous, [a])).toEqual([a]);
    expect(sameElements(undefined, [a])).toEqual([a]);
  });
});
