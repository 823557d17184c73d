import type { Subscription } from 'rxjs';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { type Backoff, waitAfter } from '../../src/kubernetes/backoff.ts';
import type { Elector } from '../runtime/lease.ts';
import type { Log } from '../status/log.ts';
import { failureOf } from '../status/outcome.ts';
import { Pace, type Rate } from '../status/pace.ts';
import { eventCreation, eventRepetition, type Occurrence, type Reporter, seriesKey } from './event.ts';

export type EventRecorderOptions = {
  readonly api: ApiServer;
  readonly reporter: Reporter;
  /** What happens while we do not lead is not told. */
  readonly election: Pick<Elector, 'leading$'>;
  readonly now: () => Date;
  readonly log: Log;
  readonly limits?: Partial<EventLimits>;
};

export type EventLimits = Rate & {
  /** Events that wait to be told; what comes then is dropped. */
  readonly queue: number;
  /** After so long without a repetition, the same is a new Event. */
  readonly seriesMs: number;
};

/** One Event as it is on the API server, or will be. */
type Series = {
  readonly occurrence: Occurrence;
  /** Its name, once it is there. */
  name?: string;
  count: number;
  /** How many the API server knows of. */
  told: number;
  /** Milliseconds since the epoch. */
  last: number;
};

const usualLimits: EventLimits = { perSecond: 5, burst: 50, queue: 1000, seriesMs: 600_000 };
const outages: Backoff = { minMs: 1_000, maxMs: 30_000 };

/** Tells what happens to objects as Events, as long as we lead: the same again is one Event with a count. Nobody waits for it, and it may be lost. */
export class EventRecorder {
  readonly #options: Omit<EventRecorderOptions, 'limits'> & { readonly limits: EventLimits };
  readonly #subscription: Subscription;
  readonly #pace: Pace;
  readonly #series = new Map<string, Series>();
  readonly #queue = new Set<string>();
  /** HTTP codes that were reported. */
  readonly #reported = new Set<number>();
  #term: { readonly over: AbortController; readonly signal: AbortSignal } | undefined;
  #sending = false;
  #outage = 0;
  #wake: NodeJS.Timeout | undefined;
  #told = 0;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = { ...options, limits: { ...usualLimits, ...options.limits } };
    this.#pace = new Pace(this.#options.limits, () => options.now().getTime());
    this.#subscription = options.election.leading$.subscribe((term) => (term === undefined ? this.#end() : this.#begin(term)));
  }

  record(occurrence: Occurrence): void {
    if (this.#term === undefined) return;
    const key = seriesKey(occurrence);
    const { queue, seriesMs } = this.#options.limits;
    if (this.#queue.size >= queue && !this.#queue.has(key)) {
      this.#dropped++;
      return;
    }
    const last = this.#options.now().getTime();
    const known = this.#series.get(key);
    const continues = known !== undefined && last - known.last < seriesMs;
    // Taken out first, so that the oldest series stand first.
    this.#series.delete(key);
    this.#series.set(key, continues ? { ...known, count: known.count + 1, last } : { occurrence, count: 1, told: 0, last });
    this.#queue.add(key);
    this.#forgetOldest();
    this.#work();
  }

  get stats(): { readonly told: number; readonly dropped: number; readonly queued: number } {
    return { told: this.#told, dropped: this.#dropped, queued: this.#queue.size };
  }

  /** What was not told yet is lost. */
  stop(): void {
    this.#subscription.unsubscribe();
    this.#end();
  }

  #begin(term: AbortSignal): void {
    this.#end();
    const over = new AbortController();
    this.#term = { over, signal: AbortSignal.any([term, over.signal]) };
  }

  #end(): void {
    this.#term?.over.abort();
    this.#term = undefined;
    clearTimeout(this.#wake);
    this.#queue.clear();
    this.#series.clear();
  }

  #forgetOldest(): void {
    if (this.#series.size <= this.#options.limits.queue) return;
    for (const key of this.#series.keys()) {
      if (this.#queue.has(key)) continue;
      this.#series.delete(key);
      return;
    }
  }

  /** One at a time: nobody is in a hurry. */
  #work(): void {
    const { signal } = this.#term ?? {};
    const [key] = this.#queue;
    if (signal === undefined || this.#sending || key === undefined) return;
    const wait = this.#pace.waitMs();
    if (wait > 0) {
      clearTimeout(this.#wake);
      this.#wake = setTimeout(() => this.#work(), wait);
      return;
    }
    this.#queue.delete(key);
    const series = this.#series.get(key);
    if (series !== undefined) void this.#send(key, series, signal);
  }

  async #send(key: string, series: Series, signal: AbortSignal): Promise<void> {
    const { api, reporter, now } = this.#options;
    const { occurrence, name, count } = series;
    const request =
      name === undefined ? eventCreation(occurrence, reporter, now(), count) : eventRepetition(occurrence, name, now(), count);
    this.#pace.take();
    this.#sending = true;
    try {
      const answer = (await api.request({ ...request, timeoutMs: 10_000, signal })) as { readonly metadata: { readonly name: string } };
      if (!signal.aborted) this.#sent(key, answer.metadata.name, count);
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error);
    }
    this.#sending = false;
    this.#work();
  }

  #sent(key: string, name: string, told: number): void {
    this.#told++;
    this.#outage = 0;
    // Not the series that was sent: what came since is another value.
    const series = this.#series.get(key);
    if (series === undefined) return;
    series.name = name;
    series.told = told;
  }

  #failed(key: string, error: unknown): void {
    const series = this.#series.get(key);
    if (series === undefined) return;
    const failure = failureOf(error);
    if (failure === 'overwhelmed' || failure === 'failed') {
      this.#queue.add(key);
      this.#pace.pause(waitAfter(++this.#outage, error, outages, Math.random()));
    } else if (failure === 'gone' && series.name !== undefined) {
      // Events live an hour or so.
      delete series.name;
      series.count -= series.told;
      series.told = 0;
      this.#queue.add(key);
    } else {
      this.#dropped++;
      this.#series.delete(key);
      const code = error instanceof ApiError ? error.code : 0;
      if (!this.#reported.has(code)) this.#options.log.warn({ object: series.occurrence.regarding.key, err: error }, 'Events are refused');
      this.#reported.add(code);
    }
  }
}
