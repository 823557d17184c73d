import { Observable, type Subscriber } from 'rxjs';
import { type LocalKey, localKey } from '../lib/key.ts';
import { ApiError, UnreachableError } from './api-error.ts';
import type { ApiRequest, ApiServer } from './api-server.ts';
import { readingBackoff, waitAfter } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Failure, failureOf } from './failure.ts';
import type { KubeMetadata, KubeObject } from './kube-object.ts';
import { leanMetadata } from './lean.ts';
import { apiVersionOf, pathOf, type Resource } from './resource.ts';
import { shareTexts } from './shared-texts.ts';

export type Selection = {
  readonly api: ApiServer;
  readonly resource: Resource;
  /** One namespace; all of them when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Asks for `PartialObjectMetadata`: objects then have apiVersion, kind and metadata only. */
  readonly metadataOnly?: boolean;
  /** Leaves `metadata.managedFields` in place, which are as large as the rest of an object; they are dropped unless asked for. */
  readonly managedFields?: boolean;
  /** Each value says that the server answers others: who waits to try again then tries at once. */
  readonly answers$?: Observable<unknown>;
  readonly clock?: Clock;
};

/** What a list and the watch after it tell. `listed` is always a whole list, and whatever it does not name is gone. */
export type ListWatchEvent<T> =
  | { readonly type: 'listed'; readonly objects: ReadonlyMap<LocalKey, T> }
  | { readonly type: 'stored'; readonly key: LocalKey; readonly object: T }
  | { readonly type: 'gone'; readonly key: LocalKey }
  /** The server answers, and nothing changed. */
  | { readonly type: 'heard' }
  /** A watch cannot be gone on with: what was told may be old until the next `listed`. */
  | { readonly type: 'broke' }
  /** Trying goes on; `at` says what will end the failure: the next `listed`, or the next word of a watch. */
  | { readonly type: 'failed'; readonly at: 'list' | 'watch'; readonly failure: Failure };

/**
 * The objects of a resource by the API server's protocol: a paged list, then a watch from there, taken up where it ended when it ends, and
 * after any failure a new list. Never errors and never completes. `take` turns each object as it arrives into what is to be kept of it, so
 * that a list of thousands holds no more than that; it may drop what it likes, but must not change the object.
 */
export const listWatch = <T>(selection: Selection, take: (object: KubeObject, key: LocalKey) => T): Observable<ListWatchEvent<T>> =>
  new Observable((out) => {
    const session = new Session(selection, take, out);
    void session.run();
    return () => session.stop();
  });

const pageSize = 500;
/** Bookmarks come about once a minute: two missed ones and some. */
const silenceMs = 150_000;
/** The server is asked to end watches after this long, more or less, so that they move to another server and do not all end at once. */
const watchSeconds = { least: 240, more: 240 } as const;
/** A watch that ends sooner without a word is not taken up at once. */
const floorMs = 1000;
/** A watch that stood for so long is a success even if it said nothing. */
const steadyMs = 10_000;

class Session<T> {
  readonly #selection: Selection;
  readonly #clock: Clock;
  readonly #take: (object: KubeObject, key: LocalKey) => T;
  readonly #out: Subscriber<ListWatchEvent<T>>;
  readonly #stopping = new AbortController();
  /** One text for all objects. */
  readonly #apiVersion: string;
  #failures = 0;
  #wasUnreachable = false;

  constructor(selection: Selection, take: (object: KubeObject, key: LocalKey) => T, out: Subscriber<ListWatchEvent<T>>) {
    this.#selection = selection;
    this.#apiVersion = apiVersionOf(selection.resource);
    this.#clock = selection.clock ?? systemClock;
    this.#take = take;
    this.#out = out;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const error = await this.#follow();
      if (this.#stopping.signal.aborted) return;
      // A server that answers again may soon answer better: what it kept silent before does not count.
      const answersAgain = this.#wasUnreachable && error instanceof ApiError;
      this.#failures = answersAgain ? 1 : this.#failures + 1;
      this.#wasUnreachable = error instanceof UnreachableError;
      await this.#backOff(error);
    }
  }

  /** Lists and watches for as long as that goes well; gives what ended it. */
  async #follow(): Promise<unknown> {
    let at: 'list' | 'watch' = 'list';
    try {
      let version = await this.#list();
      at = 'watch';
      while (!this.#stopping.signal.aborted) version = await this.#watch(version);
      return undefined;
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#out.next(isFailure(error, at) ? { type: 'failed', at, failure: failureOf(error) } : { type: 'broke' });
      return error;
    }
  }

  async #wait(ms: number): Promise<void> {
    await this.#clock.wait(ms, this.#stopping.signal).catch(() => undefined); // woken by stop
  }

  /** Waits to try again: less long where the server turns out to answer others, unless it is too busy for us. */
  async #backOff(reason: unknown): Promise<void> {
    const answered = new AbortController();
    const isBusy = reason instanceof ApiError && reason.code === 429;
    const others = isBusy ? undefined : this.#selection.answers$?.subscribe(() => answered.abort());
    const ms = waitAfter(this.#failures, reason, readingBackoff, this.#clock.random());
    await this.#clock.wait(ms, AbortSignal.any([this.#stopping.signal, answered.signal])).catch(() => undefined);
    others?.unsubscribe();
  }

  #request(query: ApiRequest['query'], kind: 'PartialObjectMetadataList' | 'PartialObjectMetadata'): ApiRequest {
    const { resource, namespace, labelSelector, fieldSelector, metadataOnly = false } = this.#selection;
    return {
      path: pathOf(resource, namespace === undefined ? {} : { namespace }),
      query: { labelSelector, fieldSelector, ...query },
      ...(metadataOnly && { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` }),
      signal: this.#stopping.signal,
    };
  }

  /** The version that the list is of. Says nothing before the list is whole. */
  async #list(): Promise<string> {
    const objects = new Map<LocalKey, T>();
    let page: Page | undefined;
    do {
      const request = this.#request({ limit: pageSize, continue: page?.next }, 'PartialObjectMetadataList');
      page = pageFrom(await this.#selection.api.request(request), request.path);
      for (const item of page.items) {
        const object = this.#named(item, request.path);
        const key = keyOf(object);
        objects.set(key, this.#take(object, key));
      }
    } while (page.next !== undefined);
    this.#out.next({ type: 'listed', objects });
    return page.version;
  }

  /** Watches until the server ends it; gives the version to go on from. Throws when there is no going on. */
  async #watch(from: string): Promise<string> {
    const started = this.#clock.now();
    const timeoutSeconds = Math.round(watchSeconds.least + watchSeconds.more * this.#clock.random());
    const query = { watch: true, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds };
    const request = this.#request(query, 'PartialObjectMetadata');
    let version = from;
    let heard = false;
    const stoodMs = (): number => this.#clock.now() - started;
    let steady: NodeJS.Timeout | undefined;
    // On a quiet kind the first word may be a minute away, and what failed before would seem to fail still.
    const opened = (): void => {
      steady = setTimeout(() => this.#out.next({ type: 'heard' }), steadyMs).unref();
    };
    try {
      await this.#selection.api.stream({ ...request, silenceMs, opened }, (line) => {
        version = this.#hear(line, request.path);
        heard = true;
      });
    } finally {
      clearTimeout(steady);
      if (stoodMs() >= steadyMs) this.#failures = 0;
    }
    if (!heard && stoodMs() < floorMs) await this.#wait(floorMs - stoodMs());
    return version;
  }

  /** Passes on what one line of a watch says, and gives its version. */
  #hear(line: unknown, path: string): string {
    const { type, object: said } = fieldsOf(line);
    if (type === 'ERROR') throw errorFrom(said, path);
    const object = this.#named(said, path);
    const version = object.metadata.resourceVersion;
    if (version === undefined) throw new Error(`${path}: the watch names no resourceVersion`);
    this.#failures = 0;
    this.#out.next(this.#eventFrom(type, object));
    return version;
  }

  #eventFrom(type: unknown, object: KubeObject): ListWatchEvent<T> {
    if (type === 'BOOKMARK') return { type: 'heard' };
    const key = keyOf(object);
    return type === 'DELETED' ? { type: 'gone', key } : { type: 'stored', key, object: this.#take(object, key) };
  }

  /** Items of lists may leave out what the list's own kind says, and partial ones have a kind of their own. */
  #named(value: unknown, path: string): KubeObject {
    const fields = fieldsOf(value);
    if (fields['metadata'] === undefined) throw new Error(`${path}: the API server names an object without metadata`);
    const { resource, managedFields = false } = this.#selection;
    const metadata = leanMetadata(fields['metadata'] as KubeMetadata, managedFields);
    const object = { ...fields, apiVersion: this.#apiVersion, kind: resource.kind, metadata };
    shareTexts(object);
    return object;
  }
}

/** A watch that broke off is no failure yet, nor is a version too old to go on from: the list that follows tells. */
const isFailure = (error: unknown, at: 'list' | 'watch'): boolean =>
  at === 'list' || !(error instanceof UnreachableError || (error instanceof ApiError && error.code === 410));

const keyOf = ({ metadata: { namespace = '', name } }: KubeObject): LocalKey => localKey(namespace, name);

type Page = { readonly items: readonly unknown[]; readonly version: string; readonly next: string | undefined };

const pageFrom = (answer: unknown, path: string): Page => {
  const { items, metadata } = fieldsOf(answer);
  const { resourceVersion, continue: next } = fieldsOf(metadata);
  if (typeof resourceVersion !== 'string') throw new Error(`${path}: the API server's answer is no list`);
  return {
    items: Array.isArray(items) ? items : [],
    version: resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
};

const errorFrom = (status: unknown, path: string): ApiError => {
  const { code } = fieldsOf(status);
  return new ApiError(`watch ${path}`, typeof code === 'number' ? code : 500, fieldsOf(status));
};

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
