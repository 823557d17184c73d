import { Subscription } from 'rxjs';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { differingKeys } from '../../src/lib/changed-map.ts';
import { type ObjectKey, partsOf } from '../../src/lib/key.ts';
import type { Status } from '../../src/model/status.ts';
import type { Observed } from '../../src/sources/kubernetes/observed.ts';
import type { Occurrence } from '../events/event.ts';
import type { Elector } from '../runtime/lease.ts';
import type { Log } from './log.ts';
import { kindsWithStatus, sharedListOf, standingConditions } from './standing.ts';
import { type StatusCounts, type StatusLimits, WritingTerm } from './term.ts';

export type StatusWriterOptions = {
  readonly api: ApiServer;
  readonly observed: Observed;
  /** Nothing is written while we do not lead, and nothing begun before is left to finish. */
  readonly election: Election;
  readonly controllerName: string;
  readonly now: () => Date;
  readonly log: Log;
  /** Told of troubles that come and go, when they have been written. */
  readonly events: (occurrence: Occurrence) => void;
  readonly limits?: Partial<StatusLimits>;
};

export type Election = Pick<Elector, 'leading$' | 'isLeading'>;

export type StatusStats = Readonly<StatusCounts> & {
  /** Objects to compare or write now. */
  readonly ready: number;
  /** Objects to write later. */
  readonly waiting: number;
  readonly writing: number;
};

const usualLimits: StatusLimits = {
  concurrency: 2,
  perSecond: 50,
  burst: 100,
  objectEveryMs: 1000,
  objectBurst: 5,
  forbiddenMs: 60_000,
  refusedMs: 300_000,
};

/** Makes objects on the API server say what they should, as long as we lead, and again when somebody else changes it. Writes nothing that stands. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #counts: StatusCounts = { written: 0, refused: 0, conflicts: 0, failed: 0 };
  readonly #subscription = new Subscription();
  #wanted: ReadonlyMap<ObjectKey, Status> | undefined;
  #term: { readonly work: WritingTerm; readonly over: AbortController } | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#subscription.add(options.election.leading$.subscribe((term) => (term === undefined ? this.#end() : this.#begin(term))));
    this.#subscription.add(options.observed.changed$.subscribe((key) => this.#changed(key)));
  }

  /** All statuses as they should be. Looks only at those that are other objects than before. */
  want(statuses: ReadonlyMap<ObjectKey, Status>): void {
    const before = this.#wanted;
    this.#wanted = statuses;
    if (this.#term === undefined || before === statuses) return;
    if (before === undefined) return this.#compareAll(this.#term.work);
    const { work } = this.#term;
    for (const key of differingKeys(before, statuses)) work.changed(key);
    work.work();
  }

  get stats(): StatusStats {
    return { ...this.#counts, ...(this.#term?.work.queue ?? { ready: 0, waiting: 0, writing: 0 }) };
  }

  /** Breaks off what is being written. */
  stop(): void {
    this.#subscription.unsubscribe();
    this.#end();
  }

  #begin(term: AbortSignal): void {
    this.#end();
    const over = new AbortController();
    const { limits, election, ...options } = this.#options;
    const work = new WritingTerm({
      ...options,
      limits: { ...usualLimits, ...limits },
      counts: this.#counts,
      wanted: (key) => this.#wanted?.get(key),
      isLeading: () => election.isLeading,
      signal: AbortSignal.any([term, over.signal]),
    });
    this.#term = { work, over };
    this.#compareAll(work);
  }

  #end(): void {
    this.#term?.over.abort();
    this.#term = undefined;
  }

  #changed(key: ObjectKey): void {
    if (this.#term === undefined || this.#wanted === undefined || !statusKinds.has(partsOf(key).kind)) return;
    this.#term.work.changed(key);
    this.#term.work.work();
  }

  /** Nothing before the statuses are known: all of ours would seem to be left over. */
  #compareAll(work: WritingTerm): void {
    if (this.#wanted === undefined) return;
    for (const key of this.#wanted.keys()) work.changed(key);
    for (const key of this.#leftOver()) work.changed(key);
    work.work();
  }

  /** Objects that carry entries of ours, from an earlier time perhaps. */
  *#leftOver(): Iterable<ObjectKey> {
    const { observed, controllerName } = this.#options;
    for (const kind of kindsWithStatus) {
      if (sharedListOf(kind) === undefined) continue;
      for (const { key, status } of observed.ofKind(kind))
        if (status !== undefined && standingConditions(kind, status, controllerName).length > 0) yield key;
    }
  }
}

const statusKinds: ReadonlySet<string> = new Set(kindsWithStatus);
