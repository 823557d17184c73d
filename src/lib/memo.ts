import { changedMap, differingKeys } from './changed-map.ts';
import { placeOf } from './changes.ts';
import { tokenOf } from './token.ts';

/** What a derivation may look things up in: named maps whose values are immutable and compared by identity. */
export type Tables = Readonly<Record<string, Table<unknown>>>;

/** A map, or what answers like one. */
export type Table<V> = { readonly get: (key: string) => V | undefined };

/** Looks one key up in one table, and is remembered as having done so. */
export type Read<T extends Tables> = <N extends keyof T>(table: N, key: string) => ReturnType<T[N]['get']>;

type Derived<V> = { stamp: Stamp; readonly readings: Readings; readonly value: V };

/** Look-ups, three elements each: table, key, what was found. Without an object for each, of which there would be a hundred thousand. */
type Readings = readonly unknown[];

/** A `read` that writes down what it is asked, and what it answers. */
const recording = <T extends Tables>(
  find: (table: keyof T, key: string) => unknown,
): { readonly read: Read<T>; readonly readings: () => Readings } => {
  const readings: unknown[] = [];
  return {
    read: (table, key) => {
      const found = find(table, key);
      readings.push(table, key, found);
      return found as never;
    },
    // What was pushed to has room for more than it holds, in each of thousands.
    readings: () => readings.slice(),
  };
};

/** Whether it is so of each look-up. */
const every = (readings: Readings, isSo: (table: string, key: string, found: unknown) => boolean): boolean => {
  for (let at = 0; at < readings.length; at += 3)
    if (!isSo(readings[at] as string, readings[at + 1] as string, readings[at + 2])) return false;
  return true;
};

/**
 * Tells which map each table is without holding it: a subject that is looked at once and then kept would hold all tables of that time, and a
 * thousand subjects a thousand generations of them.
 */
type Stamp = Readonly<Record<string, object>>;

/**
 * `derive`, remembered per subject: it runs again only when one of the look-ups it made last time would now find something else.
 * So a rebuild over thousands of unchanged subjects walks them and derives none, and an unchanged result is the same object.
 * `derive` must depend on nothing but its subject and its reads. Results live as long as their subject.
 */
export const memoByReads = <T extends Tables, S extends object, V>(
  derive: (subject: S, read: Read<T>) => V,
): ((subject: S, tables: T) => V) => {
  const known = new WeakMap<S, Derived<V>>();
  return (subject, tables) => {
    const last = known.get(subject);
    const stamp = stampOf(tables);
    if (last !== undefined && holds(last, tables, stamp)) return last.value;
    const { read, readings } = recording<T>((table, key) => tables[table]?.get(key));
    const value = derive(subject, read);
    known.set(subject, { stamp, readings: readings(), value });
    return value;
  };
};

const holds = (last: Derived<unknown>, tables: Tables, stamp: Stamp): boolean => {
  if (last.stamp === stamp) return true;
  const before = last.stamp;
  // A table that is the same map still holds what was found: only tables that changed are looked into.
  if (!every(last.readings, (table, key, found) => stamp[table] === before[table] || tables[table]?.get(key) === found)) return false;
  last.stamp = stamp;
  return true;
};

/**
 * `memoByReads` for a part of a derivation: it looks things up through the whole's own `read`, so that the whole remembers the part's
 * look-ups as its own. `at` says where the part stands; the same subject somewhere else is another part.
 */
export const memoWithin = <T extends Tables, S extends object, V>(
  derive: (subject: S, at: string, read: Read<T>) => V,
): ((subject: S, at: string, read: Read<T>) => V) => {
  const known = new WeakMap<S, { readonly at: string; readonly readings: Readings; readonly value: V }>();
  return (subject, at, read) => {
    const last = known.get(subject);
    if (last?.at === at && every(last.readings, (table, key, found) => read(table, key) === found)) return last.value;
    const recorded = recording<T>(read);
    const value = derive(subject, at, recorded.read);
    known.set(subject, { at, readings: recorded.readings(), value });
    return value;
  };
};

/** `derive`, remembered by the identity of its one argument for as long as that lives. */
export const memo = <A extends object, V>(derive: (argument: A) => V): ((argument: A) => V) => {
  const known = new WeakMap<A, V>();
  return (argument) => {
    const last = known.get(argument);
    if (last !== undefined || known.has(argument)) return last as V;
    const value = derive(argument);
    known.set(argument, value);
    return value;
  };
};

const stampOf = memo((tables: Tables): Stamp => Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, tokenOf(table)])));

/**
 * `next`, or `previous` itself where both hold the same elements by identity in the same order: the step that lets
 * whatever is memoised on the array be reused after a rebuild that changed nothing in it.
 */
export const sameElements = <V>(previous: readonly V[] | undefined, next: readonly V[]): readonly V[] =>
  previous !== undefined && areSame(previous, next) ? previous : next;

/** Whether two lists hold the same elements by identity in the same order. A loop, as lists of thousands are compared with each change. */
export const areSame = (one: readonly unknown[], other: readonly unknown[]): boolean => {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index]) return false;
  return true;
};

/** Values of one group in the order of their keys. Keys are nobody else's, and change in place: a copy of thousands for each change is much garbage. */
type Group<V> = { readonly keys: string[]; readonly values: readonly V[] };

/**
 * An index over a map: its values grouped under the keys `keysOf` names, each group in the order of the map's keys. A call looks only at values
 * that changed since the last one: groups whose elements did not keep their identity, and an unchanged map gives the same index back.
 */
export const indexBy = <V>(
  keysOf: (value: V) => readonly string[],
): ((values: ReadonlyMap<string, V>) => ReadonlyMap<string, readonly V[]>) => {
  let source: ReadonlyMap<string, V> = new Map();
  let index: ReadonlyMap<string, readonly V[]> = new Map();
  const groups = new Map<string, Group<V>>();

  return (values) => {
    const touched = new Map<string, Map<string, V | undefined>>();
    const note = (group: string, key: string, value: V | undefined): void => {
      const changes = touched.get(group);
      if (changes === undefined) touched.set(group, new Map([[key, value]]));
      else changes.set(key, value);
    };
    for (const key of differingKeys(source, values)) {
      const [before, after] = [source.get(key), values.get(key)];
      if (before !== undefined) for (const group of keysOf(before)) note(group, key, undefined);
      if (after !== undefined) for (const group of keysOf(after)) note(group, key, after);
    }
    source = values;
    if (touched.size === 0) return index;
    const changes = [...touched].map(([name, changed]) => {
      const group = changedGroup(groups.get(name) ?? { keys: [], values: [] }, changed);
      if (group.keys.length === 0) groups.delete(name);
      else groups.set(name, group);
      return [name, group.keys.length === 0 ? undefined : group.values] as const;
    });
    index = changedMap(index, changes);
    return index;
  };
};

const patchesAtMost = 30;

const changedGroup = <V>(group: Group<V>, changes: ReadonlyMap<string, V | undefined>): Group<V> => {
  if (changes.size > patchesAtMost) return sortedAnew(group, changes);
  const { keys } = group;
  let { values } = group;
  for (const [key, value] of changes) {
    const { at, taken } = placeOf(key, keys, byText);
    if (value === undefined && !taken) continue;
    values = values.toSpliced(at, taken ? 1 : 0, ...(value === undefined ? [] : [value]));
    if (value === undefined || !taken) keys.splice(at, taken ? 1 : 0, ...(value === undefined ? [] : [key]));
  }
  return { keys, values };
};

const sortedAnew = <V>({ keys, values }: Group<V>, changes: ReadonlyMap<string, V | undefined>): Group<V> => {
  const all = new Map<string, V | undefined>(keys.map((key, at) => [key, values[at]]));
  for (const [key, value] of changes) {
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
  const sorted = [...all.keys()].toSorted(byText);
  return { keys: sorted, values: sorted.map((key) => all.get(key) as V) };
};

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
