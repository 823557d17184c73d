import { type Observable, Subscription } from 'rxjs';
import type { LocalKey } from '../../lib/key.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import type { Clock } from '../../kubernetes/clock.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import type { KubeObject } from '../../kubernetes/kube-object.ts';
import { listWatch, type ListWatchEvent } from '../../kubernetes/list-watch.ts';
import { healthAfter, type ReadingHealth, unread } from '../../kubernetes/reading-health.ts';
import type { Resource } from '../../kubernetes/resource.ts';

/** What readers of several kinds have in common. */
export type Reading = {
  readonly api: ApiServer;
  /** Of namespaced kinds only these; all when absent. */
  readonly namespaces?: readonly string[];
  readonly clock: Clock;
  /** Emits when the server answers after a failure, for all readers to try again at once. */
  readonly answers$: Observable<void>;
  readonly answered: () => void;
};

/** What to do with objects as they arrive, and with what is told of them. `namespace` is undefined for a list of all. */
export type Sink<T> = {
  readonly take: (object: KubeObject, key: LocalKey) => T;
  readonly hear: (event: ListWatchEvent<T>, namespace: string | undefined) => void;
};

type Scope = {
  readonly namespace: string | undefined;
  readonly subscription: Subscription;
  health: ReadingHealth;
  forbiddenSince?: number;
};

/** Follows one kind: whole, or in each of some namespaces. */
export class KindReader<T> {
  readonly #reading: Reading;
  readonly #metadataOnly: boolean;
  readonly #sink: Sink<T>;
  #resource: Resource | undefined;
  #scopes: readonly Scope[] = [];
  /** Once it has been read, a kind is never again "not read yet": what it held stands. */
  #wasReady = false;

  constructor(reading: Reading, metadataOnly: boolean, sink: Sink<T>) {
    this.#reading = reading;
    this.#metadataOnly = metadataOnly;
    this.#sink = sink;
  }

  /** Reads the kind as this resource from now on; undefined stops reading. What was told before stands until the next list. */
  follow(resource: Resource | undefined): void {
    if (resource?.version === this.#resource?.version) return;
    this.stop();
    this.#resource = resource;
    if (resource === undefined) {
      this.#wasReady = false;
      return;
    }
    const namespaces = resource.scope === 'Namespaced' ? this.#reading.namespaces : undefined;
    this.#scopes = (namespaces ?? [undefined]).map((namespace) => this.#scopeOf(resource, namespace));
  }

  stop(): void {
    for (const { subscription } of this.#scopes) subscription.unsubscribe();
    this.#scopes = [];
    this.#resource = undefined;
  }

  /** Why what was read may be stale; several where namespaces differ. */
  failures(): readonly Failure[] {
    return this.#scopes.flatMap(({ health }) => (health.failure === undefined ? [] : [health.failure]));
  }

  lastRead(): number {
    return Math.max(0, ...this.#scopes.map(({ health }) => health.lastRead));
  }

  catchingUp(): boolean {
    return this.#scopes.some(({ health }) => health.catchingUp);
  }

  /** Stops counting as catching up until it breaks again: others have waited long enough. */
  fallBehind(): void {
    for (const scope of this.#scopes) scope.health = { ...scope.health, catchingUp: false };
  }

  /** Whether all of it was listed once, or is forbidden and has been for `graceMs`: an API server that starts forbids everything for a moment. */
  ready(graceMs: number): boolean {
    const now = this.#reading.clock.now();
    this.#wasReady ||= this.#scopes.every(
      ({ health, forbiddenSince }) => health.synced || (forbiddenSince !== undefined && now - forbiddenSince >= graceMs),
    );
    return this.#wasReady;
  }

  #scopeOf(resource: Resource, namespace: string | undefined): Scope {
    const { api, clock, answers$ } = this.#reading;
    const selection = { api, resource, metadataOnly: this.#metadataOnly, clock, answers$ };
    const events$ = listWatch(namespace === undefined ? selection : { ...selection, namespace }, this.#sink.take);
    const scope: Scope = { namespace, subscription: new Subscription(), health: unread };
    scope.subscription.add(events$.subscribe((event) => this.#hear(scope, event)));
    return scope;
  }

  #hear(scope: Scope, event: ListWatchEvent<T>): void {
    const { now } = this.#reading.clock;
    const failed = scope.health.failure !== undefined;
    scope.health = healthAfter(scope.health, event, now());
    if (event.type === 'failed' && event.failure.cause === 'forbidden') scope.forbiddenSince ??= now();
    else delete scope.forbiddenSince;
    this.#sink.hear(event, scope.namespace);
    if (event.type === 'listed' && failed) this.#reading.answered();
  }
}
