import { setTimeout as sleep } from 'node:timers/promises';

export type ClientLimits = {
  /** Calls that may be made per second, on average. */
  readonly perSecond: number;
  /** Calls that may be made at once after a quiet time. */
  readonly burst: number;
  /** Calls under way at the same time. */
  readonly concurrent: number;
  /** Until an answer is whole. */
  readonly timeoutMs: number;
  /** Tries per call, the first included. */
  readonly tries: number;
  /** The wait before the second try; it doubles with each. */
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
  /** An API that wants to be left alone for longer is not waited for: the call fails, and its error says for how long. */
  readonly patienceMs: number;
  /** The largest answer that is read. */
  readonly answerBytes: number;
};

/** Tailscale publishes no numbers; these are far below what its own clients do in a burst. 10,000 devices are some 12 MB. */
export const usualLimits: ClientLimits = {
  perSecond: 5,
  burst: 10,
  concurrent: 8,
  timeoutMs: 30_000,
  tries: 4,
  firstBackoffMs: 500,
  longestBackoffMs: 10_000,
  patienceMs: 30_000,
  answerBytes: 64 * 1024 * 1024,
};

/** Time and chance, so that tests own them. */
export type Clock = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms`; rejects when `signal` aborts before. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = {
  now: Date.now,
  random: Math.random,
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
};
