import { byCodeUnit, type ObjectKey } from '../../src/lib/key.ts';

/** Each object once, in code-unit order: whose status says so when Envoy refuses a resource. */
export const ownersOf = (keys: readonly (ObjectKey | undefined)[]): readonly ObjectKey[] =>
  [...new Set(keys.filter((key) => key !== undefined))].toSorted(byCodeUnit);
