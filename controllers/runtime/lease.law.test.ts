import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialLease, type LeaseCommand, type LeaseEvent, type LeaseRecord, type LeaseState, leads, leaseStep } from './lease-step.ts';

/** Tighter than what we run with, so that what holds here holds there. */
const times = { durationMs: 15_000, renewMs: 12_000, retryMs: 2000 };
const requestTimeoutMs = 11_000;

/** What befalls one request: how long it travels each way, and whether it or its answer is lost. */
type Fate = { readonly thereMs: number; readonly backMs: number; readonly lost: 'no' | 'request' | 'answer' };

/** Who takes part: clocks differ in what they show and in how fast they run; some crash, some are stopped. */
type Plan = {
  readonly startMs: number;
  readonly clockStartsAtMs: number;
  readonly clockRate: number;
  readonly end: { readonly how: 'never' | 'crash' | 'stop'; readonly atMs: number };
  readonly fates: readonly Fate[];
};

const good: Fate = { thereMs: 5, backMs: 5, lost: 'no' };

/** Electors over one store, in simulated time. Watches that two never lead at once. */
class World {
  nowMs = 0;
  #stored: LeaseRecord | undefined;
  #versions = 0;
  #order = 0;
  readonly #due: { readonly atMs: number; readonly order: number; readonly what: () => void }[] = [];
  readonly electors: readonly Elector[];

  constructor(plans: readonly Plan[]) {
    this.electors = plans.map((plan, index) => new Elector(`elector-${index}`, plan, this));
  }

  at(atMs: number, what: () => void): void {
    this.#due.push({ atMs, order: this.#order++, what });
  }

  run(untilMs: number): void {
    while (this.nowMs < untilMs) {
      this.#due.sort((one, other) => other.atMs - one.atMs || other.order - one.order);
      const next = this.#due.pop();
      if (next === undefined) return;
      // Leadership ends between events only by the passing of time, so that the moment before each event and after it are enough to look at.
      this.#look(next.atMs);
      this.nowMs = next.atMs;
      next.what();
      this.#look(this.nowMs);
    }
  }

  leadersAt(atMs: number): readonly Elector[] {
    return this.electors.filter((elector) => elector.leadsAt(atMs));
  }

  #look(atMs: number): void {
    const leaders = this.leadersAt(atMs);
    if (leaders.length > 1) throw new Error(`at ${atMs}: ${leaders.map(({ identity }) => identity).join(', ')}`);
  }

  /** As the API server does it: the version of what is replaced must be the one that stands. */
  answer(command: LeaseCommand): (sentMs: number) => LeaseEvent {
    if (command.do !== 'write') {
      const record = this.#stored;
      return () => ({ kind: 'read', record });
    }
    if (command.over?.version !== this.#stored?.version) return () => ({ kind: 'conflict' });
    const record = { ...command.record, version: String(++this.#versions) };
    this.#stored = record;
    return (sentMs) => ({ kind: 'wrote', sentMs, record });
  }
}

class Elector {
  readonly identity: string;
  readonly #plan: Plan;
  readonly #world: World;
  #state: LeaseState;
  #fates: Fate[];
  #turn = 0;
  #busy = false;
  #over = false;
  #shouldStop = false;

  constructor(identity: string, plan: Plan, world: World) {
    this.identity = identity;
    this.#plan = plan;
    this.#world = world;
    this.#state = initialLease(identity, times);
    this.#fates = [...plan.fates];
    world.at(plan.startMs, () => this.#hear({ kind: 'due' }));
    const { how, atMs } = plan.end;
    if (how === 'crash') world.at(atMs, () => (this.#over = true));
    if (how === 'stop') world.at(atMs, () => (this.#busy ? (this.#shouldStop = true) : this.#hear({ kind: 'stop' })));
  }

  get isOver(): boolean {
    return this.#over;
  }

  leadsAt(atMs: number): boolean {
    return !this.#over && leads(this.#state, this.#clock(atMs));
  }

  #clock(atMs: number): number {
    return this.#plan.clockStartsAtMs + atMs * this.#plan.clockRate;
  }

  /** Local milliseconds from now. */
  #in(localMs: number, what: () => void): void {
    this.#world.at(this.#world.nowMs + localMs / this.#plan.clockRate, what);
  }

  #hear(event: LeaseEvent): void {
    if (this.#over) return;
    this.#turn++;
    this.#busy = false;
    const [state, command] = leaseStep(this.#state, event, this.#clock(this.#world.nowMs));
    this.#state = state;
    if (this.#shouldStop) {
      this.#shouldStop = false;
      this.#hear({ kind: 'stop' });
    } else this.#do(command);
  }

  #do(command: LeaseCommand): void {
    const turn = this.#turn;
    const ifStill = (event: () => LeaseEvent) => () => {
      if (turn === this.#turn) this.#hear(event());
    };
    switch (command.do) {
      case 'end':
        this.#over = true;
        return;
      case 'wait':
        return this.#in(
          command.ms * 0.9,
          ifStill(() => ({ kind: 'due' })),
        );
      case 'read':
      case 'write': {
        this.#busy = true;
        const { thereMs, backMs, lost } = this.#fates.shift() ?? good;
        const sentMs = this.#clock(this.#world.nowMs);
        this.#in(
          requestTimeoutMs,
          ifStill(() => ({ kind: 'failed' })),
        );
        if (lost === 'request') return;
        // What was sent arrives some time, also after the sender gave up or died.
        this.#world.at(this.#world.nowMs + thereMs, () => {
          const answer = this.#world.answer(command);
          if (lost === 'no')
            this.#world.at(
              this.#world.nowMs + backMs,
              ifStill(() => answer(sentMs)),
            );
        });
      }
    }
  }
}

const delayMs = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }) }, fc.integer({ min: 100, max: 30_000 }));
const fate: fc.Arbitrary<Fate> = fc.record({
  thereMs: delayMs,
  backMs: delayMs,
  lost: fc.oneof({ weight: 4, arbitrary: fc.constant('no' as const) }, fc.constantFrom('request' as const, 'answer' as const)),
});
const plan: fc.Arbitrary<Plan> = fc.record({
  startMs: fc.integer({ min: 0, max: 40_000 }),
  clockStartsAtMs: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  // Between renewMs and durationMs there is room for a quarter.
  clockRate: fc.double({ min: 0.9, max: 1.1, noNaN: true }),
  end: fc.record({ how: fc.constantFrom('never', 'never', 'crash', 'stop'), atMs: fc.integer({ min: 0, max: 200_000 }) }),
  fates: fc.array(fate, { maxLength: 60 }),
});

describe('electors of one Lease', () => {
  it('are never two to lead at once, and one leads in the end, whatever happens to requests, clocks and processes', () => {
    fc.assert(
      fc.property(fc.array(plan, { minLength: 2, maxLength: 3 }), (plans) => {
        const world = new World(plans);
        world.run(1_200_000);
        const alive = world.electors.filter(({ isOver }) => !isOver);
        expect(world.leadersAt(world.nowMs).length).toBe(alive.length === 0 ? 0 : 1);
      }),
      { numRuns: 1000 },
    );
  });
});
