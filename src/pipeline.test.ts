import { tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { allKinds } from './api/kinds.ts';
import type { Objects } from './api/objects.ts';
import { type Steps, updatesOf, type Watch } from './pipeline.ts';
import type { SourceState } from './sources/source.ts';
import type { Graph } from './model/graph.ts';
import { graphOf } from '../test/support/graph.ts';

const none = Object.fromEntries(allKinds.map((kind) => [kind, new Map()])) as unknown as Objects;
const graph = graphOf([]);
const stateOf = (objects: Partial<Objects> = {}, synced = true): SourceState => ({
  objects: { ...none, ...objects },
  problems: [],
  health: { name: 'test', synced, lastRead: 0 },
});

/** Times at which updates came, in milliseconds, and the stages and failures that were seen. */
const run = (
  marbles: string,
  states: Record<string, SourceState>,
  build: Steps['build'] = () => graph,
  { idle = false, comes = '' }: { readonly idle?: boolean; readonly comes?: string } = {},
) => {
  const updates: string[] = [];
  const stages: string[] = [];
  const failures: unknown[] = [];
  const watch: Watch = {
    now: () => 0,
    heard: () => undefined,
    took: (stage) => stages.push(stage),
    failed: (error) => failures.push(error),
  };
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(({ hot }) => {
    let isIdle = idle;
    const roused$ = hot(comes).pipe(tap(() => (isIdle = false)));
    const demand = { isIdle: () => isIdle, roused$ };
    const steps: Steps = { build, translate: () => new Map(), encode: () => new Map() };
    updatesOf(hot(marbles, states), steps, watch, demand).subscribe(({ state }) =>
      updates.push(`${scheduler.now()} ${Object.keys(states).find((name) => states[name] === state)}`),
    );
  });
  return { updates, stages, failures };
};

describe('updatesOf', () => {
  it('says nothing before the source has its first list whole', () => {
    expect(run('a 30ms b 30ms |', { a: stateOf({}, false), b: stateOf() }).updates).toEqual(['36 b']);
  });

  it('lets a burst of writes become one update', () => {
    expect(run('abab 30ms |', { a: stateOf(), b: stateOf() }).updates).toEqual(['8 b']);
  });

  it('waits for less when nothing but endpoints changed', () => {
    const endpoints = stateOf({ EndpointSlice: new Map() });
    const services = stateOf({ Service: new Map() });
    expect(run('a 30ms b 30ms c 30ms |', { a: stateOf(), b: endpoints, c: services }).updates).toEqual(['5 a', '33 b', '67 c']);
  });

  it('gathers for longer while nobody waits, but not at first', () => {
    const marbles = 'a 99ms b 99ms c 400ms |';
    expect(run(marbles, { a: stateOf(), b: stateOf(), c: stateOf() }, undefined, { idle: true }).updates).toEqual(['5 a', '350 c']);
  });

  it('makes haste when somebody comes', () => {
    const marbles = 'a 99ms b 399ms c 30ms |';
    const states = { a: stateOf(), b: stateOf(), c: stateOf() };
    expect(run(marbles, states, undefined, { idle: true, comes: '120ms x' }).updates).toEqual(['5 a', '120 b', '502 c']);
  });

  it('survives a step that throws: the last update stands, and the next one comes', () => {
    let builds = 0;
    const failsOnce = (): Graph => {
      builds += 1;
      if (builds === 2) throw new Error('a bug');
      return graph;
    };
    const { updates, failures } = run('a 30ms b 30ms c 30ms |', { a: stateOf(), b: stateOf(), c: stateOf() }, failsOnce);
    expect(updates).toEqual(['5 a', '64 c']);
    expect(failures).toEqual([new Error('a bug')]);
  });

  it('measures every stage of every update', () => {
    expect(run('a 30ms |', { a: stateOf() }).stages).toEqual(['settle', 'build', 'translate', 'encode']);
  });
});
