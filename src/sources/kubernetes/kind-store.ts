import type { AnyObject, Kind } from '../../api/kinds.ts';
import { changedMap } from '../../lib/changed-map.ts';
import type { LocalKey, ObjectKey } from '../../lib/key.ts';
import type { KubeObject } from '../../kubernetes/kube-object.ts';
import type { ListWatchEvent } from '../../kubernetes/list-watch.ts';
import type { SourceProblem } from '../source.ts';
import { type Entry, entryFrom } from './entry.ts';

/**
 * Every object of one kind, from one list-watch or from one for each namespace. Changes in place; `objects` and `problems` give the same map
 * and list until what they hold changes, so that a thousand changes between two looks cost one copy.
 */
export class KindStore {
  readonly #kind: Kind;
  readonly #observedChange: (key: ObjectKey) => void;
  readonly #isWanted: (key: LocalKey) => boolean;
  readonly #entries = new Map<LocalKey, Entry>();
  #objects: ReadonlyMap<LocalKey, AnyObject> = new Map();
  /** Of what `#objects` has otherwise. */
  readonly #stale = new Set<LocalKey>();
  #problems: readonly SourceProblem[] | undefined = [];

  constructor(kind: Kind, observedChange: (key: ObjectKey) => void, isWanted: (key: LocalKey) => boolean = () => true) {
    this.#kind = kind;
    this.#observedChange = observedChange;
    this.#isWanted = isWanted;
  }

  /** What to keep of an object that arrives. */
  entryOf(key: LocalKey, raw: KubeObject): Entry {
    return entryFrom(this.#kind, raw, this.#entries.get(key));
  }

  /** `namespace` says what a list is of; all namespaces when undefined. */
  hear(event: ListWatchEvent<Entry>, namespace: string | undefined): void {
    if (event.type === 'stored') this.#put(event.key, event.object);
    else if (event.type === 'gone') this.#remove(event.key);
    else if (event.type === 'listed') {
      for (const key of this.#entries.keys()) if (isWithin(key, namespace) && !event.objects.has(key)) this.#remove(key);
      for (const [key, entry] of event.objects) this.#put(key, entry);
    }
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.#remove(key);
  }

  get(key: LocalKey): Entry | undefined {
    return this.#entries.get(key);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  objects(): ReadonlyMap<string, AnyObject> {
    if (this.#stale.size === 0) return this.#objects;
    this.#objects = changedMap(
      this.#objects,
      [...this.#stale].map((key) => [key, this.#entries.get(key)?.object] as const),
    );
    this.#stale.clear();
    return this.#objects;
  }

  problems(): readonly SourceProblem[] {
    this.#problems ??= [...this.#entries.values()].flatMap(({ problems }) => problems);
    return this.#problems;
  }

  #put(key: LocalKey, entry: Entry): void {
    const before = this.#entries.get(key);
    if (before === entry || !this.#isWanted(key)) return;
    this.#entries.set(key, entry);
    if (before?.object !== entry.object) this.#stale.add(key);
    if ((before?.problems.length ?? 0) + entry.problems.length > 0) this.#problems = undefined;
    this.#observedChange(entry.key);
  }

  #remove(key: LocalKey): void {
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.delete(key);
    if (before.object !== undefined) this.#stale.add(key);
    if (before.problems.length > 0) this.#problems = undefined;
    this.#observedChange(before.key);
  }
}

const isWithin = (key: LocalKey, namespace: string | undefined): boolean => namespace === undefined || key.startsWith(`${namespace}/`);
