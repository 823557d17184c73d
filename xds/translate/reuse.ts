import { byCodeUnit } from '../../src/lib/key.ts';
import { areSame } from '../../src/lib/memo.ts';
import type { Resource, ResourceType } from '../resources.ts';

type ByName<T extends ResourceType> = ReadonlyMap<string, Resource<T>>;

/**
 * The resources by name, in code-unit order; each the same object as in `previous` where it means the same, and `previous` itself
 * where all do. Parts that were made once are compared by identity, so this costs what may have changed.
 */
export const reusing = <T extends ResourceType>(previous: ByName<T> | undefined, resources: readonly Resource<T>[]): ByName<T> => {
  const next = new Map<string, Resource<T>>();
  for (const resource of resources.toSorted((a, b) => byCodeUnit(a.name, b.name))) {
    const before = previous?.get(resource.name);
    next.set(resource.name, before !== undefined && isSame(before, resource) ? before : resource);
  }
  return previous !== undefined && sameEntries(previous, next) ? previous : next;
};

/** Whether two of one name mean the same. */
const isSame = (before: Resource, after: Resource): boolean => {
  if (before === after) return true;
  if (!areSame(before.owners, after.owners)) return false;
  if (before.parts === undefined || after.parts === undefined)
    return before.parts === after.parts && sameValue(before.message, after.message);
  return areSame(before.parts, after.parts);
};

const sameEntries = <V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean => {
  if (a.size !== b.size) return false;
  for (const [key, value] of b) if (a.get(key) !== value) return false;
  return true;
};

/** Whether two JSON-like values are equal; an undefined property is an absent one. */
const sameValue = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameLists(a, b);
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  for (const key in left) if (!sameValue(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
};

const sameLists = (a: readonly unknown[], b: readonly unknown[]): boolean => {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index] && !sameValue(a[index], b[index])) return false;
  return true;
};
