import type { Schema } from '../../api/schema.ts';
import { type Findings, shown } from './error.ts';
import { isRecord } from './plain.ts';

/** Adds an error for each item of a `set` or `map` list that an earlier item already stands for. Atomic lists may repeat themselves. */
export const refuseDuplicates = (schema: Schema, items: readonly unknown[], found: Findings): void => {
  const listType = schema['x-kubernetes-list-type'];
  if (items.length < 2 || (listType !== 'set' && listType !== 'map')) return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const first = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const identity = listType === 'set' ? JSON.stringify(item) : identityOf(item, keys);
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, index);
    else found.addAt(index, `duplicate of item ${earlier}${listType === 'map' ? `: same ${describe(item, keys, found.secret)}` : ''}`);
  }
};

/** An absent key is a value of its own. */
const identityOf = (item: unknown, keys: readonly string[]): string =>
  JSON.stringify(keys.map((key) => (isRecord(item) ? (item[key] ?? null) : null)));

const describe = (item: unknown, keys: readonly string[], secret: boolean): string =>
  keys.map((key) => (secret || !isRecord(item) || item[key] === undefined ? key : `${key} ${shown(item[key])}`)).join(', ');
