import { type Backoff, waitAfter } from '../../src/kubernetes/backoff.ts';
import { TerminalError } from './errors.ts';

export type QueueOptions<V> = {
  /** Does what there is to do for one key. Its signal is the queue's. */
  readonly work: (key: string, value: V, signal: AbortSignal) => Promise<void>;
  /** Keys worked on at the same time. */
  readonly concurrency: number;
  readonly backoff?: Backoff;
  /** Aborted when we must not write any more: nothing is begun, tried again or told from then on. */
  readonly signal: AbortSignal;
  /** `retryInMs` is undefined when only a change can help. */
  readonly failed: (key: string, error: unknown, retryInMs: number | undefined) => void;
  /** In [0, 1). */
  readonly random?: () => number;
};

type Entry<V> = {
  value: V;
  failures: number;
  /** While it runs it may become wanted once more (`again`), or never more (`last`). */
  phase: 'ready' | 'running' | 'again' | 'last' | 'waiting' | 'refused';
  timer?: NodeJS.Timeout;
};

/**
 * Work by key. One piece of work at a time for a key, and the newest value wins; what came while it ran is done after it. Failed work is
 * tried again, later each time, until it works or a new value takes its place; after a TerminalError it waits for another value.
 */
export class WorkQueue<V> {
  readonly #options: Required<QueueOptions<V>>;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #ready = new Set<string>();
  #running = 0;

  constructor(options: QueueOptions<V>) {
    this.#options = { backoff: { minMs: 250, maxMs: 60_000 }, random: Math.random, ...options };
    options.signal.addEventListener('abort', () => this.#clear(), { once: true });
  }

  /** A value that failed before is not tried sooner for being added again; another one is. */
  add(key: string, value: V): void {
    if (this.#options.signal.aborted) return;
    const entry = this.#entries.get(key) ?? this.#enter(key, value);
    const changed = entry.value !== value;
    entry.value = value;
    if (isRunning(entry)) entry.phase = 'again';
    else if (entry.phase === 'refused' && changed) this.#makeReady(key, entry);
    else if (entry.phase === 'waiting' && changed) this.#wait(key, entry, this.#options.backoff.minMs);
    this.#begin();
  }

  /** There is nothing to do for `key` any more. What is running is not broken off. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (isRunning(entry)) entry.phase = 'last';
    else this.#leave(key, entry);
  }

  /** Keys that are worked on or wait for it, those that only a change can help included. */
  get size(): number {
    return this.#entries.size;
  }

  #enter(key: string, value: V): Entry<V> {
    const entry: Entry<V> = { value, failures: 0, phase: 'ready' };
    this.#entries.set(key, entry);
    this.#ready.add(key);
    return entry;
  }

  #leave(key: string, entry: Entry<V>): void {
    clearTimeout(entry.timer);
    this.#entries.delete(key);
    this.#ready.delete(key);
  }

  #makeReady(key: string, entry: Entry<V>): void {
    entry.phase = 'ready';
    this.#ready.add(key);
  }

  #wait(key: string, entry: Entry<V>, ms: number): void {
    clearTimeout(entry.timer);
    entry.phase = 'waiting';
    entry.timer = setTimeout(() => {
      this.#makeReady(key, entry);
      this.#begin();
    }, ms);
  }

  #begin(): void {
    for (const key of this.#ready) {
      if (this.#running >= this.#options.concurrency) return;
      const entry = this.#entries.get(key);
      this.#ready.delete(key);
      if (entry !== undefined) void this.#run(key, entry);
    }
  }

  async #run(key: string, entry: Entry<V>): Promise<void> {
    const { work, signal } = this.#options;
    this.#running++;
    entry.phase = 'running';
    const { value } = entry;
    let outcome: { readonly error: unknown } | undefined;
    try {
      await work(key, value, signal);
    } catch (error) {
      outcome = { error };
    }
    this.#running--;
    if (signal.aborted) return;
    if (outcome === undefined) this.#done(key, entry);
    else this.#failed(key, entry, value, outcome.error);
    this.#begin();
  }

  #done(key: string, entry: Entry<V>): void {
    entry.failures = 0;
    if (entry.phase === 'again') this.#makeReady(key, entry);
    else this.#leave(key, entry);
  }

  #failed(key: string, entry: Entry<V>, tried: V, error: unknown): void {
    const { backoff, random, failed } = this.#options;
    if (entry.phase === 'last') return this.#leave(key, entry);
    entry.failures++;
    if (error instanceof TerminalError) {
      if (entry.value !== tried) return this.#makeReady(key, entry);
      entry.phase = 'refused';
      return failed(key, error, undefined);
    }
    const ms = waitAfter(entry.failures, error, backoff, random());
    this.#wait(key, entry, ms);
    failed(key, error, ms);
  }

  #clear(): void {
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    this.#entries.clear();
    this.#ready.clear();
  }
}

const isRunning = ({ phase }: { readonly phase: string }): boolean => phase === 'running' || phase === 'again' || phase === 'last';
