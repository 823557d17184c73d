import { randomBytes } from 'node:crypto';
import { BehaviorSubject, type Observable } from 'rxjs';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { managedResources } from './kinds.ts';
import { leaseFrom, recordOf } from './lease-object.ts';
import { initialLease, type LeaseCommand, type LeaseEvent, type LeaseState, type LeaseTimes, leads, leaseStep } from './lease-step.ts';

/** What happens in an election, for the log and metrics. */
export type LeaseNews =
  | { readonly kind: 'leading'; readonly transitions: number }
  /** Somebody else leads, or may soon. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** Told once for a row of failures that say the same. */
  | { readonly kind: 'failing'; readonly error: unknown }
  | { readonly kind: 'works again' };

export type LeaseOptions = {
  readonly api: ApiServer;
  readonly namespace: string;
  readonly name: string;
  /** From `identityOf`: no other process, also none of this pod's earlier ones, may have the same. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  readonly told?: (news: LeaseNews) => void;
};

export const defaultTimes: LeaseTimes = { durationMs: 15_000, renewMs: 10_000, retryMs: 2000 };

/** Names this process among all that stand for election. */
export const identityOf = (pod: string): string => `${pod}_${randomBytes(4).toString('hex')}`;

type Command<What extends LeaseCommand['do']> = Extract<LeaseCommand, { readonly do: What }>;

/** Stands for election on a Lease from `start` to `stop`. */
export class Elector {
  readonly #options: Required<LeaseOptions>;
  readonly #terms = new BehaviorSubject<AbortSignal | undefined>(undefined);
  readonly #stop = new AbortController();
  #state: LeaseState;
  #term: AbortController | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #lease: KubeObject | undefined;
  #failing: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = { times: defaultTimes, told: () => undefined, ...options };
    const { identity, times } = this.#options;
    if (times.renewMs >= times.durationMs || times.retryMs >= times.renewMs)
      throw new Error('unreachable: a lease must outlast its renewal, and a renewal its retries');
    this.#state = initialLease(identity, times);
  }

  /** While we lead, a signal that is aborted the moment we cease to; else undefined. Completes after `stop`. */
  get leading$(): Observable<AbortSignal | undefined> {
    return this.#terms;
  }

  /** Asks the clock, not a timer: also right when this process could not run for a while. */
  get isLeading(): boolean {
    return this.#term !== undefined && leads(this.#state, performance.now());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ceases to lead, then gives the Lease back, so that a successor need not wait. Whoever must finish a write finishes it before. Never throws. */
  async stop(): Promise<void> {
    this.#endTerm('stopping');
    this.#stop.abort();
    await this.#running;
    this.#terms.complete();
  }

  async #run(): Promise<void> {
    let event: LeaseEvent = { kind: 'due' };
    for (;;) {
      let command = this.#step(event);
      if (this.#stop.signal.aborted && !this.#state.stopping) command = this.#step({ kind: 'stop' });
      switch (command.do) {
        case 'end':
          return;
        case 'wait':
          await this.#wait(command);
          event = { kind: 'due' };
          break;
        case 'read':
          event = await this.#read();
          break;
        case 'write':
          event = await this.#write(command);
      }
    }
  }

  #step(event: LeaseEvent): LeaseCommand {
    const [state, command] = leaseStep(this.#state, event, performance.now());
    this.#state = state;
    this.#follow();
    return command;
  }

  /** Brings the term in line with the state, and watches the deadline. */
  #follow(): void {
    clearTimeout(this.#deadline);
    const { seen, identity, leadsUntilMs } = this.#state;
    if (leads(this.#state, performance.now())) {
      this.#deadline = setTimeout(() => this.#follow(), Math.ceil(leadsUntilMs - performance.now()));
      if (!this.#stop.signal.aborted) this.#beginTerm();
    } else if (seen?.record.holder === identity || seen === undefined) this.#endTerm(`not renewed for ${this.#options.times.renewMs} ms`);
    else this.#endTerm(seen.record.holder === '' ? 'the Lease was given up' : `${seen.record.holder} holds the Lease`);
  }

  #beginTerm(): void {
    if (this.#term !== undefined) return;
    this.#term = new AbortController();
    this.#options.told({ kind: 'leading', transitions: this.#state.seen?.record.transitions ?? 0 });
    this.#terms.next(this.#term.signal);
  }

  #endTerm(reason: string): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    term.abort(new Error(`no longer the leader: ${reason}`));
    this.#options.told({ kind: 'lost', reason });
    this.#terms.next(undefined);
  }

  /** Somewhat less each time, so that electors that began together do not go on together. */
  async #wait({ ms }: Command<'wait'>): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stop.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms * (0.75 + Math.random() / 4));
      this.#stop.signal.addEventListener('abort', done);
    });
  }

  async #read(): Promise<LeaseEvent> {
    const { namespace, name } = this.#options;
    try {
      const lease = await this.#request({ path: pathOf(managedResources.Lease, { namespace, name }) });
      this.#works();
      return { kind: 'read', record: recordOf(lease) };
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) {
        this.#lease = undefined;
        return { kind: 'read', record: undefined };
      }
      return this.#failed(error);
    }
  }

  async #write(command: Command<'write'>): Promise<LeaseEvent> {
    const { namespace, name } = this.#options;
    const creates = command.over === undefined;
    const body = leaseFrom(command, { namespace, name }, creates ? undefined : this.#lease, new Date());
    const sentMs = performance.now();
    try {
      const lease = await this.#request({
        method: creates ? 'POST' : 'PUT',
        path: pathOf(managedResources.Lease, { namespace, ...(creates ? {} : { name }) }),
        body,
      });
      this.#works();
      return { kind: 'wrote', sentMs, record: recordOf(lease) };
    } catch (error) {
      // 404 to a replacement: the Lease is gone, which calls for another look as well.
      if (error instanceof ApiError && (error.code === 409 || (error.code === 404 && !creates))) return { kind: 'conflict' };
      return this.#failed(error);
    }
  }

  /** Answers that take longer than half the deadline could not keep us leading anyway. On stopping, a request under way is given up. */
  async #request(request: ApiRequest): Promise<KubeObject> {
    const { api, times } = this.#options;
    const { stopping } = this.#state;
    const answer = await api.request({
      ...request,
      timeoutMs: stopping ? times.retryMs : times.renewMs / 2,
      ...(stopping ? {} : { signal: this.#stop.signal }),
    });
    this.#lease = answer as KubeObject;
    return this.#lease;
  }

  #failed(error: unknown): LeaseEvent {
    const text = error instanceof Error ? error.message : String(error);
    if (text !== this.#failing && !this.#stop.signal.aborted) this.#options.told({ kind: 'failing', error });
    this.#failing = text;
    return { kind: 'failed' };
  }

  #works(): void {
    if (this.#failing !== undefined) this.#options.told({ kind: 'works again' });
    this.#failing = undefined;
  }
}
