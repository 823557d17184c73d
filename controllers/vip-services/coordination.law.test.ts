import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consumersOf, OfficialOperator, refsOf, type ServiceOperator, TailplaneOperator } from '../../test/support/service-operators.ts';
import { type Landed, SharedServices } from '../../test/support/shared-services.ts';
import { VirtualStage } from '../../test/support/virtual-stage.ts';

/** More of them: `VIP_HISTORIES=20000`. */
const histories = Number(process.env['VIP_HISTORIES'] ?? 1000);

const minute = 60_000;
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
  readonly trouble: number;
  /** Minutes that each tailplane's clock is wrong by. */
  readonly skews: readonly number[];
  readonly steps: readonly Step[];
};

const step: fc.Arbitrary<Step> = fc.record({
  // Many things happen at the same time, or nearly.
  atMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 10 * minute })),
  operator: fc.nat({ max: 4 }),
  does: fc.constantFrom('want', 'want', 'drop', 'drop', 'crash', 'begin'),
  service: fc.nat({ max: services.length - 1 }),
});

const history: fc.Arbitrary<History> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  tailplanes: fc.integer({ min: 1, max: 4 }),
  officials: fc.integer({ min: 0, max: 1 }),
  trouble: fc.constantFrom(0, 0.03, 0.15),
  skews: fc.array(fc.constantFrom(0, 0, -90, 120, 2), { minLength: 4, maxLength: 4 }),
  steps: fc.array(step, { minLength: 3, maxLength: 16 }),
});

/** Lives through a history, then two quiet times; says what was wrong. */
const live = async ({ seed, tailplanes, officials, trouble, skews, steps }: History) => {
  const stage = new VirtualStage(seed);
  const wrongs: string[] = [];
  const operators: ServiceOperator[] = [];
  const landed = ({ by, name, after }: Landed): void => {
    if (name === foreign.name) wrongs.push(`${by} wrote ${name}`);
    for (const operator of operators)
      if (
        operator instanceof TailplaneOperator &&
        operator.id !== by &&
        operator.settled.has(name) &&
        !consumersOf(after).includes(operator.cluster)
      )
        wrongs.push(`${by} ${after === undefined ? 'deleted' : 'wrote'} ${name} without ${operator.id}, ${Math.round(stage.elapsed)} ms`);
  };
  const shared = new SharedServices(stage, trouble, landed, [foreign]);
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
  await stage.runUntil(10 * minute);
  // Somebody stays to clear away, and operators of Tailscale's come back always: nobody could do it for them.
  operators[0]?.begin();
  for (const operator of operators) if (operator instanceof OfficialOperator) operator.begin();
  await stage.runUntil(14 * minute);
  shared.trouble = 0;
  await stage.runUntil(30 * minute);
  const members = (name: string) => {
    const service = shared.service(name);
    return new Set([
      ...consumersOf(service).map((cluster) => `tailplane-${cluster}`),
      ...refsOf(service).filter((id) => !id.startsWith('tailplane-')),
    ]);
  };
  for (const name of services)
    for (const { id, isAlive, wants } of operators)
      if (isAlive && members(name).has(id) !== wants.has(name))
        wrongs.push(`${id} is ${wants.has(name) ? 'lost from' : 'left in'} ${name}`);
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
    const dead = [...members(name), ...refsOf(service)].filter((id) => !live.includes(id));
    if (dead.length > 0) wrongs.push(`${name} still has ${dead.join()}`);
    if (live.some((id) => !members(name).has(id))) wrongs.push(`${live.join()} are not all in ${name}`);
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
