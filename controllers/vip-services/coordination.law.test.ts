import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersOf, OfficialOperator, refsOf, type ServiceOperator, TailplaneOperator } from '../../test/support/service-operators.ts';
import { type Landed, SharedServices } from '../../test/support/shared-services.ts';
import { VirtualStage } from '../../test/support/virtual-stage.ts';

/** More of them: `VIP_HISTORIES=20000`. */
const histories = Number(process.env['VIP_HISTORIES'] ?? 300);

const minute = 60_000;

/** As `times.ts` has it. */
const oldestViewMs = 15_000;
const services = ['svc:a', 'svc:b'];
const foreign = {
  name: 'svc:foreign',
  ports: ['tcp:1'],
  annotations: { 'example.com/of': 'somebody' },
  addrs: ['100.110.9.9', 'fd7a:115c:a1e0::f:99'],
};

type Step = {
  readonly atMs: number;
  readonly operator: number;
  readonly does: 'want' | 'drop' | 'crash' | 'begin';
  readonly service: number;
};
type History = {
  readonly seed: number;
  readonly tailplanes: number;
  readonly officials: number;
  readonly slow: number;
  readonly failing: number;
  /** Minutes that each tailplane's clock is wrong by. */
  readonly skews: readonly number[];
  readonly steps: readonly Step[];
};

const step: fc.Arbitrary<Step> = fc.record({
  // Most things happen at the same time as others, or nearly.
  atMs: fc
    .tuple(
      fc.constantFrom(0, 30_000, 4 * minute, 10.5 * minute, 10.5 * minute),
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 30_000 })),
    )
    .map(([burst, afterMs]) => burst + afterMs),
  operator: fc.constantFrom(0, 1, 2, 3, 4),
  does: fc.constantFrom('want', 'want', 'want', 'drop', 'drop', 'crash', 'begin', 'begin'),
  service: fc.constantFrom(0, 0, 0, 1),
});

const history: fc.Arbitrary<History> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  tailplanes: fc.constantFrom(2, 3, 4),
  officials: fc.constantFrom(0, 1),
  slow: fc.constantFrom(0, 0.2, 0.5),
  failing: fc.constantFrom(0, 0, 0.05),
  skews: fc.array(fc.constantFrom(0, 0, -90, 120, 2), { minLength: 4, maxLength: 4 }),
  steps: fc.array(step, { minLength: 4, maxLength: 24, size: 'max' }),
});

/** Who has a part in which service, as the tailnet itself has it, and since when. */
class Presence {
  readonly #stage: VirtualStage;
  readonly #since = new Map<string, number>();

  constructor(stage: VirtualStage) {
    this.#stage = stage;
  }

  /** Those whom a write of somebody else took out although they were in for longer than a view may be old that is written. */
  lost({ by, name, before, after }: Landed): readonly string[] {
    const now = this.#stage.elapsed;
    const members = membersOf(after);
    for (const id of members) if (!membersOf(before).has(id)) this.#since.set(`${name} ${id}`, now);
    const gone = [...membersOf(before)].filter((id) => id !== by && !members.has(id));
    return gone.filter((id) => now - (this.#since.get(`${name} ${id}`) ?? now) > oldestViewMs);
  }
}

/** Lives through a history, then two quiet times; says what was wrong. */
const live = async ({ seed, tailplanes, officials, slow, failing, skews, steps }: History) => {
  const stage = new VirtualStage(seed);
  const wrongs: string[] = [];
  const operators: ServiceOperator[] = [];
  const presence = new Presence(stage);
  const landed = (write: Landed): void => {
    if (write.name === foreign.name) wrongs.push(`${write.by} wrote ${write.name}`);
    const hurt = presence
      .lost(write)
      .filter((id) => operators.some((operator) => operator.id === id && operator.isAlive && operator.wants.has(write.name)));
    if (hurt.length > 0) wrongs.push(`${write.by} ${write.after === undefined ? 'deleted' : 'wrote'} ${write.name} without ${hurt.join()}`);
  };
  const shared = new SharedServices(stage, { slow, failing }, landed, [foreign]);
  for (let i = 0; i < tailplanes; i++) operators.push(new TailplaneOperator(`c${i}`, stage, shared, (skews[i] ?? 0) * minute));
  for (let i = 0; i < officials; i++) operators.push(new OfficialOperator(`n${i}CNTRL`, stage, shared, services));
  operators[0]?.want(new Set([foreign.name]));
  for (const operator of operators) operator.begin();
  for (const { atMs, operator: index, does, service } of steps) {
    const operator = operators[index % operators.length];
    const name = services[service] ?? '';
    stage.after(atMs, () => {
      if (does === 'crash') operator?.crash();
      else if (does === 'begin') operator?.begin();
      else if (does === 'want') operator?.want(new Set([...operator.wants, name]));
      else operator?.want(new Set([...operator.wants].filter((other) => other !== name)));
    });
  }
  const compare = (compared: readonly ServiceOperator[]): void => {
    for (const name of services)
      for (const { id, isAlive, wants } of compared)
        if (isAlive && (membersOf(shared.service(name)).has(id) && refsOf(shared.service(name)).includes(id)) !== wants.has(name))
          wrongs.push(`${id} is ${wants.has(name) ? 'lost from' : 'left in'} ${name}, ${stage.elapsed / minute} min`);
  };
  await stage.runUntil(11 * minute);
  // Somebody stays to clear away, and operators of Tailscale's come back always: nobody could do it for them.
  operators[0]?.begin();
  for (const operator of operators) if (operator instanceof OfficialOperator) operator.begin();
  shared.weather = { slow: 0, failing: 0 };
  await stage.runUntil(12.2 * minute);
  // Nobody has to wait for the next list.
  if (failing === 0) compare(operators.filter((operator) => operator instanceof TailplaneOperator));
  await stage.runUntil(30 * minute);
  compare(operators);
  const before = callsOf(operators);
  await stage.runUntil(30 * minute + 2 * 30 * minute);
  const calls = callsOf(operators);
  // Six times that each says it lives, and what it takes to clear away after others.
  if (calls.some((count, i) => count - (before[i] ?? 0) > 24))
    wrongs.push(`calls went from ${before.join()} to ${calls.join()} in a quiet hour`);
  if (calls.some((count) => count > 40 + 8 * steps.length)) wrongs.push(`${calls.join()} calls for ${steps.length} steps`);
  for (const name of services) {
    const live = operators.filter(({ isAlive, wants }) => isAlive && wants.has(name)).map(({ id }) => id);
    const service = shared.service(name);
    if (live.length === 0 && service !== undefined) wrongs.push(`${name} is an orphan: ${JSON.stringify(service.annotations)}`);
    const dead = [...membersOf(service), ...refsOf(service)].filter((id) => !live.includes(id));
    if (dead.length > 0) wrongs.push(`${name} still has ${dead.join()}`);
    if (live.some((id) => !membersOf(service).has(id))) wrongs.push(`${live.join()} are not all in ${name}`);
  }
  for (const operator of operators) operator.crash();
  return { wrongs, calls: Math.max(...calls) };
};

const callsOf = (operators: readonly ServiceOperator[]): readonly number[] =>
  operators.filter((operator) => operator instanceof TailplaneOperator).map(({ calls }) => calls);

describe('coordination of operators', () => {
  it(`loses nobody, deletes nothing that is used, and leaves nothing behind (${histories} histories)`, async () => {
    let most = 0;
    await fc.assert(
      fc.asyncProperty(history, async (given) => {
        const { wrongs, calls } = await live(given);
        most = Math.max(most, calls);
        expect(wrongs).toEqual([]);
      }),
      { numRuns: histories },
    );
    // oxlint-disable-next-line no-console -- the number of histories is a figure that is asked for
    console.info(`${histories} histories, at most ${most} calls of one tailplane in 90 minutes`);
  }, 600_000);
});
