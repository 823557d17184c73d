import { placeOf } from './changes.ts';

const gone = Symbol('gone');

/** Of keys: as `Array.prototype.sort` takes it. */
export type Compare<K> = (one: K, other: K) => number;

/**
 * A map that shares thousands of entries with the one it was made of, and holds what differs beside them: a change costs the few changes before it, not a
 * copy, of which each would be garbage by the next change. When they are not few any more, it is a plain Map again. It never changes.
 */
export class PatchedMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  readonly #patch: ReadonlyMap<K, V | typeof gone>;
  /** Keys that only the patch has: in order, or as they came. */
  readonly #added: readonly K[];
  readonly #compare: Compare<K> | undefined;
  readonly size: number;

  private constructor(
    base: ReadonlyMap<K, V>,
    patch: ReadonlyMap<K, V | typeof gone>,
    added: readonly K[],
    compare: Compare<K> | undefined,
  ) {
    this.#base = base;
    this.#patch = patch;
    this.#added = added;
    this.#compare = compare;
    let size = base.size + added.length;
    for (const value of patch.values()) if (value === gone) size -= 1;
    this.size = size;
  }

  /**
   * `before` with `changes`, of which undefined takes one away; undefined where a copy is better: of a small map, after many changes, or where something
   * that comes back would not come last. With `compare`, `before` is in its order.
   */
  static of<K, V>(
    before: ReadonlyMap<K, V>,
    changes: readonly (readonly [K, V | undefined])[],
    compare?: Compare<K>,
  ): PatchedMap<K, V> | undefined {
    if (before.size < worthIt) return undefined;
    const last = before instanceof PatchedMap ? (before as PatchedMap<K, V>) : new PatchedMap<K, V>(before, new Map(), [], compare);
    const base = last.#base;
    const isMany = last.#patch.size + changes.length > 2 * Math.sqrt(base.size);
    if (isMany || last.#compare !== compare) return undefined;
    const patch = new Map(last.#patch);
    const added = [...last.#added];
    for (const [key, value] of changes) {
      const inBase = base.has(key);
      if (value === undefined) {
        if (inBase) patch.set(key, gone);
        else if (patch.delete(key)) added.splice(added.indexOf(key), 1);
        continue;
      }
      if (inBase) {
        if (compare === undefined && patch.get(key) === gone) return undefined;
      } else if (!patch.has(key)) {
        added.splice(compare === undefined ? added.length : placeOf(key, added, compare).at, 0, key);
      }
      patch.set(key, value);
    }
    return new PatchedMap(base, patch, added, compare);
  }

  get(key: K): V | undefined {
    const value = this.#patch.get(key);
    if (value === undefined) return this.#base.get(key);
    return value === gone ? undefined : value;
  }

  has(key: K): boolean {
    const value = this.#patch.get(key);
    return value === undefined ? this.#base.has(key) : value !== gone;
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    let next = 0;
    const addedUntil = (key: K | undefined): void => {
      while (next < this.#added.length && (key === undefined || (this.#compare?.(this.#added[next] as K, key) ?? 1) < 0)) {
        const added = this.#added[next] as K;
        next += 1;
        callback(this.get(added) as V, added, this);
      }
    };
    this.#base.forEach((value, key) => {
      addedUntil(key);
      const patched = this.#patch.get(key);
      if (patched !== gone) callback(patched ?? value, key, this);
    });
    addedUntil(undefined);
  }

  entries(): MapIterator<[K, V]> {
    return this.#listed((value, key): [K, V] => [key, value]);
  }

  keys(): MapIterator<K> {
    return this.#listed((_, key) => key);
  }

  values(): MapIterator<V> {
    return this.#listed((value) => value);
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  /** Whoever walks over all of it looks at thousands anyway: a list is quicker than to stop at each. */
  #listed<T>(show: (value: V, key: K) => T): MapIterator<T> {
    const list: T[] = [];
    this.forEach((value, key) => void list.push(show(value, key)));
    return list.values();
  }
}

/** A smaller one is copied in no time. */
const worthIt = 64;

/** Whether something is a map to read, of whichever make. */
export const isMap = (value: unknown): value is ReadonlyMap<unknown, unknown> => value instanceof Map || value instanceof PatchedMap;
