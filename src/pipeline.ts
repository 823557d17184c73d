/** sources → graph → resources → snapshots: the whole program in one direction. What it is wired to is in cli/server.ts. */
import { filter, mergeMap, NEVER, type Observable, shareReplay, tap } from 'rxjs';
import type { Resources } from '../xds/resources.ts';
import type { Snapshot } from '../xds/snapshot/snapshot.ts';
import { allKinds } from './api/kinds.ts';
import type { Objects } from './api/objects.ts';
import type { Observations } from './api/observations.ts';
import { settle } from './lib/settle.ts';
import type { Graph } from './model/graph.ts';
import type { Source, SourceState } from './sources/source.ts';

/** Everything known at one moment. A part that did not change is the same object as in the update before. */
export type Update = {
  readonly state: SourceState;
  readonly graph: Graph;
  /** By Gateway, `namespace/name`. */
  readonly resources: ReadonlyMap<string, Resources>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
};

/** The pure steps. Each remembers what it made, so that a change costs what it touches. */
export type Steps = {
  readonly build: (objects: Objects, observations?: Observations) => Graph;
  readonly translate: (graph: Graph) => ReadonlyMap<string, Resources>;
  readonly encode: (resources: ReadonlyMap<string, Resources>) => ReadonlyMap<string, Snapshot>;
};

export type Stage = 'settle' | 'build' | 'translate' | 'encode' | 'publish';

/** Who wants to know how the pipeline is doing. */
export type Watch = {
  /** Seconds since some fixed moment. */
  readonly now: () => number;
  /** The source said something, whole or not. */
  readonly heard: (state: SourceState) => void;
  readonly took: (stage: Stage, seconds: number) => void;
  /** A step threw: the program is wrong. What was published last stands. */
  readonly failed: (error: unknown) => void;
};

/** Whether Envoys wait for updates. */
export type Demand = {
  readonly isIdle: () => boolean;
  /** Emits when one begins to wait. */
  readonly roused$: Observable<unknown>;
};

const always: Demand = { isIdle: () => false, roused$: NEVER };

/**
 * A route may drag its Services along in further writes; an endpoint comes alone. Of changes that never rest none waits longer than `maxMs`, but
 * where a rebuild takes long they are gathered for some times as long, so that rebuilding does not become all that is done. Where no Envoy waits for
 * them, as with a second replica beside few Envoys, they are gathered for `idleMs`: the Envoys may need the processor.
 */
const wait = { configurationMs: 5, endpointsMs: 2, maxMs: 40, busyMs: 200, timesTheWork: 4, idleMs: 250 } as const;

/** Updates, the first one when the source has its first list whole: half a list reaching Envoy would delete live traffic. */
export const updatesOf = (source: Source, steps: Steps, watch: Watch, { isIdle, roused$ }: Demand = always): Observable<Update> => {
  const settling = stopwatch('settle', watch);
  let workMs = 0;
  const quietMs = (latest: SourceState, last: SourceState | undefined): number => {
    if (last !== undefined && isIdle()) return wait.idleMs;
    return onlyEndpointsDiffer(last, latest) ? wait.endpointsMs : wait.configurationMs;
  };
  const maxMs = (): number => (isIdle() ? wait.idleMs : Math.max(wait.maxMs, Math.min(wait.busyMs, workMs * wait.timesTheWork)));
  const update = (state: SourceState): Update => {
    const start = watch.now();
    const made = updateFrom(state, steps, watch);
    workMs = (watch.now() - start) * 1000;
    return made;
  };
  return source.pipe(
    tap(watch.heard),
    filter(({ health }) => health.synced),
    tap(settling.start),
    settle(quietMs, maxMs, roused$),
    tap(settling.stop),
    mergeMap((state) => attempt(() => update(state), watch.failed)),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
};

const updateFrom = (state: SourceState, { build, translate, encode }: Steps, watch: Watch): Update => {
  const graph = timed('build', watch, () => build(state.objects, state.observations));
  const resources = timed('translate', watch, () => translate(graph));
  const snapshots = timed('encode', watch, () => encode(resources));
  return { state, graph, resources, snapshots };
};

const onlyEndpointsDiffer = (before: SourceState | undefined, after: SourceState): boolean =>
  before !== undefined && allKinds.every((kind) => kind === 'EndpointSlice' || before.objects[kind] === after.objects[kind]);

/** What `work` gives, as a list of one; an empty list when it throws, so that the stream lives and the last update stands. */
const attempt = <T>(work: () => T, failed: (error: unknown) => void): readonly T[] => {
  try {
    return [work()];
  } catch (error) {
    failed(error);
    return [];
  }
};

/** What `work` gives; how long it took goes to `watch`. */
export const timed = <T>(stage: Stage, { now, took }: Watch, work: () => T): T => {
  const start = now();
  const result = work();
  took(stage, now() - start);
  return result;
};

/** Measures from the first `start` after a `stop` to the next `stop`. */
const stopwatch = (stage: Stage, { now, took }: Watch): { readonly start: () => void; readonly stop: () => void } => {
  let startedAt: number | undefined;
  return {
    start: () => void (startedAt ??= now()),
    stop: () => {
      if (startedAt !== undefined) took(stage, now() - startedAt);
      startedAt = undefined;
    },
  };
};
