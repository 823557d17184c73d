import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { TerminalError } from './errors.ts';
import { type QueueOptions, WorkQueue } from './queue.ts';

/** A queue whose work ends when the test says so. */
const scene = (options: Partial<QueueOptions<string>> = {}) => {
  const stop = new AbortController();
  const begun: string[] = [];
  const failures: (readonly [string, number | undefined])[] = [];
  const open: PromiseWithResolvers<void>[] = [];
  const queue = new WorkQueue<string>({
    work: (key, value) => {
      begun.push(`${key}=${value}`);
      const end = Promise.withResolvers<void>();
      open.push(end);
      return end.promise;
    },
    concurrency: 2,
    backoff: { minMs: 100, maxMs: 400 },
    signal: stop.signal,
    failed: (key, _, retryInMs) => failures.push([key, retryInMs]),
    random: () => 0,
    ...options,
  });
  const settle = () => vi.advanceTimersByTimeAsync(0);
  return {
    queue,
    begun,
    failures,
    stop,
    /** Ends the oldest work that runs. */
    succeed: () => {
      open.shift()?.resolve();
      return settle();
    },
    fail: (error: unknown = new Error('no luck')) => {
      open.shift()?.reject(error);
      return settle();
    },
  };
};

describe('WorkQueue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('works on no more keys at a time than it may, in the order they came', async () => {
    const { queue, begun, succeed } = scene();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key, '1');
    expect(begun).toEqual(['a=1', 'b=1']);
    await succeed();
    expect(begun).toEqual(['a=1', 'b=1', 'c=1']);
  });

  it('works on a key once at a time, and then on the newest value only', async () => {
    const { queue, begun, succeed } = scene();
    for (const value of ['1', '2', '3']) queue.add('a', value);
    expect(begun).toEqual(['a=1']);
    await succeed();
    expect(begun).toEqual(['a=1', 'a=3']);
    await succeed();
    expect([begun.length, queue.size]).toEqual([2, 0]);
  });

  it('takes the newest value of a key that waits for its turn', async () => {
    const { queue, begun, succeed } = scene({ concurrency: 1 });
    queue.add('a', '1');
    queue.add('b', '1');
    queue.add('b', '2');
    await succeed();
    expect(begun).toEqual(['a=1', 'b=2']);
  });

  it('tries again later and later, up to the longest wait, and begins anew after a success', async () => {
    const { queue, failures, fail, succeed } = scene();
    queue.add('a', '1');
    for (const ms of [100, 200, 400, 400]) {
      await fail();
      await vi.advanceTimersByTimeAsync(ms);
    }
    await succeed();
    queue.add('a', '2');
    await fail();
    expect(failures.map(([, ms]) => ms)).toEqual([100, 200, 400, 400, 100]);
  });

  it('spreads what failed together', async () => {
    const waits = await Promise.all(
      [0, 0.5].map(async (random) => {
        const { queue, failures, fail } = scene({ random: () => random });
        queue.add('a', '1');
        await fail();
        return failures[0]?.[1];
      }),
    );
    expect(waits).toEqual([100, 75]);
  });

  it('waits as long as the API server asks for', async () => {
    const { queue, failures, fail } = scene();
    queue.add('a', '1');
    await fail(new ApiError('PATCH /x', 429, { details: { retryAfterSeconds: 7 } }));
    expect(failures).toEqual([['a', 7000]]);
  });

  it('leaves room for other keys while one waits', async () => {
    const { queue, begun, fail } = scene({ concurrency: 1 });
    queue.add('a', '1');
    queue.add('b', '1');
    await fail();
    expect(begun).toEqual(['a=1', 'b=1']);
  });

  it('does not try sooner because the same was added again, but soon when something else was', async () => {
    const { queue, begun, fail } = scene();
    queue.add('a', '1');
    for (const ms of [100, 200]) {
      await fail();
      await vi.advanceTimersByTimeAsync(ms);
    }
    await fail();
    queue.add('a', '1');
    await vi.advanceTimersByTimeAsync(100);
    expect(begun.length).toBe(3);
    queue.add('a', '2');
    expect(begun.length).toBe(3);
    await vi.advanceTimersByTimeAsync(100);
    expect(begun[3]).toBe('a=2');
  });

  it('lets what was refused rest until something else is wanted', async () => {
    const { queue, begun, failures, fail } = scene();
    queue.add('a', '1');
    await fail(new TerminalError('refused'));
    queue.add('a', '1');
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect([begun, failures]).toEqual([['a=1'], [['a', undefined]]]);
    queue.add('a', '2');
    expect(begun).toEqual(['a=1', 'a=2']);
  });

  it('goes on at once with a value that came while another was being refused', async () => {
    const { queue, begun, failures, fail } = scene();
    queue.add('a', '1');
    queue.add('a', '2');
    await fail(new TerminalError('refused'));
    expect([begun, failures]).toEqual([['a=1', 'a=2'], []]);
  });

  it('forgets a key, running or waiting', async () => {
    const { queue, begun, fail } = scene();
    queue.add('a', '1');
    queue.forget('a');
    await fail();
    queue.add('b', '1');
    await fail();
    queue.forget('b');
    await vi.advanceTimersByTimeAsync(1000);
    expect([begun, queue.size]).toEqual([['a=1', 'b=1'], 0]);
  });

  it('begins, repeats and tells nothing once it is stopped', async () => {
    const { queue, begun, failures, fail, stop } = scene({ concurrency: 1 });
    queue.add('waits', '1');
    await fail();
    queue.add('runs', '1');
    queue.add('queued', '1');
    stop.abort();
    await fail();
    queue.add('late', '1');
    await vi.advanceTimersByTimeAsync(1000);
    expect([begun, failures, queue.size]).toEqual([['waits=1', 'runs=1'], [['waits', 100]], 0]);
  });

  it('ends with the newest value of every key done, whatever fails on the way', async () => {
    const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.nat(300) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, fc.array(fc.nat(50)), fc.array(fc.boolean()), async (adds, durations, failing) => {
        const done = new Map<string, string>();
        const newest = new Map<string, string>();
        const running = new Set<string>();
        const queue = new WorkQueue<string>({
          concurrency: 2,
          backoff: { minMs: 10, maxMs: 100 },
          signal: new AbortController().signal,
          failed: () => undefined,
          work: async (key, value) => {
            expect(running.has(key)).toBe(false);
            expect(running.size).toBeLessThan(2);
            running.add(key);
            await new Promise((resolve) => setTimeout(resolve, durations.pop() ?? 0));
            running.delete(key);
            if (failing.pop() === true) throw new Error('no luck');
            done.set(key, value);
          },
        });
        for (const [index, { key, wait }] of adds.entries()) {
          queue.add(key, String(index));
          newest.set(key, String(index));
          await vi.advanceTimersByTimeAsync(wait);
        }
        await vi.advanceTimersByTimeAsync(100_000);
        expect(done).toEqual(newest);
        expect(queue.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
