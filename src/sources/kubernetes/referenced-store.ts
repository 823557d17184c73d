import { type AnyObject, kinds } from '../../api/kinds.ts';
import { type LocalKey, type ObjectKey, objectKey } from '../../lib/key.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { readingBackoff, waitAfter } from '../../kubernetes/backoff.ts';
import type { Clock } from '../../kubernetes/clock.ts';
import { failureOf } from '../../kubernetes/failure.ts';
import type { KubeMetadata, KubeObject } from '../../kubernetes/kube-object.ts';
import { leanMetadata } from '../../kubernetes/lean.ts';
import type { ListWatchEvent } from '../../kubernetes/list-watch.ts';
import { pathOf } from '../../kubernetes/resource.ts';
import type { SourceProblem } from '../source.ts';
import { type Entry, entryFrom } from './entry.ts';
import type { ReferencedKind } from './references.ts';

export type ReferencedStoreOptions = {
  readonly api: ApiServer;
  readonly kind: ReferencedKind;
  readonly clock: Clock;
  /** Whether an object is held though nobody refers to it, by its metadata. */
  readonly isMarked?: (metadata: KubeMetadata) => boolean;
  /** The state of some object was asked for and answered, be it with an error. */
  readonly answered: () => void;
  readonly observedChange: (key: ObjectKey) => void;
};

/** An object that others refer to. `entry` is undefined where it does not exist; `version` is the one last read. */
type Wanted = {
  readonly key: LocalKey;
  entry: Entry | undefined;
  isAnswered: boolean;
  /** Something happened to it since it was last asked for. */
  isStale: boolean;
  isAsking: boolean;
  failures: number;
  problems: readonly SourceProblem[];
};

/** What the watch of metadata tells of an object. */
type Seen = { readonly version: string; readonly marked: boolean };

/** At once, so that a thousand certificates do not take a thousand connections. */
const mostRequests = 16;
const timeoutMs = 5000;

/**
 * Those objects of a kind that others refer to, and marked ones, each fetched by itself: what else there is never enters memory. It hears of changes by a
 * watch of all objects' metadata. An object that cannot be fetched keeps its last good state, is a problem, and is tried again.
 */
export class ReferencedStore {
  readonly #options: ReferencedStoreOptions;
  readonly #stopping = new AbortController();
  readonly #wanted = new Map<LocalKey, Wanted>();
  readonly #marked = new Set<LocalKey>();
  #referenced: ReadonlySet<LocalKey> = new Set();
  #requests = 0;
  #objects: ReadonlyMap<string, AnyObject> | undefined = new Map();
  #problems: readonly SourceProblem[] | undefined = [];

  constructor(options: ReferencedStoreOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  clear(): void {
    this.#marked.clear();
    this.want(new Set());
  }

  /** Holds these from now on beside marked ones, and forgets others. */
  want(keys: ReadonlySet<LocalKey>): void {
    this.#referenced = keys;
    for (const key of this.#wanted.keys()) if (!this.#isWanted(key)) this.#forget(key);
    for (const key of keys) this.#hold(key);
    this.#ask();
  }

  /** What is to be kept of an object's metadata until `hear`. */
  seen({ resourceVersion: version = '', ...metadata }: KubeMetadata): Seen {
    return { version, marked: this.#options.isMarked?.(metadata) === true };
  }

  /** Whether it is not known yet of some what they are. */
  get isPending(): boolean {
    for (const { isAnswered } of this.#wanted.values()) if (!isAnswered) return true;
    return false;
  }

  /** What the watch of metadata tells. */
  hear(event: ListWatchEvent<Seen>, namespace: string | undefined): void {
    if (event.type === 'listed') {
      const isListed = (key: LocalKey): boolean => namespace === undefined || key.startsWith(`${namespace}/`);
      for (const key of this.#marked) if (isListed(key) && event.objects.get(key)?.marked !== true) this.#mark(key, false);
      for (const [key, { marked }] of event.objects) if (marked) this.#mark(key, true);
      for (const wanted of this.#wanted.values()) if (isListed(wanted.key)) this.#compare(wanted, event.objects.get(wanted.key)?.version);
    } else if (event.type === 'stored' || event.type === 'gone') {
      const seen = event.type === 'stored' ? event.object : undefined;
      this.#mark(event.key, seen?.marked === true);
      const wanted = this.#wanted.get(event.key);
      if (wanted !== undefined) this.#compare(wanted, seen?.version);
    }
    this.#ask();
  }

  get(key: LocalKey): Entry | undefined {
    return this.#wanted.get(key)?.entry;
  }

  entries(): Iterable<Entry> {
    return [...this.#wanted.values()].flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  }

  objects(): ReadonlyMap<string, AnyObject> {
    this.#objects ??= new Map(
      [...this.#wanted.values()].flatMap(({ key, entry }) => (entry?.object === undefined ? [] : [[key, entry.object]])),
    );
    return this.#objects;
  }

  problems(): readonly SourceProblem[] {
    this.#problems ??= [...this.#wanted.values()].flatMap(({ entry, problems }) => [...(entry?.problems ?? []), ...problems]);
    return this.#problems;
  }

  #isWanted(key: LocalKey): boolean {
    return this.#referenced.has(key) || this.#marked.has(key);
  }

  #hold(key: LocalKey): void {
    if (this.#wanted.has(key)) return;
    this.#wanted.set(key, { key, entry: undefined, isAnswered: false, isStale: true, isAsking: false, failures: 0, problems: [] });
  }

  #mark(key: LocalKey, marked: boolean): void {
    if (marked) {
      this.#marked.add(key);
      this.#hold(key);
    } else if (this.#marked.delete(key) && !this.#isWanted(key)) this.#forget(key);
  }

  /** Does not rely on the order of answers and events: whatever is said to differ from what we hold is asked for. */
  #compare(wanted: Wanted, version: string | undefined): void {
    if (wanted.isAsking || wanted.entry?.resourceVersion !== version) wanted.isStale = true;
  }

  #forget(key: LocalKey): void {
    const wanted = this.#wanted.get(key);
    this.#wanted.delete(key);
    if (wanted?.entry === undefined && wanted?.problems.length === 0) return;
    this.#objects = undefined;
    this.#problems = undefined;
    this.#options.observedChange(objectKey(this.#options.kind, ...namesOf(key)));
  }

  #ask(): void {
    for (const wanted of this.#wanted.values()) {
      if (this.#requests >= mostRequests || this.#stopping.signal.aborted) return;
      if (wanted.isStale && !wanted.isAsking) void this.#fetch(wanted);
    }
  }

  async #fetch(wanted: Wanted): Promise<void> {
    const { api, kind, clock, answered } = this.#options;
    const [namespace, name] = namesOf(wanted.key);
    wanted.isAsking = true;
    wanted.isStale = false;
    this.#requests += 1;
    let waitMs = 0;
    try {
      const path = pathOf({ ...kinds[kind], version: 'v1' }, { namespace, name });
      const raw = (await api.request({ path, timeoutMs, signal: this.#stopping.signal })) as KubeObject;
      this.#settle(wanted, entryFrom(kind, { ...raw, metadata: leanMetadata(raw.metadata) }, wanted.entry), []);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) this.#settle(wanted, undefined, []);
      else {
        wanted.failures += 1;
        waitMs = waitAfter(wanted.failures, error, readingBackoff, clock.random());
        const reason = `cannot be read: ${failureOf(error).message}`;
        this.#settle(wanted, wanted.entry, [{ severity: 'error', reason, object: objectKey(kind, namespace, name) }]);
      }
    }
    this.#requests -= 1;
    if (this.#stopping.signal.aborted) return;
    answered();
    this.#ask();
    if (waitMs > 0) await clock.wait(waitMs, this.#stopping.signal).catch(() => undefined); // woken by stop
    wanted.isAsking = false;
    wanted.isStale ||= waitMs > 0;
    this.#ask();
  }

  #settle(wanted: Wanted, entry: Entry | undefined, problems: readonly SourceProblem[]): void {
    if (problems.length === 0) wanted.failures = 0;
    wanted.isAnswered = true;
    if (this.#wanted.get(wanted.key) !== wanted) return;
    const before = wanted.entry;
    if (before?.object !== entry?.object) this.#objects = undefined;
    if ([before?.problems, entry?.problems, wanted.problems, problems].some((list) => (list?.length ?? 0) > 0)) this.#problems = undefined;
    wanted.entry = entry;
    wanted.problems = problems;
    if (before !== entry) this.#options.observedChange(objectKey(this.#options.kind, ...namesOf(wanted.key)));
  }
}

const namesOf = (key: LocalKey): readonly [string, string] => {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
};
