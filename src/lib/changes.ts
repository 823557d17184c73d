/** What of a list, by identity, is no longer there, and what is new. Elements are there once; those that stay may move. */
export type Changes<V> = { readonly removed: readonly V[]; readonly added: readonly V[] };

/** From one list to the next. Costs a walk, and for what lies between the first and the last change a look-up. */
export const changesBetween = <V>(before: readonly V[], after: readonly V[]): Changes<V> => {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let same = 0;
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1;
  const left = before.slice(start, before.length - same);
  const came = after.slice(start, after.length - same);
  if (left.length === 0 || came.length === 0) return { removed: left, added: came };
  const [old, fresh] = [new Set(left), new Set(came)];
  return { removed: left.filter((value) => !fresh.has(value)), added: came.filter((value) => !old.has(value)) };
};

/**
 * Lists in order, the next one made from the last: what is new is put in its place, so that a change of few among thousands costs a walk, and
 * no sorting. Elements that `compare` holds equal are in the order they are given in, which is to stay as it is.
 */
export const sorter = <V>(compare: (one: V, other: V) => number): ((values: readonly V[]) => readonly V[]) => {
  let given: readonly V[] = [];
  let sorted: readonly V[] = [];
  return (values) => {
    const changes = changesBetween(given, values);
    given = values;
    sorted = patched(sorted, changes, compare) ?? values.toSorted(compare);
    return sorted;
  };
};

const patchesAtMost = 100;

/** Undefined where sorting anew is better, or where only that knows the order of equal elements. */
const patched = <V>(
  sorted: readonly V[],
  { removed, added }: Changes<V>,
  compare: (one: V, other: V) => number,
): readonly V[] | undefined => {
  if (removed.length === 0 && added.length === 0) return sorted;
  if (removed.length + added.length > Math.min(patchesAtMost, sorted.length)) return undefined;
  const gone = new Set(removed);
  const next = gone.size === 0 ? [...sorted] : sorted.filter((value) => !gone.has(value));
  for (const value of added) {
    const at = placeOf(value, next, compare);
    if (at === undefined) return undefined;
    next.splice(at, 0, value);
  }
  return next;
};

/** Before which index a value belongs; undefined where it is equal to another. */
export const placeOf = <V>(value: V, sorted: readonly V[], compare: (one: V, other: V) => number): number | undefined => {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    const order = compare(value, sorted[middle] as V);
    if (order === 0) return undefined;
    if (order < 0) to = middle;
    else from = middle + 1;
  }
  return from;
};
