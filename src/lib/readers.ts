import type { Read, Table, Tables } from './memo.ts';

/** One look-up: what was found where. */
export type Reading<T extends Tables> = { readonly table: keyof T & string; readonly key: string; readonly found: unknown };

/** A table that may tell what it holds otherwise than the one before it, so that nobody has to look at everything that was ever found there. */
export type FollowingTable<V> = Table<V> & { readonly version?: Version };

/** Which table it is, and the keys under which it differs from that of the version before; holds no table, of which there would be ever more. */
export type Version = { readonly token: object; readonly since?: { readonly token: object; readonly keys: ReadonlySet<string> } };

/** Who found what where. */
export type Readers<T extends Tables, S> = {
  readonly record: (subject: S, readings: readonly Reading<T>[]) => void;
  /** Those who would now find something else. Has to be asked about each change of tables, one after the other. */
  readonly affected: (before: T, after: T) => ReadonlySet<S>;
};

/** Most keys are read by one subject, and a set of one is four times as large as a list of one. */
type Entry<S> = { found: unknown; subjects: readonly [S] | Set<S> };

/**
 * The other way round of `memoByReads`: finds the subjects that a change concerns without asking each. It costs a look-up for every different key
 * that anybody read of a changed table, or, of a table that tells what changed, for those. Nobody is forgotten (`isLittered`).
 */
export const readers = <T extends Tables, S>(): Readers<T, S> => {
  const entries = new Map<string, Map<string, Entry<S>>>();
  return {
    record: (subject, readings) => {
      for (const { table, key, found } of readings) {
        const ofTable = entries.get(table) ?? new Map<string, Entry<S>>();
        entries.set(table, ofTable);
        const entry = ofTable.get(key);
        if (entry === undefined) ofTable.set(key, { found, subjects: [subject] });
        else if (entry.subjects instanceof Set) entry.subjects.add(subject);
        else if (entry.subjects[0] !== subject) entry.subjects = new Set([entry.subjects[0], subject]);
      }
    },
    affected: (before, after) => {
      const subjects = new Set<S>();
      for (const [name, ofTable] of entries) {
        const table = after[name];
        if (table === undefined || table === before[name]) continue;
        for (const key of changedKeysOf(before[name], table) ?? ofTable.keys()) {
          const entry = ofTable.get(key);
          const found = entry && table.get(key);
          if (entry === undefined || found === entry.found) continue;
          entry.found = found;
          for (const subject of entry.subjects) subjects.add(subject);
        }
      }
      return subjects;
    },
  };
};

/** Undefined where the table does not tell. */
export const changedKeysOf = (
  before: FollowingTable<unknown> | undefined,
  after: FollowingTable<unknown>,
): ReadonlySet<string> | undefined => {
  const since = after.version?.since;
  return since !== undefined && since.token === before?.version?.token ? since.keys : undefined;
};

/** Whether so much was recorded for so many subjects that most of it may be of such as are gone, or of what they no longer read: time to begin anew. */
export const isLittered = (recorded: number, subjects: number): boolean => recorded > 2 * subjects + 10_000;

type Known<T extends Tables, V> = { readonly readings: readonly Reading<T>[]; readonly value: V };

/**
 * `memoByReads` for subjects that are all asked about after every change: those whom it does not concern cost nothing but finding them. Meant for
 * one line of tables, each the successor of the last; others are right too, and slow.
 */
export const memoByChanges = <T extends Tables, S extends object, V>(
  derive: (subject: S, read: Read<T>) => V,
): ((subject: S, tables: T) => V) => {
  const derived = new WeakMap<S, Known<T, V>>();
  let current: T | undefined;
  let following = readers<T, S>();
  let valid = new Set<S>();
  let [asked, recorded] = [0, 0];

  const turnTo = (tables: T): void => {
    if (isLittered(recorded, asked)) {
      following = readers<T, S>();
      valid = new Set();
      recorded = 0;
    }
    if (current !== undefined) for (const subject of following.affected(current, tables)) valid.delete(subject);
    current = tables;
    asked = 0;
  };

  const derivedAnew = (subject: S, tables: T): Known<T, V> => {
    const readings: Reading<T>[] = [];
    const value = derive(subject, (table, key) => {
      const found = tables[table]?.get(key);
      readings.push({ table: String(table), key, found });
      return found as never;
    });
    // A list that was pushed to has room for more than it holds.
    return { readings: readings.slice(), value };
  };

  return (subject, tables) => {
    if (tables !== current) turnTo(tables);
    asked += 1;
    const last = derived.get(subject);
    if (last !== undefined && valid.has(subject)) return last.value;
    const holds = last?.readings.every(({ table, key, found }) => tables[table]?.get(key) === found);
    const known = last !== undefined && holds === true ? last : derivedAnew(subject, tables);
    derived.set(subject, known);
    following.record(subject, known.readings);
    recorded += 1;
    valid.add(subject);
    return known.value;
  };
};
