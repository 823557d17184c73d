import { askedMs } from './trouble.ts';

/** Time and chance. Waiting is by `setTimeout`. */
export type Clock = { readonly now: () => number; readonly random: () => number };

export type AskingOptions<T> = {
  readonly ask: () => Promise<T>;
  /** Takes a whole answer; throws where that makes no sense. */
  readonly take: (answer: T) => void;
  /** Told after each answer, and after each failure with its error. */
  readonly settled: (outcome: Outcome) => void;
  readonly everyMs: number;
  /** Nothing is asked before then, in milliseconds since the epoch: the API wants to be left alone. */
  readonly quietUntil: () => number;
  readonly clock: Clock;
};

/** `recovered`: it is the first answer after failures. */
export type Outcome = { readonly failed: true; readonly error: unknown } | { readonly failed: false; readonly recovered: boolean };

/** However long it fails, it is asked again after that. */
const longestMs = 600_000;

/** However fast it fails, and however often somebody wants to know. */
const shortestMs = 5000;

/**
 * One question that is asked over and over: some time after each answer, more and more rarely after failures. What comes after `stop` is not
 * taken any more.
 */
export class Asking<T> {
  /** When it was answered last, in milliseconds since the epoch; 0 before. */
  readAt = 0;
  outcome: Outcome | undefined;
  readonly #options: AskingOptions<T>;
  #failures = 0;
  #askedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #state: 'waiting' | 'asking' | 'stopped' = 'waiting';
  /** Somebody wants to know what the answer under way may not tell. */
  #again = false;

  constructor(options: AskingOptions<T>) {
    this.#options = options;
    this.#in(0);
  }

  /** Asks without waiting for its time, unless that was done a moment ago. */
  soon(): void {
    if (this.#state === 'waiting') this.#in(Math.max(0, this.#askedAt + shortestMs - this.#options.clock.now()));
    else this.#again = true;
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
  }

  #in(ms: number): void {
    clearTimeout(this.#timer);
    const quietMs = this.#options.quietUntil() - this.#options.clock.now();
    this.#timer = setTimeout(() => void this.#ask(), Math.max(ms, quietMs));
  }

  async #ask(): Promise<void> {
    const { settled, quietUntil, clock } = this.#options;
    if (quietUntil() > clock.now()) return this.#in(0);
    this.#state = 'asking';
    this.#askedAt = clock.now();
    const outcome = await this.#answer();
    if (outcome === undefined) return;
    this.outcome = outcome;
    this.#state = 'waiting';
    if (this.#again) this.soon();
    else this.#in(this.#waitMs(outcome));
    this.#again = false;
    settled(outcome);
  }

  /** Undefined when nobody wants to know any more. */
  async #answer(): Promise<Outcome | undefined> {
    const { ask, take, clock } = this.#options;
    try {
      const answer = await ask();
      if (this.#isStopped()) return undefined;
      take(answer);
      this.readAt = clock.now();
      const recovered = this.#failures > 0;
      this.#failures = 0;
      return { failed: false, recovered };
    } catch (error) {
      this.#failures += 1;
      return this.#isStopped() ? undefined : { failed: true, error };
    }
  }

  /** A method, as the state changes while we wait for the answer. */
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** Give or take a tenth, so that many tailplanes do not ask at once. After failures any time up to a limit that doubles ("full jitter"). */
  #waitMs(outcome: Outcome): number {
    const { everyMs, clock } = this.#options;
    if (!outcome.failed) return everyMs * (0.9 + 0.2 * clock.random());
    const limitMs = Math.min(everyMs * 2 ** Math.min(this.#failures - 1, 30), longestMs);
    return Math.max(shortestMs, askedMs(outcome.error), limitMs * clock.random());
  }
}
