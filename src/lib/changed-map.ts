import { type Compare, PatchedMap } from './patched-map.ts';
import { tokenOf } from './token.ts';

/**
 * How a map came about: from which other, told by its token, and what differs. It holds neither, as thousands of generations would be kept by it; nor a
 * WeakRef, which the collection of young objects takes for a reference as any other, so that each generation would make old the one before it.
 */
type Origin = { readonly of: object; readonly keys: readonly unknown[] };

const origins = new WeakMap<object, Origin>();

/**
 * `before` with some values in place of others; undefined takes one away. What is new comes last, or where `compare` has it among keys that are
 * in its order. `before` itself where that changes nothing. What differs is known from then on without looking (`differingKeys`).
 */
export const changedMap = <K, V>(
  before: ReadonlyMap<K, V>,
  changes: Iterable<readonly [K, V | undefined]>,
  compare?: Compare<K>,
): ReadonlyMap<K, V> => {
  const different = [...new Map(changes)].filter(([key, value]) => before.get(key) !== value);
  if (different.length === 0) return before;
  const after = PatchedMap.of(before, different, compare) ?? changedCopy(before, different, compare);
  origins.set(after, { of: tokenOf(before), keys: different.map(([key]) => key) });
  return after;
};

const changedCopy = <K, V>(
  before: ReadonlyMap<K, V>,
  different: readonly (readonly [K, V | undefined])[],
  compare: Compare<K> | undefined,
): ReadonlyMap<K, V> => {
  const changed = copyOf(before);
  let added = false;
  for (const [key, value] of different) {
    added ||= !before.has(key);
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
  }
  return added && compare !== undefined ? new Map([...changed].toSorted(([one], [other]) => compare(one, other))) : changed;
};

/** Without an array for each entry, which `new Map(before)` makes. */
const copyOf = <K, V>(before: ReadonlyMap<K, V>): Map<K, V> => {
  const copy = new Map<K, V>();
  before.forEach((value, key) => copy.set(key, value));
  return copy;
};

/** The keys under which two maps hold different values, or one of them none. A walk over both unless one was made of the other. */
export const differingKeys = <K>(before: ReadonlyMap<K, unknown>, after: ReadonlyMap<K, unknown>): readonly K[] => {
  if (before === after) return [];
  for (const [one, other] of [
    [after, before],
    [before, after],
  ] as const) {
    const origin = origins.get(one);
    if (origin !== undefined && origin.of === tokenOf(other)) return origin.keys as readonly K[];
  }
  const keys: K[] = [];
  let stayed = 0;
  for (const [key, value] of after) {
    if (before.get(key) !== value) keys.push(key);
    if (before.has(key)) stayed += 1;
  }
  if (stayed < before.size) for (const key of before.keys()) if (!after.has(key)) keys.push(key);
  return keys;
};
