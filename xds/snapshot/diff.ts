import type { EncodedResource } from './encoded.ts';
import type { TypeSnapshot } from './snapshot.ts';

/** What turns one generation of a type into another. */
export type Change = {
  /** New and changed resources, as they are afterwards. */
  readonly changed: readonly EncodedResource[];
  /** Names that are gone. */
  readonly removed: readonly string[];
};

/**
 * The change from one generation to another, computed once and shared by all streams that make that step. So a stream needs to
 * remember only which generation it was sent, however many resources there are, and catching up over many generations is one change.
 */
export const changeBetween = (before: TypeSnapshot, after: TypeSnapshot): Change => {
  if (before === after) return none;
  let known = changes.get(after);
  if (known === undefined) changes.set(after, (known = new WeakMap()));
  let change = known.get(before);
  if (change === undefined) known.set(before, (change = compare(before.resources, after.resources)));
  return change;
};

const none: Change = { changed: [], removed: [] };
const changes = new WeakMap<TypeSnapshot, WeakMap<TypeSnapshot, Change>>();

const compare = (before: ReadonlyMap<string, EncodedResource>, after: ReadonlyMap<string, EncodedResource>): Change => {
  const changed: EncodedResource[] = [];
  const removed: string[] = [];
  for (const [name, resource] of after) if (before.get(name)?.version !== resource.version) changed.push(resource);
  for (const name of before.keys()) if (!after.has(name)) removed.push(name);
  return { changed, removed };
};
