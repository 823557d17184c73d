import { asyncScheduler, auditTime, defer, distinctUntilChanged, filter, map, type Observable, type SchedulerLike, tap } from 'rxjs';
import type { LocalKey } from '../lib/key.ts';
import { systemClock } from './clock.ts';
import type { KubeObject } from './kube-object.ts';
import { listWatch, type ListWatchEvent, type Selection } from './list-watch.ts';
import { healthAfter, type ReadingHealth, sameHealth, unread } from './reading-health.ts';

/** All selected objects of a resource at one moment, whole; none until `synced`. Those that did not change are the same objects as before. */
export type Reflection = { readonly objects: ReadonlyMap<LocalKey, KubeObject>; readonly health: ReadingHealth };

export type ReflectOptions = Selection & {
  /** Changes that come within so many milliseconds are told as one. */
  readonly gatherMs?: number;
  readonly scheduler?: SchedulerLike;
};

/**
 * What the API server holds of a resource, now and whenever it changes. Never errors: the last good state stands while the server cannot be
 * read, and `health` says why. Before the first list is whole it says nothing but that listing fails.
 */
export const reflect = ({ gatherMs = 2, scheduler = asyncScheduler, ...selection }: ReflectOptions): Observable<Reflection> =>
  defer(() => {
    const mirror = new Mirror(selection.clock?.now ?? systemClock.now);
    return listWatch(selection, (object, key) => mirror.sameOr(key, object)).pipe(
      tap((event) => mirror.hear(event)),
      filter(() => mirror.hasNews),
      auditTime(gatherMs, scheduler),
      map(() => mirror.tell()),
      distinctUntilChanged(),
    );
  });

/** One map that changes in place, and copies of it for whoever reads: one copy a telling, not one a change. */
class Mirror {
  readonly #now: () => number;
  #held = new Map<LocalKey, KubeObject>();
  #changed = false;
  #health = unread;
  #told: Reflection = { objects: new Map(), health: unread };

  constructor(now: () => number) {
    this.#now = now;
  }

  get hasNews(): boolean {
    return this.#changed || !sameHealth(this.#health, this.#told.health);
  }

  /** What we hold where it is the same version. */
  sameOr(key: LocalKey, object: KubeObject): KubeObject {
    const held = this.#held.get(key);
    const { uid, resourceVersion } = object.metadata;
    return held !== undefined && held.metadata.resourceVersion === resourceVersion && held.metadata.uid === uid ? held : object;
  }

  hear(event: ListWatchEvent<KubeObject>): void {
    this.#health = healthAfter(this.#health, event, this.#now());
    if (event.type === 'listed') this.#replace(event.objects);
    else if (event.type === 'stored') {
      this.#changed ||= this.#held.get(event.key) !== event.object;
      this.#held.set(event.key, event.object);
    } else if (event.type === 'gone') this.#changed = this.#held.delete(event.key) || this.#changed;
  }

  tell(): Reflection {
    if (!this.hasNews) return this.#told;
    this.#told = { objects: this.#changed ? new Map(this.#held) : this.#told.objects, health: this.#health };
    this.#changed = false;
    return this.#told;
  }

  #replace(objects: ReadonlyMap<LocalKey, KubeObject>): void {
    this.#changed ||= objects.size !== this.#held.size || [...objects].some(([key, object]) => this.#held.get(key) !== object);
    this.#held = new Map(objects);
  }
}
