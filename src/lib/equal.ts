import { sameElements } from './memo.ts';
import { isMap } from './patched-map.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whether two values of plain data, and Maps of them, mean the same. Costs what differs by identity; an absent field is not an undefined one. */
export const equal = (one: unknown, other: unknown): boolean => {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) return Array.isArray(one) && Array.isArray(other) && equalLists(one, other);
  if (isMap(one) || isMap(other)) return isMap(one) && isMap(other) && equalMaps(one, other);
  const fields = Object.keys(one);
  if (fields.length !== Object.keys(other).length) return false;
  const [left, right] = [one as Fields, other as Fields];
  return fields.every((field) => Object.hasOwn(right, field) && equal(left[field], right[field]));
};

const equalMaps = (one: ReadonlyMap<unknown, unknown>, other: ReadonlyMap<unknown, unknown>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.has(key) && equal(value, other.get(key)));

const equalLists = (one: readonly unknown[], other: readonly unknown[]): boolean => {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index] && !equal(one[index], other[index])) return false;
  return true;
};

/**
 * `next`, each element replaced by what `settle` makes of it and of the element of `previous` that `keyOf` gives the same name; `previous`
 * itself where that leaves it as it was. What moved in a list is found again.
 */
export const reuseBy = <V>(
  previous: readonly V[],
  next: readonly V[],
  keyOf: (value: V) => string,
  settle: (previous: V, next: V) => V,
): readonly V[] => {
  const known = new Map(previous.map((value) => [keyOf(value), value]));
  const settled = next.map((value) => {
    const last = known.get(keyOf(value));
    return last === undefined ? value : settle(last, value);
  });
  return sameElements(previous, settled);
};

/** `previous` where both mean the same. */
export const reuse = <V>(previous: V, next: V): V => (equal(previous, next) ? previous : next);
