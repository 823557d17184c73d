import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../test/support/simulated-tailnet.ts';
import { CallQueue } from './call-queue.ts';
import { usualLimits } from './limits.ts';

const open = new AbortController().signal;
const limits = { ...usualLimits, perSecond: 5, burst: 10, concurrent: 8, patienceMs: 30_000 };

/** When each of `count` calls that take no time had its turn, in milliseconds since the first. */
const turnsOf = async (queue: CallQueue, count: number, now: () => number): Promise<readonly number[]> => {
  const began = now();
  const turns = Array.from({ length: count }, async () => {
    const done = await queue.turn('devices');
    const at = now() - began;
    done();
    return at;
  });
  return Promise.all(turns);
};

describe('CallQueue', () => {
  it('gives a burst of turns at once, then as many as its rate', async () => {
    const clock = virtualClock();
    expect(await turnsOf(new CallQueue(limits, clock, open), 13, clock.now)).toEqual([
      ...Array.from({ length: 10 }, () => 0),
      200,
      400,
      600,
    ]);
  });

  it('never gives more turns in any time than burst and rate allow', async () => {
    const excess = async (pauses: readonly number[]): Promise<number> => {
      const clock = virtualClock();
      const queue = new CallQueue(limits, clock, open);
      const turns: number[] = [];
      for (const pause of pauses) {
        clock.pass(pause);
        (await queue.turn('devices'))();
        turns.push(clock.now());
      }
      const allowed = (ms: number): number => limits.burst + (ms / 1000) * limits.perSecond;
      return Math.max(...turns.flatMap((from, first) => turns.slice(first).map((to, more) => more + 1 - allowed(to - from))));
    };
    const pauses = fc.array(fc.nat(3000), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(pauses, async (each) => {
        expect(await excess(each)).toBeLessThanOrEqual(0.001);
      }),
      { numRuns: 50 },
    );
  });

  it('gives turns in the order in which they are asked for, no more at a time than may be under way', async () => {
    const queue = new CallQueue({ ...limits, concurrent: 2 }, virtualClock(), open);
    const begun: number[] = [];
    const ends = new Map<number, () => void>();
    const turns = [0, 1, 2, 3].map(async (n) => {
      const done = await queue.turn('devices');
      begun.push(n);
      ends.set(n, done);
    });
    await Promise.all(turns.slice(0, 2));
    expect(begun).toEqual([0, 1]);
    ends.get(1)?.();
    await turns[2];
    expect(begun).toEqual([0, 1, 2]);
    ends.get(0)?.();
    await turns[3];
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('goes on after a turn that was not given', async () => {
    const clock = virtualClock();
    const queue = new CallQueue(limits, clock, open);
    queue.pause(60_000);
    const refused = await Promise.allSettled([queue.turn('devices'), queue.turn('keys')]);
    expect(refused).toMatchObject([{ reason: { call: 'devices', kind: 'rate-limited' } }, { reason: { call: 'keys' } }]);
    clock.pass(60_000);
    (await queue.turn('devices'))();
  });

  it('keeps no pause beyond an hour, and is not stopped by a clock that is set back', async () => {
    const clock = virtualClock();
    const queue = new CallQueue({ ...limits, patienceMs: Number.MAX_SAFE_INTEGER }, clock, open);
    queue.pause(Number.MAX_SAFE_INTEGER);
    const turns = await turnsOf(queue, 1, clock.now);
    expect(turns).toEqual([3_600_000]);
    clock.pass(-86_400_000);
    expect((await turnsOf(queue, 1, clock.now))[0]).toBeLessThanOrEqual(3_600_000);
  });
});
