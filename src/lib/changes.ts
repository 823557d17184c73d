/** What of a list, by identity, is no longer there, and what is new. Elements are there once; those that stay may move. */
export type Changes<V> = { readonly removed: readonly V[]; readonly added: readonly V[] };

/** How many elements two lists have in common, by identity, at their start, and then at their end. */
export const commonEnds = (one: readonly unknown[], other: readonly unknown[]): { readonly start: number; readonly end: number } => {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  return { start, end };
};

/** `list` with `middle` between its first `start` and its last `end` elements: of just the size that is needed, where `middle` is not very long. */
export const withMiddle = <V>(list: readonly V[], start: number, end: number, middle: readonly V[]): readonly V[] =>
  middle.length <= argumentsAtMost
    ? list.toSpliced(start, list.length - start - end, ...middle)
    : [...list.slice(0, start), ...middle, ...list.slice(list.length - end)];

/** A call takes not many more than a hundred thousand. */
const argumentsAtMost = 1000;

/** From one list to the next. Costs a walk, and for what lies between the first and the last change a look-up. */
export const changesBetween = <V>(before: readonly V[], after: readonly V[]): Changes<V> => {
  const { start, end } = commonEnds(before, after);
  const left = before.slice(start, before.length - end);
  const came = after.slice(start, after.length - end);
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
  let next = gone.size === 0 ? sorted : sorted.filter((value) => !gone.has(value));
  for (const value of added) {
    const { at, taken } = placeOf(value, next, compare);
    if (taken) return undefined;
    // Of just the size that is needed, as an array that grows in place is not.
    next = next.toSpliced(at, 0, value);
  }
  return next;
};

/** Where in a list in order a value belongs, and whether one that is equal to it is there already. */
export const placeOf = <T, V>(
  value: T,
  sorted: readonly V[],
  compare: (value: T, element: V) => number,
): { readonly at: number; readonly taken: boolean } => {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const at = (from + to) >>> 1;
    const order = compare(value, sorted[at] as V);
    if (order === 0) return { at, taken: true };
    if (order < 0) to = at;
    else from = at + 1;
  }
  return { at: from, taken: false };
};
