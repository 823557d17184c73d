import { changesBetween } from './changes.ts';
import { reuse } from './equal.ts';
import { byCodeUnit } from './key.ts';

/**
 * What the elements of a list have, each key once and in the order of keys: of values that mean the same the first seen, and the same array for
 * as long as it holds the same. From one list to the next it costs a walk of comparisons, and then what has changed. `of` always gives
 * the same for an element.
 */
export const gathering = <E, V>(of: (element: E) => Iterable<V>, keyOf: (value: V) => string): ((list: readonly E[]) => readonly V[]) => {
  const held = new Map<string, { value: V; count: number }>();
  let last: readonly E[] = [];
  let gathered: readonly V[] = [];

  /** Whether that changes what is gathered. */
  const take = (value: V): boolean => {
    const key = keyOf(value);
    const one = held.get(key);
    if (one === undefined) {
      held.set(key, { value, count: 1 });
      return true;
    }
    const before = one.value;
    one.count += 1;
    one.value = reuse(before, value);
    return one.value !== before;
  };
  const leave = (value: V): boolean => {
    const key = keyOf(value);
    const one = held.get(key);
    if (one === undefined) return false;
    one.count -= 1;
    return one.count === 0 && held.delete(key);
  };
  const each = (elements: readonly E[], change: (value: V) => boolean): boolean => {
    let changed = false;
    for (const element of elements) for (const value of of(element)) changed = change(value) || changed;
    return changed;
  };

  return (list) => {
    const { removed, added } = changesBetween(last, list);
    last = list;
    // What comes first, so that what stays is not taken away in between.
    const [came, left] = [each(added, take), each(removed, leave)];
    if (came || left) gathered = [...held].toSorted(([one], [other]) => byCodeUnit(one, other)).map(([, { value }]) => value);
    return gathered;
  };
};

/** How many elements of a list are such, at the same price. */
export const counting = <E>(isSuch: (element: E) => boolean): ((list: readonly E[]) => number) => {
  let last: readonly E[] = [];
  let count = 0;
  return (list) => {
    const { removed, added } = changesBetween(last, list);
    last = list;
    count += added.filter(isSuch).length - removed.filter(isSuch).length;
    return count;
  };
};
