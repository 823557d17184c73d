import { describe, expect, it } from 'vitest';
import { memoByReads, memoWithin, type Read } from './memo.ts';

type Tables = { readonly a: ReadonlyMap<string, { readonly n: number }>; readonly b: ReadonlyMap<string, object> };

const one = { n: 1 };
const tables: Tables = { a: new Map([['x', one]]), b: new Map() };

const read: Read<Tables> = (table, key) => tables[table].get(key) as never;

const setUp = () => {
  const runs: string[] = [];
  const part = memoWithin<Tables, object, object>((_subject, at, read) => {
    runs.push(at);
    return { at, n: read('a', 'x')?.n };
  });
  const whole = memoByReads<Tables, { readonly part: object }, { readonly part: object; readonly b: object | undefined }>(
    (subject, read: Read<Tables>) => ({ part: part(subject.part, 'first', read), b: read('b', 'y') }),
  );
  return { runs, part, whole };
};

describe('a part of a derivation', () => {
  it('is the same object when only another part of the whole changed', () => {
    const { runs, whole } = setUp();
    const subject = { part: {} };
    const before = whole(subject, tables);
    const after = whole(subject, { ...tables, b: new Map([['y', {}]]) });
    expect(after).not.toBe(before);
    expect(after.part).toBe(before.part);
    expect(runs).toEqual(['first']);
  });

  it('makes its look-ups those of the whole, also when it was remembered', () => {
    const { whole } = setUp();
    const subject = { part: {} };
    whole(subject, tables);
    whole(subject, { ...tables, b: new Map([['y', {}]]) });
    const after = whole(subject, { ...tables, b: new Map([['y', {}]]), a: new Map([['x', { n: 2 }]]) });
    expect(after.part).toMatchObject({ n: 2 });
  });

  it('is another one for the same subject in another place', () => {
    const { part } = setUp();
    const subject = {};
    expect(part(subject, 'first', read)).toMatchObject({ at: 'first' });
    expect(part(subject, 'second', read)).toMatchObject({ at: 'second' });
  });
});
