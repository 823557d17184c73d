import { combineLatest, concat, defer, distinctUntilChanged, type Observable, of, repeat, type SchedulerLike, switchMap } from 'rxjs';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { LocalKey } from '../../src/lib/key.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { waitUntil } from '../xds-certificates/wait.ts';
import { type Group, groupFrom, isEmpty } from './group.ts';
import type { ProxyWorld } from './observe.ts';
import { observedFrom, sameObserved, type Telling } from './observed.ts';

export type TellOptions = {
  readonly world$: Observable<ProxyWorld>;
  readonly sets$: Observable<ReadonlyMap<string, ProxySet>>;
  readonly failures$: Observable<ReadonlyMap<string, Verdict>>;
  readonly scheduler: SchedulerLike;
};

/** All sets that are there or wanted, by `namespace/name`, whenever something changes, be it that time has passed. What says the same is the same. */
export const tellOf = ({ world$, sets$, failures$, scheduler }: TellOptions): Observable<ReadonlyMap<string, ObservedProxies>> =>
  defer(() => {
    const teller = new Teller();
    return combineLatest([world$, sets$, failures$]).pipe(
      switchMap(([{ groups }, sets, failures]) =>
        defer(() => {
          const until = teller.tell({ groups, sets, failures }, scheduler.now());
          return concat(of(teller.told), waitUntil(until, scheduler));
        }).pipe(repeat()),
      ),
      distinctUntilChanged(),
    );
  });

type Facts = {
  readonly groups: ReadonlyMap<LocalKey, Group>;
  readonly sets: ReadonlyMap<string, ProxySet>;
  readonly failures: ReadonlyMap<string, Verdict>;
};

type Known = { readonly facts: readonly unknown[]; readonly telling: Telling };

class Teller {
  told: ReadonlyMap<string, ObservedProxies> = new Map();
  #known = new Map<string, Known>();

  /** When to tell again. */
  tell({ groups, sets, failures }: Facts, now: number): number {
    const next = new Map<string, Known>();
    for (const key of new Set([...groups.keys(), ...sets.keys()])) {
      const group = groups.get(key as LocalKey);
      const facts = [group, sets.get(key), failures.get(key)];
      if (group !== undefined && isEmpty(group) && facts[1] === undefined) continue;
      const before = this.#known.get(key);
      const isSame = before !== undefined && before.telling.until > now && before.facts.every((fact, at) => fact === facts[at]);
      next.set(key, isSame ? before : { facts, telling: this.#telling(key, group, sets.get(key), failures.get(key), now) });
    }
    this.#known = next;
    const entries = [...next].map(([key, { telling }]) => [key, telling.observed] as const);
    if (entries.length !== this.told.size || entries.some(([key, observed]) => this.told.get(key) !== observed))
      this.told = new Map(entries);
    return Math.min(...[...next.values()].map(({ telling }) => telling.until), Number.POSITIVE_INFINITY);
  }

  #telling(key: string, group: Group | undefined, set: ProxySet | undefined, failure: Verdict | undefined, now: number): Telling {
    const telling = observedFrom(group ?? nothingOf(key), set, failure, now);
    const last = this.told.get(key);
    return last !== undefined && sameObserved(last, telling.observed) ? { ...telling, observed: last } : telling;
  }
}

const nothingOf = (key: string): Group => {
  const [namespace = '', name = ''] = key.split('/');
  return groupFrom({ namespace, name }, { objects: [], secrets: [], pods: [] });
};
