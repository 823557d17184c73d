import { TailscaleApiError } from './api-error.ts';
import type { ClientLimits, Clock } from './limits.ts';

/** Whatever an API says, it is asked again after an hour. */
const longestPauseMs = 3_600_000;

/**
 * Turns to call one API, in the order they are asked for: so many per second with so many at once after a quiet time (a token bucket), so many
 * under way, and none while the API wants to be left alone.
 */
export class CallQueue {
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #closed: AbortSignal;
  /** When the bucket is full again. */
  #fullAt = 0;
  #pausedUntil = 0;
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();
  #freed = Promise.withResolvers<void>();

  constructor(limits: ClientLimits, clock: Clock, closed: AbortSignal) {
    this.#limits = limits;
    this.#clock = clock;
    this.#closed = closed;
  }

  /** What to call when the call is over. Throws a TailscaleApiError instead of waiting longer than `patienceMs` for the end of a pause. */
  async turn(call: string): Promise<() => void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      while (this.#underWay >= this.#limits.concurrent) await this.#freed.promise;
      for (let ms = this.#waitMs(call); ms > 0; ms = this.#waitMs(call)) await this.#clock.wait(ms, this.#closed);
      this.#fullAt = Math.max(this.#fullAt, this.#clock.now()) + 1000 / this.#limits.perSecond;
      this.#underWay += 1;
      return () => this.#free();
    } finally {
      resolve();
    }
  }

  /** Lets nobody call for `ms`. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + Math.min(ms, longestPauseMs));
  }

  #free(): void {
    this.#underWay -= 1;
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  #waitMs(call: string): number {
    const now = this.#clock.now();
    // A clock that was set back must not stop us for as long.
    this.#pausedUntil = Math.min(this.#pausedUntil, now + longestPauseMs);
    const bucketMs = (this.#limits.burst * 1000) / this.#limits.perSecond;
    this.#fullAt = Math.min(this.#fullAt, now + bucketMs);
    const pausedMs = this.#pausedUntil - now;
    if (pausedMs > this.#limits.patienceMs) {
      const said = `not asked: the API wants to be left alone for another ${Math.ceil(pausedMs / 1000)} s`;
      throw new TailscaleApiError({ call, kind: 'rate-limited', status: 0, said, retryAfterMs: pausedMs });
    }
    return Math.max(pausedMs, Math.ceil(this.#fullAt + 1000 / this.#limits.perSecond - bucketMs - now));
  }
}
