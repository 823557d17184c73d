import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { KindInfo } from '../api/kinds.ts';
import { ApiError } from './api-error.ts';
import type { ApiServer } from './api-server.ts';
import { readingBackoff, waitAfter } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Failure, failureOf } from './failure.ts';
import { listWatch } from './list-watch.ts';
import { groupPathOf, type Resource } from './resource.ts';

/** Which kinds the API server serves, each in the first of its versions that it does; `failure` why that may be stale. */
export type Discovery = {
  /** Undefined until the server has answered once. */
  readonly served: ReadonlyMap<string, Resource> | undefined;
  readonly failure?: Failure;
};

export type DiscoverOptions = {
  readonly api: ApiServer;
  readonly kinds: readonly KindInfo[];
  /** Between looks that nothing gave cause for. */
  readonly pollMs?: number;
  /**
   * How long a kind must be missing to count as gone: an API server that starts denies for a moment kinds whose objects it holds, and to
   * believe that would take down what they configure.
   */
  readonly goneAfterMs?: number;
  readonly clock?: Clock;
};

/** Follows which kinds exist: whenever a CustomResourceDefinition changes, if we may know, and every now and then anyway. Never errors. */
export const discover = (options: DiscoverOptions): Observable<Discovery> =>
  new Observable((out) => {
    const session = new Session(options, out);
    void session.run();
    return () => session.stop();
  });

const definitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  scope: 'Cluster',
};

const changes: ReadonlySet<string> = new Set(['listed', 'stored', 'gone']);

/** A definition is served some moments after it is written, and all of them some moments after the API server starts to answer. */
const servedWithinMs = 500;
const doubtfulMs = 2000;

class Session {
  readonly #options: DiscoverOptions;
  readonly #clock: Clock;
  readonly #out: Subscriber<Discovery>;
  readonly #stopping = new AbortController();
  readonly #triggers: Subscription;
  #awake = new AbortController();
  #looksSoon = 0;
  #failures = 0;
  #said: Discovery = { served: undefined };
  #firstAnswerAt: number | undefined;
  /** When a kind that is served was first found missing. */
  readonly #missingSince = new Map<string, number>();

  constructor(options: DiscoverOptions, out: Subscriber<Discovery>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#out = out;
    this.#triggers = listWatch(
      { api: options.api, resource: definitions, metadataOnly: true, clock: this.#clock },
      () => undefined,
    ).subscribe(({ type }) => void (changes.has(type) && this.#wake()));
  }

  stop(): void {
    this.#stopping.abort();
    this.#triggers.unsubscribe();
    this.#awake.abort();
  }

  /** Looks now, and again a moment later. */
  #wake(): void {
    this.#looksSoon = 2;
    this.#awake.abort();
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const waitMs = await this.#look();
      await this.#clock.wait(waitMs, this.#awake.signal).catch(() => undefined); // woken by a definition, or by stop
      this.#awake = new AbortController();
    }
  }

  /** Gives how long to wait for the next look. */
  async #look(): Promise<number> {
    const { pollMs = 15_000 } = this.#options;
    try {
      const found = await this.#find();
      if (this.#stopping.signal.aborted) return 0;
      this.#failures = 0;
      if (this.#isDoubtful(found)) return servedWithinMs;
      this.#say({ served: this.#settled(found) });
    } catch (error) {
      if (this.#stopping.signal.aborted) return 0;
      this.#failures += 1;
      this.#say({ ...this.#said, failure: failureOf(error) });
      return waitAfter(this.#failures, error, readingBackoff, this.#clock.random());
    }
    if (this.#looksSoon === 0) return this.#missingSince.size > 0 ? Math.min(pollMs, 1000) : pollMs;
    this.#looksSoon -= 1;
    return servedWithinMs;
  }

  async #find(): Promise<ReadonlyMap<string, Resource>> {
    const { kinds } = this.#options;
    const paths = new Set(kinds.flatMap(({ group, versions }) => versions.map((version) => groupPathOf(group, version))));
    const kindsAt = new Map(await Promise.all([...paths].map(async (path) => [path, await this.#kindsAt(path)] as const)));
    return new Map(
      kinds.flatMap(({ kind, group, versions, plural, scope }) => {
        const version = versions.find((candidate) => kindsAt.get(groupPathOf(group, candidate))?.has(plural));
        return version === undefined ? [] : [[kind, { group, version, kind, plural, scope }] as const];
      }),
    );
  }

  /** Plural names of the kinds of one version of a group; none where the server does not have it. */
  async #kindsAt(path: string): Promise<ReadonlySet<string>> {
    try {
      const answer = (await this.#options.api.request({ path, signal: this.#stopping.signal })) as {
        readonly resources?: readonly { readonly name: string }[];
      };
      return new Set((answer.resources ?? []).map(({ name }) => name));
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return new Set();
      throw error;
    }
  }

  /** Whether a whole group seems not to exist, and we have not known the server for long enough to believe it. */
  #isDoubtful(found: ReadonlyMap<string, Resource>): boolean {
    this.#firstAnswerAt ??= this.#clock.now();
    if (this.#said.served !== undefined || this.#clock.now() - this.#firstAnswerAt >= doubtfulMs) return false;
    const groups = new Set([...found.values()].map(({ group }) => group));
    return this.#options.kinds.some(({ group }) => !groups.has(group));
  }

  /** What was found, and what is missing only since a moment ago. */
  #settled(found: ReadonlyMap<string, Resource>): ReadonlyMap<string, Resource> {
    const { goneAfterMs = 10_000 } = this.#options;
    const settled = new Map(found);
    for (const [kind, resource] of this.#said.served ?? []) {
      if (found.has(kind)) continue;
      const since = this.#missingSince.get(kind) ?? this.#clock.now();
      this.#missingSince.set(kind, since);
      if (this.#clock.now() - since < goneAfterMs) settled.set(kind, resource);
    }
    for (const kind of this.#missingSince.keys()) if (found.has(kind) || !settled.has(kind)) this.#missingSince.delete(kind);
    return settled;
  }

  #say(next: Discovery): void {
    if (next.failure?.message === this.#said.failure?.message && sameServed(next.served, this.#said.served)) return;
    this.#said = next;
    this.#out.next(next);
  }
}

const sameServed = (one: Discovery['served'], other: Discovery['served']): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    one.size === other.size &&
    [...one].every(([kind, { version }]) => other.get(kind)?.version === version));
