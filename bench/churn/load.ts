import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './connections.ts';
import { hostOf } from './manifests.ts';

export type Failure = {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly phase: string;
  readonly route: number;
  readonly kind: string;
  /** Milliseconds since the route's first 200. An Envoy's workers take a change one after the other, so another one may not have it yet. */
  readonly known: number;
};

type LoadOptions = {
  /** Requests a second over all routes. */
  readonly rate: number;
  readonly ask: (host: string) => Promise<Answer>;
  /** When the run began. */
  readonly start: number;
  /** Above it requests are left out rather than sent late. */
  readonly mostInFlight: number;
};

const tickMs = 2;
const mostPerRoute = 20;

/** Asks for each route in turn from its first 200 on, at a constant rate altogether, and notes every answer that is no 200. */
export class Load {
  readonly failures: Failure[] = [];
  readonly latencies: number[] = [];
  requests = 0;
  /** Requests left out because too many were waiting for their answers. */
  skipped = 0;
  /** Answers by an older revision than had been seen when they were asked for. */
  stale = 0;
  readonly #options: LoadOptions;
  /** Seen routes, and the newest revision seen of each. */
  readonly #seen = new Map<number, number>();
  readonly #firstSeen = new Map<number, number>();
  readonly #ring: number[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #phase = '';
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Starts asking, or goes on under another name. */
  begin(phase: string): void {
    this.#phase = phase;
    this.#running ??= this.#run();
  }

  /** Resolves when the last answer is in. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await Promise.all(this.#inFlight);
  }

  /** A route answered by this revision: from here on it must answer. */
  seen(route: number, revision: number): void {
    if (!this.#seen.has(route)) {
      this.#ring.push(route);
      this.#firstSeen.set(route, performance.now());
    }
    this.#seen.set(route, revision);
  }

  /** Notes a failure if the route had been seen when it was asked for. */
  judge(route: number, { status, reason }: Answer, asked: { readonly after: number | undefined }): void {
    if (status === 200 || asked.after === undefined) return;
    const now = performance.now();
    const [at, known] = [now - this.#options.start, now - (this.#firstSeen.get(route) ?? now)];
    this.failures.push({ at, known, phase: this.#phase, route, kind: `${status === 0 ? 'no answer' : status} ${reason}`.trim() });
  }

  /** The newest revision seen of a route; undefined before its first 200. */
  revisionOf(route: number): number | undefined {
    return this.#seen.get(route);
  }

  async #run(): Promise<void> {
    let last = performance.now();
    let owed = 0;
    let turn = 0;
    while (!this.#stopping) {
      await sleep(tickMs);
      const now = performance.now();
      owed += ((now - last) / 1000) * Math.min(this.#options.rate, this.#ring.length * mostPerRoute);
      last = now;
      for (; owed >= 1; owed -= 1) {
        turn = (turn + 1) % this.#ring.length;
        const route = this.#ring[turn];
        if (route === undefined || this.#inFlight.size >= this.#options.mostInFlight) this.skipped += 1;
        else this.#send(route);
      }
    }
  }

  #send(route: number): void {
    this.requests += 1;
    const sent: Promise<void> = this.#ask(route).finally(() => this.#inFlight.delete(sent));
    this.#inFlight.add(sent);
  }

  async #ask(route: number): Promise<void> {
    const after = this.revisionOf(route);
    const sent = performance.now();
    const answer = await this.#options.ask(hostOf(route));
    this.latencies.push(performance.now() - sent);
    this.judge(route, answer, { after });
    if (answer.status === 200 && after !== undefined && answer.revision < after) this.stale += 1;
  }
}
