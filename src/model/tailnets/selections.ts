import { byCodeUnit } from '../../lib/key.ts';
import type { Table } from '../../lib/memo.ts';

type Selection<V> = { readonly isMember: (value: V) => boolean; readonly members: ReadonlyMap<string, V>; readonly list: readonly V[] };

/**
 * A function from a map of values to a table of those that a selector, written as a string, selects, in the order of the map's keys. A change of
 * few values costs each selector in use a look at those few: a selection none of them belongs to, or belonged to, is the same array as before.
 * A selector is remembered while it is asked for between one change and the next. The same table while no value changes. `changed`: the keys
 * under which the values are others than last time, for who knows them.
 */
export const selectionsBuilder = <V>(
  selectorFrom: (text: string) => (value: V) => boolean,
): ((values: ReadonlyMap<string, V>, changed?: ReadonlySet<string>) => Table<readonly V[]>) => {
  let source: ReadonlyMap<string, V> = new Map();
  let asked = new Map<string, Selection<V>>();
  let table: Table<readonly V[]> | undefined;
  return (values, changed = values === source ? none : changedKeys(source, values)) => {
    source = values;
    if (changed.size === 0 && table !== undefined) return table;
    const before = asked;
    const now = new Map<string, Selection<V>>();
    asked = now;
    table = {
      get: (selector) => {
        const known = now.get(selector);
        if (known !== undefined) return known.list;
        const last = before.get(selector);
        const selection = last === undefined ? selected(selectorFrom(selector), values) : updated(last, changed, values);
        now.set(selector, selection);
        return selection.list;
      },
    };
    return table;
  };
};

const selected = <V>(isMember: (value: V) => boolean, values: ReadonlyMap<string, V>): Selection<V> => {
  const members = new Map([...values].filter(([, value]) => isMember(value)));
  return { isMember, members, list: listOf(members) };
};

const updated = <V>(last: Selection<V>, changed: ReadonlySet<string>, values: ReadonlyMap<string, V>): Selection<V> => {
  let members: Map<string, V> | undefined;
  for (const key of changed) {
    const value = values.get(key);
    if (value !== undefined && last.isMember(value)) (members ??= new Map(last.members)).set(key, value);
    else if (last.members.has(key)) (members ??= new Map(last.members)).delete(key);
  }
  return members === undefined ? last : { isMember: last.isMember, members, list: listOf(members) };
};

const listOf = <V>(members: ReadonlyMap<string, V>): readonly V[] =>
  [...members].toSorted(([one], [other]) => byCodeUnit(one, other)).map(([, value]) => value);

const none: ReadonlySet<string> = new Set();

/** Keys under which two maps do not hold the same. */
export const changedKeys = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): ReadonlySet<string> => {
  const keys = new Set<string>();
  let stayed = 0;
  for (const [key, value] of other) {
    const former = one.get(key);
    if (former !== undefined) stayed += 1;
    if (former !== value) keys.add(key);
  }
  if (stayed < one.size) for (const key of one.keys()) if (!other.has(key)) keys.add(key);
  return keys;
};
