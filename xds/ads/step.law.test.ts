import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Envoy, type Habits } from '../../test/support/ads-envoy.ts';
import { cluster, contentOf, endpoints, listener, routes, snapshot, type World } from '../../test/support/ads-world.ts';
import { History } from '../snapshot/history.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { initialState, isWaiting, type Response } from './state.ts';
import { step } from './step.ts';
import { CDS, EDS, isFullState, LDS, RDS } from './types.ts';

/** One server group and one client, with queues between them; what happens next is for the test to say. */
class Scene {
  readonly history = new History();
  readonly envoy: Envoy;
  readonly habits: Habits;
  inbox: Response[] = [];
  current: Snapshot | undefined;
  state = initialState('sotw', this.history);
  sent = 0;
  reconnects = 0;

  constructor(habits: Habits) {
    this.habits = habits;
    this.envoy = new Envoy(habits);
    this.state = initialState(habits.mode, this.history);
  }

  publish(next: Snapshot): void {
    this.current = next;
    this.history.push(next);
    this.take(step(this.state, { kind: 'snapshot', snapshot: next }).responses);
  }

  reconnect(): void {
    step(this.state, { kind: 'closed' });
    this.state = initialState(this.habits.mode, this.history, this.current);
    this.inbox = [];
    this.reconnects++;
    this.envoy.reconnect();
  }

  serve(): boolean {
    const request = this.envoy.requests.shift();
    if (request === undefined) return false;
    this.take(step(this.state, { kind: 'request', request }).responses);
    return true;
  }

  drain(): boolean {
    if (this.state.writable) return false;
    this.take(step(this.state, { kind: 'drained' }).responses);
    return true;
  }

  deliver(): boolean {
    const response = this.inbox.shift();
    if (response === undefined) return false;
    this.envoy.receive(response);
    return true;
  }

  overdue(): void {
    this.take(step(this.state, { kind: 'overdue' }).responses);
  }

  /** Lets everything happen that will. */
  settle(): void {
    for (let round = 0; round < 5000; round++) if (!this.serve() && !this.drain() && !this.deliver()) return;
    throw new Error('the conversation does not come to rest');
  }

  private take(responses: readonly Response[]): void {
    this.sent += responses.length;
    this.inbox.push(...responses);
  }
}

/** A snapshot that a failing property prints in a few words. */
const printable = (world: World): Snapshot => {
  const text = Object.values(world)
    .flat()
    .map(
      (resource) =>
        `${resource.name}${contentOf(resource).bad ? '!' : ''}.${contentOf(resource).salt}(${contentOf(resource).refs.join(' ')})`,
    );
  return Object.assign(snapshot(world), { [fc.toStringMethod]: () => text.join(' ') });
};

const clusterNames = ['c0', 'c1', 'c2', 'c3'];
const routeNames = ['r0', 'r1'];
const salt = fc.nat({ max: 2 });
/** A consistent configuration: what is named exists. `goodness` is the share of resources that clients accept. */
const worlds = (goodness: fc.Arbitrary<boolean>) =>
  fc
    .record({
      clusters: fc.subarray(clusterNames),
      listeners: fc.subarray(['l0', 'l1']),
      salts: fc.array(salt, { minLength: 12, maxLength: 12 }),
      bads: fc.array(goodness, { minLength: 12, maxLength: 12 }),
      named: fc.array(fc.nat({ max: 3 }), { minLength: 4, maxLength: 4 }),
    })
    .map(({ clusters, listeners, salts, bads, named }) => {
      const content = (index: number) => ({ salt: salts[index] ?? 0, bad: bads[index] ?? false });
      const refs = (index: number): string[] => (clusters.length === 0 ? [] : [clusters[(named[index] ?? 0) % clusters.length] ?? '']);
      return printable({
        clusters: clusters.map((name) => cluster(name, content(clusterNames.indexOf(name)))),
        endpoints: clusters.map((name) => endpoints(name, content(4 + clusterNames.indexOf(name)))),
        listeners: listeners.map((name, index) => listener(name, routeNames[named[2 + index] === 0 ? 0 : 1] ?? 'r0', content(8 + index))),
        routes: routeNames.map((name, index) => routes(name, refs(index), content(10 + index))),
      });
    });

const habits = fc.record<Habits>({
  mode: fc.constantFrom('sotw', 'delta'),
  wildcard: fc.constantFrom('legacy', 'explicit'),
  asksFirst: fc.boolean(),
  names: fc.boolean(),
  partial: fc.boolean(),
});

type Action =
  | { readonly do: 'publish'; readonly snapshot: Snapshot }
  | { readonly do: 'serve' | 'drain' | 'deliver' | 'settle' | 'reconnect' | 'overdue' };
const actions = (goodness: fc.Arbitrary<boolean>, more: readonly ('reconnect' | 'overdue')[]) =>
  fc.array(
    fc.oneof(
      { weight: 3, arbitrary: worlds(goodness).map((snapshot): Action => ({ do: 'publish', snapshot })) },
      { weight: 12, arbitrary: fc.constantFrom('serve', 'drain', 'deliver').map((what): Action => ({ do: what })) },
      { weight: 2, arbitrary: fc.constant<Action>({ do: 'settle' }) },
      ...(more.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...more).map((what): Action => ({ do: what })) }] : []),
    ),
    { maxLength: 60 },
  );

const play = (scene: Scene, script: readonly Action[]): void => {
  for (const action of script) {
    if (action.do === 'publish') scene.publish(action.snapshot);
    else scene[action.do]();
  }
};

/** What is wrong with what the client holds, once everything has come to rest. */
const missing = ({ envoy, current, reconnects, habits: { mode } }: Scene): string[] => {
  const wrong: string[] = [];
  const isOld = (typeUrl: string): boolean =>
    [...envoy.heldOf(typeUrl)].some(([name, { version }]) => current?.get(typeUrl)?.resources.get(name)?.version !== version);
  // What it has had since before a reconnect, in the place of something rejected, can name anything as far as the server knows.
  const keepsUnknown = mode === 'delta' && reconnects > 0 && (isOld(LDS) || isOld(RDS));
  for (const typeUrl of [CDS, EDS, LDS, RDS]) {
    const type = envoy.types.get(typeUrl);
    const target = current?.get(typeUrl)?.resources;
    if (type === undefined || target === undefined) continue;
    const { held, names } = type;
    for (const [name, resource] of target) {
      if (names !== undefined && !names.includes(name)) continue;
      const has = held.get(name);
      if (has?.version !== resource.version && !contentOf(resource).bad) wrong.push(`${name} is ${has === undefined ? 'absent' : 'old'}`);
      if (has !== undefined && contentOf(has).bad) wrong.push(`${name} is one the client rejects`);
    }
    // A route that stands in for a rejected one keeps its clusters, and those their endpoints.
    const refersTo = new Map([
      [CDS, RDS],
      [EDS, CDS],
    ]).get(typeUrl);
    // Where all is rejected nothing is sent that would say what is gone.
    const isAllBad = mode === 'sotw' && target.size > 0 && [...target.values()].every((resource) => contentOf(resource).bad);
    const isKept = isAllBad || (refersTo !== undefined && keepsUnknown);
    const needed = new Set([...envoy.heldOf(refersTo ?? '').values()].flatMap((resource) => contentOf(resource).refs));
    if (mode === 'delta' || isFullState(typeUrl))
      for (const name of held.keys()) if (!target.has(name) && !needed.has(name) && !isKept) wrong.push(`${name} is still there`);
  }
  return wrong;
};

const always = fc.constant(false);
const rarely = fc.nat({ max: 9 }).map((number) => number === 0);

describe('a client that behaves like Envoy', () => {
  it('holds what the server has, whatever happened before, and without anyone running out of patience', () => {
    fc.assert(
      fc.property(habits, actions(always, []), worlds(always), (habits, script, last) => {
        const scene = new Scene(habits);
        play(scene, script);
        scene.publish(last);
        scene.settle();
        expect(missing(scene)).toEqual([]);
        expect(isWaiting(scene.state)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('holds what the server has after reconnects too, once patience with what it may yet ask for has run out', () => {
    fc.assert(
      fc.property(habits, actions(always, ['reconnect', 'overdue']), worlds(always), (habits, script, last) => {
        const scene = new Scene(habits);
        play(scene, script);
        scene.publish(last);
        scene.settle();
        scene.overdue();
        scene.settle();
        expect(missing(scene)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is never sent a route before its cluster and endpoints, and never loses a cluster that a route names', () => {
    fc.assert(
      fc.property(habits, actions(always, []), (habits, script) => {
        const scene = new Scene(habits);
        play(scene, script);
        scene.settle();
        expect(scene.envoy.violations).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is not left in disorder by a reconnect in Delta either, where it says what it holds', () => {
    fc.assert(
      fc.property(habits, actions(always, ['reconnect']), (habits, script) => {
        const scene = new Scene({ ...habits, mode: 'delta' });
        play(scene, script);
        scene.settle();
        expect(scene.envoy.violations).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is sent nothing by a snapshot that is equal to the last', () => {
    fc.assert(
      fc.property(habits, worlds(always), (habits, world) => {
        const scene = new Scene(habits);
        scene.publish(world);
        scene.settle();
        const { sent } = scene;
        scene.publish(new Map(world));
        scene.settle();
        expect(scene.sent).toBe(sent);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a client that rejects some resources', () => {
  it('holds everything else, for the rejected ones nothing bad, and is not pestered', () => {
    fc.assert(
      fc.property(habits, actions(rarely, ['reconnect', 'overdue']), worlds(rarely), (habits, script, last) => {
        const scene = new Scene(habits);
        play(scene, script);
        scene.settle();
        scene.publish(last);
        scene.settle();
        scene.overdue();
        scene.settle();
        expect(missing(scene)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('holds exactly what the server has once nothing bad is left', () => {
    fc.assert(
      fc.property(habits, actions(rarely, ['reconnect', 'overdue']), worlds(always), (habits, script, last) => {
        const scene = new Scene(habits);
        play(scene, script);
        scene.publish(last);
        scene.settle();
        scene.overdue();
        scene.settle();
        expect(missing(scene)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
