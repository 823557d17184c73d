import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { equal } from '../../src/lib/equal.ts';
import { type ObjectKey, partsOf } from '../../src/lib/key.ts';
import type { Status } from '../../src/model/status.ts';
import type { Observed, ObservedObject } from '../../src/sources/kubernetes/observed.ts';
import type { Occurrence } from '../events/event.ts';
import { waitAfter } from '../../src/kubernetes/backoff.ts';
import { Backlog } from './backlog.ts';
import { isAboutAnother, type StatusWrite, statusWriteFor } from './desired.ts';
import { holdsAfterFailure, holdsAfterWrite, type Hold, outages, peaceMs, waitMs } from './hold.ts';
import type { Log } from './log.ts';
import { occurrencesOf } from './occurrences.ts';
import { failureOf } from './outcome.ts';
import { Pace, type Rate } from './pace.ts';
import { answeredObject, statusRequest, type WayToWrite } from './request.ts';

export type TermOptions = {
  readonly api: ApiServer;
  readonly observed: Observed;
  readonly controllerName: string;
  readonly now: () => Date;
  readonly log: Log;
  readonly events: (occurrence: Occurrence) => void;
  readonly limits: StatusLimits;
  readonly wanted: (key: ObjectKey) => Status | undefined;
  readonly counts: StatusCounts;
  /** Aborted when we are no longer the one who writes. */
  readonly signal: AbortSignal;
  /** Also right when this process was held up, and the signal comes late. */
  readonly isLeading: () => boolean;
};

export type StatusLimits = Rate & {
  /** Writes in flight. */
  readonly concurrency: number;
  /**
   * One object is written once in that many milliseconds in the long run, and `objectBurst` times at once: a Gateway that comes up says each step
   * at once, and one that thousands of routes come to counts them once a second, not once for each.
   */
  readonly objectEveryMs: number;
  readonly objectBurst: number;
  /** Until objects that we may not write are tried again. */
  readonly forbiddenMs: number;
  /** Until a status that was refused is tried again though neither it nor its object changed. */
  readonly refusedMs: number;
};

/** Since the start. */
export type StatusCounts = {
  written: number;
  /** Answered with 403, 422 and the like. */
  refused: number;
  conflicts: number;
  /** Not answered, or with 429 or 5xx. */
  failed: number;
};

/** What we remember of one object between writes. */
type Entry = {
  way: WayToWrite;
  holds: readonly Hold[];
  /** Failures in a row. */
  failures: number;
  /** When its writes so far would have ended at the pace of the long run. */
  paid: number;
  writing: boolean;
  /** Something changed while it was being written. */
  again: boolean;
  /** As the last write left it, until `observed` gives something that is not older. */
  answered?: { readonly object: ObservedObject; readonly older: ReadonlySet<string> };
  /** What was written last, when, and how often in a row because somebody else had undone it. */
  said?: { readonly wanted: Status | undefined; readonly at: number; readonly undone: number };
  /** What the API server makes of what we want, whichever way we say it. */
  unmet?: { readonly wanted: Status | undefined; readonly status: unknown };
  /** The refusal that was reported. */
  reported?: string;
};

type Job = {
  readonly key: ObjectKey;
  readonly entry: Entry;
  readonly wanted: Status | undefined;
  readonly standing: ObservedObject;
  readonly write: StatusWrite;
};

/** Comparisons before others get a turn: about 1 ms. */
const looksAtOnce = 50;

/** The writing of statuses while we lead. Remembers nothing of what was before, and is thrown away when we no longer lead. */
export class WritingTerm {
  readonly #options: TermOptions;
  readonly #entries = new Map<ObjectKey, Entry>();
  readonly #backlog: Backlog;
  readonly #pace: Pace;
  /** Kinds and namespaces we may not write to, until when. */
  readonly #forbidden = new Map<string, number>();
  #writing = 0;
  #outage = 0;
  #wake: NodeJS.Timeout | undefined;

  constructor(options: TermOptions) {
    this.#options = options;
    this.#backlog = new Backlog(() => this.work());
    this.#pace = new Pace(options.limits, () => this.#now());
    options.signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** One of the two sides of `key` changed. `work` looks at it. */
  changed(key: ObjectKey): void {
    const entry = this.#entries.get(key);
    if (entry?.writing === true) entry.again = true;
    else this.#backlog.add(key);
  }

  get queue(): { readonly ready: number; readonly waiting: number; readonly writing: number } {
    return { ready: this.#backlog.ready, waiting: this.#backlog.waiting, writing: this.#writing };
  }

  /** Compares what is ready to be compared, and begins writes as far as limits allow. */
  work(): void {
    const { limits, signal, isLeading } = this.#options;
    for (let looks = 0; !signal.aborted && isLeading() && this.#writing < limits.concurrency && this.#backlog.ready > 0; looks++) {
      const wait = looks < looksAtOnce ? this.#pace.waitMs() : 1;
      if (wait > 0) return this.#workAfter(wait);
      const key = this.#backlog.take();
      const job = key === undefined ? undefined : this.#jobFor(key);
      if (job !== undefined) void this.#run(job);
    }
  }

  #workAfter(ms: number): void {
    clearTimeout(this.#wake);
    this.#wake = setTimeout(() => this.work(), ms);
  }

  #jobFor(key: ObjectKey): Job | undefined {
    const { controllerName, now, limits } = this.#options;
    const standing = this.#standing(key);
    if (standing === undefined) {
      this.#entries.delete(key);
      return undefined;
    }
    const wanted = this.#options.wanted(key);
    if (wanted !== undefined && isAboutAnother(wanted, standing)) return undefined;
    const write = statusWriteFor(wanted, standing, controllerName, now());
    const entry = this.#entries.get(key) ?? { way: 'apply', holds: [], failures: 0, paid: 0, writing: false, again: false };
    if (write === undefined) {
      entry.failures = 0;
      return undefined;
    }
    if (entry.unmet !== undefined && equal(entry.unmet.wanted, wanted) && equal(entry.unmet.status, standing.status)) return undefined;
    const wait = Math.max(
      waitMs(entry.holds, wanted, standing.resourceVersion, this.#now()),
      (this.#forbidden.get(scopeOf(key)) ?? 0) - this.#now(),
      entry.paid - limits.objectEveryMs * (limits.objectBurst - 1) - this.#now(),
    );
    if (wait <= 0) return { key, entry, wanted, standing, write };
    this.#backlog.addAfter(key, wait);
    return undefined;
  }

  /** The newest version we know of. An answer may come before the version it tells of is observed, and after. */
  #standing(key: ObjectKey): ObservedObject | undefined {
    const seen = this.#options.observed.get(key);
    const entry = this.#entries.get(key);
    if (seen !== undefined && entry?.answered?.older.has(seen.resourceVersion) === true) return entry.answered.object;
    if (entry !== undefined) delete entry.answered;
    return seen;
  }

  async #run(job: Job): Promise<void> {
    const { key, entry, standing, write } = job;
    const { api, signal, limits } = this.#options;
    this.#entries.set(key, entry);
    this.#pace.take();
    entry.paid = Math.max(entry.paid, this.#now()) + limits.objectEveryMs;
    this.#writing++;
    entry.writing = true;
    try {
      const answer = await api.request({ ...statusRequest(standing, write, entry.way), signal });
      if (!signal.aborted) this.#succeeded(job, answeredObject(standing, answer));
    } catch (error) {
      if (!signal.aborted) this.#failed(job, error);
    }
    this.#writing--;
    entry.writing = false;
    if (entry.again) {
      entry.again = false;
      this.changed(key);
    }
    this.work();
  }

  #succeeded({ key, entry, wanted, standing, write }: Job, object: ObservedObject): void {
    const { counts, observed, controllerName, log, events, now } = this.#options;
    counts.written++;
    this.#outage = 0;
    this.#forbidden.delete(scopeOf(key));
    if (entry.reported !== undefined) log.info({ object: key }, 'a status that was refused is written');
    delete entry.reported;
    entry.failures = 0;
    entry.holds = [];
    this.#remember(entry, standing, object, observed.get(key)?.resourceVersion);
    for (const occurrence of occurrencesOf(standing, write.before, write.after)) events(occurrence);

    const stands = statusWriteFor(wanted, object, controllerName, now()) === undefined;
    if (!stands && entry.way === 'apply') {
      entry.way = 'merge';
      entry.again = true;
      return;
    }
    if (stands) delete entry.unmet;
    else entry.unmet = { wanted, status: object.status };
    const { said } = entry;
    const isRepair = said !== undefined && equal(said.wanted, wanted) && this.#now() - said.at < peaceMs;
    const undone = isRepair ? said.undone + 1 : 0;
    entry.said = { wanted, at: this.#now(), undone };
    entry.holds = holdsAfterWrite(undone, wanted, this.#now(), Math.random());
    if (undone === 3)
      log.warn({ object: key }, 'somebody else writes over this status again and again: is there another controller for it?');
  }

  /** What was written over, and what is observed now unless it is newer, are older than the answer. */
  #remember(entry: Entry, standing: ObservedObject, object: ObservedObject, seen: string | undefined): void {
    const older = new Set([...(entry.answered?.older ?? []), standing.resourceVersion]);
    if (seen !== undefined && older.has(seen)) entry.answered = { object, older };
    else delete entry.answered;
  }

  #failed({ key, entry, wanted, standing }: Job, error: unknown): void {
    const { counts, limits, log } = this.#options;
    const failure = failureOf(error);
    entry.again = true;
    if (failure === 'overwhelmed') return this.#overwhelmed(error);
    if (failure === 'unknown-field' && entry.way === 'apply') {
      entry.way = 'merge';
      return;
    }
    entry.failures++;
    entry.holds = holdsAfterFailure(failure, {
      failures: entry.failures,
      error,
      wanted,
      resourceVersion: standing.resourceVersion,
      refusedMs: limits.refusedMs,
      now: this.#now(),
      random: Math.random(),
    });
    const about = { object: key, err: error };
    switch (failure) {
      case 'gone':
        return;
      case 'conflict':
        counts.conflicts++;
        return;
      case 'failed':
        counts.failed++;
        if (entry.failures === 1) log.warn(about, 'a status could not be written, and is tried again');
        return;
      case 'forbidden':
        counts.refused++;
        if (!this.#forbidden.has(scopeOf(key))) log.warn(about, 'statuses of this kind and namespace may not be written');
        this.#forbidden.set(scopeOf(key), this.#now() + limits.forbiddenMs);
        return;
      case 'unknown-field':
      case 'refused': {
        counts.refused++;
        const text = String(error);
        if (entry.reported !== text) log.warn(about, 'the API server refuses a status');
        entry.reported = text;
      }
    }
  }

  /** Says nothing about the object: everybody waits. Of writes that were on their way together, one counts. */
  #overwhelmed(error: unknown): void {
    this.#options.counts.failed++;
    if (this.#pace.isPaused) return;
    this.#outage++;
    if (this.#outage === 1) this.#options.log.warn({ err: error }, 'statuses wait for the API server');
    this.#pace.pause(waitAfter(this.#outage, error, outages, Math.random()));
  }

  #now(): number {
    return this.#options.now().getTime();
  }

  #end(): void {
    clearTimeout(this.#wake);
    this.#backlog.clear();
    this.#entries.clear();
  }
}

/** Rights are given by kind, and by namespace or everywhere. */
const scopeOf = (key: ObjectKey): string => {
  const { kind, namespace } = partsOf(key);
  return `${kind} ${namespace}`;
};
