import { byCodeUnit } from '../../lib/key.ts';
import type { FollowingTable } from '../../lib/readers.ts';

/** Values by key, and the keys under which they are other than the time before. */
export type Changes<V> = {
  readonly before: ReadonlyMap<string, V>;
  readonly now: ReadonlyMap<string, V>;
  readonly keys: ReadonlySet<string>;
};

type Member<V> = readonly [key: string, value: V];
type Group<V> = { readonly members: readonly Member<V>[]; readonly values: readonly V[] };
type Layer<V> = ReadonlyMap<string, Group<V>>;

/** Changed groups lie above the others, until they are so many that all are put together anew. */
const mostChanged = 500;

/**
 * An index of values under the keys that `keysOf` names; each group is in the order of the values' own keys, and never empty. It costs what changed,
 * however large it is, where an index that is copied with each change costs its size. Groups of which nothing changed are the same arrays, and an
 * index of which nothing did is the same table. It tells what it holds differently from the table before it.
 */
export const layeredIndex = <V>(keysOf: (value: V) => readonly string[]): ((changes: Changes<V>) => FollowingTable<readonly V[]>) => {
  let base: Layer<V> = new Map();
  let upper: Layer<V> = new Map();
  let token = {};
  let table: FollowingTable<readonly V[]> = { get: getter(base, upper), version: { token } };
  return (changes) => {
    const added = addedTo(changes, keysOf);
    if (added.size === 0) return table;
    const next = new Map(upper);
    for (const [name, members] of added) {
      const stayed = (upper.get(name) ?? base.get(name))?.members.filter(([key]) => !changes.keys.has(key)) ?? [];
      next.set(name, groupOf([...stayed, ...members]));
    }
    const isLarge = next.size > mostChanged;
    if (isLarge) base = new Map([...base, ...next].filter(([, { values }]) => values.length > 0));
    upper = isLarge ? new Map() : next;
    const since = { token, keys: new Set(added.keys()) };
    token = {};
    table = { get: getter(base, upper), version: { token, since } };
    return table;
  };
};

/** Names of the groups that changed values belonged to or belong to, each with those that belong there now. */
const addedTo = <V>(
  { before, now, keys }: Changes<V>,
  keysOf: (value: V) => readonly string[],
): ReadonlyMap<string, readonly Member<V>[]> => {
  const groups = new Map<string, Member<V>[]>();
  const groupNamed = (name: string): Member<V>[] => {
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    return group;
  };
  for (const key of keys) {
    const [former, value] = [before.get(key), now.get(key)];
    if (former !== undefined) for (const name of keysOf(former)) groupNamed(name);
    if (value !== undefined) for (const name of keysOf(value)) groupNamed(name).push([key, value]);
  }
  return groups;
};

const groupOf = <V>(members: readonly Member<V>[]): Group<V> => {
  const sorted = members.length > 1 ? members.toSorted(([one], [other]) => byCodeUnit(one, other)) : members;
  return { members: sorted, values: sorted.map(([, value]) => value) };
};

const getter =
  <V>(base: Layer<V>, upper: Layer<V>) =>
  (name: string): readonly V[] | undefined => {
    const values = (upper.get(name) ?? base.get(name))?.values;
    return values === undefined || values.length === 0 ? undefined : values;
  };
