/** Runs the Tailscale proxies that the configuration asks for, and tells of them. */
import {
  asyncScheduler,
  BehaviorSubject,
  combineLatest,
  NEVER,
  Observable,
  type SchedulerLike,
  shareReplay,
  startWith,
  type Subscription,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { WorkQueue } from '../runtime/queue.ts';
import type { Log } from '../status/log.ts';
import { Cluster } from './cluster.ts';
import { verdictOn } from './failure.ts';
import { HostingMemory, type HostingWorld, isHosting } from './hosting-memory.ts';
import type { ProxyContext } from './objects/objects-for.ts';
import { observeProxies, type ProxyWorld } from './observe.ts';
import { ReissueLimit } from './reissue-limit.ts';
import { roundsBuilder, type Task, workOn } from './rounds.ts';
import type { TailnetApi } from './tailnet.ts';
import { tellOf } from './tell.ts';
import type { Tools } from './work.ts';

export type ProxiesControllerOptions = {
  readonly api: ApiServer;
  /** Where we may look and work; everywhere when none is named. */
  readonly namespaces?: readonly string[];
  /**
   * All sets that must exist, by `namespace/name`; silent until they are known. What is missing here is taken away, devices and all, so a set stays
   * in while its owner asks for it, whatever else is wrong; for an owner that is going it may stay in with `going`, or not.
   */
  readonly sets$: Observable<ReadonlyMap<string, ProxySet>>;
  /** The API of the tailnet that a TailscaleTailnet names; undefined while it cannot be asked. */
  readonly clientOf: (tailnet: string) => TailnetApi | undefined;
  readonly tailnetExists: (tailnet: string) => boolean;
  /** Each value says that something changed about tailnets: what failed is tried again soon. */
  readonly retry$?: Observable<unknown>;
  /** What services and Envoys are ready for; `changes$` says when that may have changed. */
  readonly hosting: HostingWorld & { readonly changes$: Observable<unknown> };
  /** While we lead, a signal that is aborted the moment we cease to. */
  readonly leading$: Observable<AbortSignal | undefined>;
  readonly context?: ProxyContext;
  readonly log: Log;
  readonly scheduler?: SchedulerLike;
};

export type ProxiesController = {
  /** All sets by `namespace/name`, from the moment the cluster's lists are whole; to be had without leading. Never errors. */
  readonly observed$: Observable<ReadonlyMap<string, ObservedProxies>>;
  /** Works, while we lead, for as long as it is subscribed to. Never errors, and tells nothing. */
  readonly work$: Observable<never>;
  /**
   * Whether no proxy hosts a service of the tailnet that a TailscaleTailnet names, so that it may be taken away there. False until that is known,
   * which takes one of the others being subscribed to.
   */
  readonly mayRelease: (tailnet: string, service: string) => boolean;
};

export const proxiesController = (options: ProxiesControllerOptions): ProxiesController => {
  const { api, namespaces, sets$, leading$, scheduler = asyncScheduler } = options;
  let last: ProxyWorld | undefined;
  const world$ = observeProxies(api, namespaces).pipe(
    tap((world) => (last = world)),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
  const failures$ = new BehaviorSubject<ReadonlyMap<string, Verdict>>(new Map());
  const limit = new ReissueLimit(() => performance.now());
  return {
    observed$: tellOf({ world$, sets$: sets$.pipe(startWith(new Map<string, ProxySet>())), failures$, scheduler }),
    work$: leading$.pipe(
      switchMap((signal) => {
        if (signal === undefined) return NEVER;
        return work(combineLatest([world$, sets$]), { ...options, signal, limit, failures$ });
      }),
    ),
    mayRelease: (tailnet, service) => last !== undefined && ![...last.groups.values()].some((group) => isHosting(group, tailnet, service)),
  };
};

type WorkOptions = ProxiesControllerOptions & {
  readonly signal: AbortSignal;
  readonly limit: ReissueLimit;
  readonly failures$: BehaviorSubject<ReadonlyMap<string, Verdict>>;
};

const work = (world$: Observable<readonly [ProxyWorld, ReadonlyMap<string, ProxySet>]>, options: WorkOptions): Observable<never> =>
  new Observable(() => {
    const { api, context = {}, clientOf, tailnetExists, limit, log, failures$ } = options;
    const stopping = new AbortController();
    const signal = AbortSignal.any([options.signal, stopping.signal]);
    const told: Tools['told'] = (fields, message) => log.info(fields, message);
    const scheduler = options.scheduler ?? asyncScheduler;
    const timers = new Map<string, Subscription>();
    const again: Tools['again'] = (set, at) => {
      timers.get(set)?.unsubscribe();
      timers.delete(set);
      if (Number.isFinite(at))
        timers.set(
          set,
          timer(Math.max(at - scheduler.now(), 0), scheduler).subscribe(() => lookAgain(set)),
        );
    };
    const hosting = new HostingMemory(options.hosting, () => scheduler.now());
    const tools: Tools = { api, cluster: new Cluster(api, signal), context, limit, hosting, again, clientOf, tailnetExists, told, signal };
    const tell = (set: string, verdict: Verdict | undefined): void => {
      const last = failures$.value.get(set);
      if (last?.message === verdict?.message && last?.reason === verdict?.reason) return;
      const next = new Map(failures$.value);
      if (verdict === undefined) next.delete(set);
      else next.set(set, verdict);
      failures$.next(next);
    };
    const queue = new WorkQueue<Task>({
      work: async (key, task) => tell(key, await workOn(task, tools)),
      concurrency: 4,
      backoff: { minMs: 500, maxMs: 120_000 },
      signal,
      failed: (key, error, retryInMs) => {
        const verdict = verdictOn(error);
        if (verdict === undefined) return;
        tell(key, verdict);
        log.warn({ set: key, reason: verdict.reason, problem: verdict.message, retryInMs }, 'proxies cannot be made as wanted');
      },
    });
    const roundOf = roundsBuilder();
    let known: ReadonlyMap<string, Task> = new Map();
    const lookAgain = (set: string): void => {
      const task = known.get(set);
      if (task !== undefined) queue.add(set, { ...task });
    };
    const subscription = world$.subscribe(([world, sets]) => {
      const round = roundOf(world, sets);
      for (const key of known.keys()) {
        if (round.has(key)) continue;
        queue.forget(key);
        again(key, Number.POSITIVE_INFINITY);
        tell(key, undefined);
      }
      for (const [key, task] of round) if (task !== known.get(key)) queue.add(key, task);
      known = round;
    });
    const retries = (options.retry$ ?? NEVER).subscribe(() => {
      // Another value is what a queue tries before its time.
      for (const key of known.keys()) if (failures$.value.has(key)) lookAgain(key);
    });
    const readiness = options.hosting.changes$.subscribe(() => {
      for (const [key, task] of known) if (task.kind === 'set' && task.set?.direction === 'ingress') lookAgain(key);
    });
    return () => {
      subscription.unsubscribe();
      retries.unsubscribe();
      readiness.unsubscribe();
      for (const timing of timers.values()) timing.unsubscribe();
      stopping.abort();
      failures$.next(new Map());
    };
  });
