import type { Table, Tables } from './memo.ts';

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

type Entry<S> = { found: unknown; readonly subjects: Set<S> };

/**
 * The other way round of `memoByReads`: finds the subjects that a change concerns without asking each. It costs a look-up for every different key
 * that anybody read of a changed table, or, of a table that tells what changed, for those. Nobody is forgotten.
 */
export const readers = <T extends Tables, S>(): Readers<T, S> => {
  const entries = new Map<string, Map<string, Entry<S>>>();
  return {
    record: (subject, readings) => {
      for (const { table, key, found } of readings) {
        const ofTable = entries.get(table) ?? new Map<string, Entry<S>>();
        entries.set(table, ofTable);
        const entry = ofTable.get(key);
        if (entry === undefined) ofTable.set(key, { found, subjects: new Set([subject]) });
        else entry.subjects.add(subject);
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
