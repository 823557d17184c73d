/** `perSecond` in the long run, `burst` of them at once. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/** How fast we may go: a token bucket, and pauses. `nowMs` is any clock that does not stand still. */
export class Pace {
  readonly #rate: Rate;
  readonly #nowMs: () => number;
  #tokens: number;
  #at: number;
  #pausedUntil = 0;

  constructor(rate: Rate, nowMs: () => number) {
    this.#rate = rate;
    this.#nowMs = nowMs;
    this.#tokens = rate.burst;
    this.#at = nowMs();
  }

  /** Milliseconds until the next step may be taken; 0 when it may be now. */
  waitMs(): number {
    const now = this.#nowMs();
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * perSecond);
    this.#at = now;
    const untilToken = this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / perSecond) * 1000);
    return Math.max(untilToken, this.#pausedUntil - now, 0);
  }

  /** Takes the step that `waitMs` allowed. */
  take(): void {
    this.#tokens--;
  }

  /** No step before `ms` from now. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#nowMs() + ms);
  }

  get isPaused(): boolean {
    return this.#pausedUntil > this.#nowMs();
  }
}
