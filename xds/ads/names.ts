/**
 * Sets of resource names, shared: the replicas of one Envoy Deployment subscribe to the same thousand names, and a set for each
 * stream would be what a stream costs. Sharing is by content and bounded; what falls out of it is merely held twice.
 */
export class NameSet {
  readonly names: ReadonlySet<string>;
  /** Last change made to this set and what came of it: streams of one group make the same changes one after the other. */
  last: { readonly list: readonly string[]; readonly adds: boolean; readonly result: NameSet } | undefined;

  constructor(names: ReadonlySet<string>) {
    this.names = names;
  }

  has(name: string): boolean {
    return this.names.has(name);
  }
}

const sharedAtMost = 256;
/** By a sum over the names, which does not depend on their order; least recently used first. */
const shared = new Map<string, NameSet>();

export const noNames = new NameSet(new Set());

/** The set of these names, in whatever order and however often they are listed. */
export const nameSetOf = (list: Iterable<string>): NameSet => share(new Set(list));

/** `set` with the names of `list`. */
export const withNames = (set: NameSet, list: readonly string[]): NameSet => {
  if (list.every((name) => set.has(name))) return set;
  return change(set, list, true, () => new Set([...set.names, ...list]));
};

/** `set` without the names of `list`. */
export const withoutNames = (set: NameSet, list: readonly string[]): NameSet => {
  if (!list.some((name) => set.has(name))) return set;
  return change(set, list, false, () => {
    const names = new Set(set.names);
    for (const name of list) names.delete(name);
    return names;
  });
};

const change = (set: NameSet, list: readonly string[], adds: boolean, make: () => Set<string>): NameSet => {
  const { last } = set;
  if (last !== undefined && last.adds === adds && isSameList(last.list, list)) return last.result;
  const result = share(make());
  set.last = { list, adds, result };
  return result;
};

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((name, index) => name === b[index]));

const share = (names: ReadonlySet<string>): NameSet => {
  if (names.size === 0) return noNames;
  const key = `${names.size}:${sumOf(names)}`;
  const known = shared.get(key);
  if (known !== undefined) {
    shared.delete(key);
    shared.set(key, known);
    // A client can make sums collide, so equality is checked; the colliding set is then simply not shared.
    return [...names].every((name) => known.has(name)) ? known : new NameSet(names);
  }
  const made = new NameSet(names);
  shared.set(key, made);
  const oldest = shared.size > sharedAtMost ? shared.keys().next().value : undefined;
  if (oldest !== undefined) shared.delete(oldest);
  return made;
};

const sumOf = (names: ReadonlySet<string>): number => {
  let sum = 0;
  for (const name of names) {
    let hash = 0;
    for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0;
    sum = (sum + hash) | 0;
  }
  return sum;
};
