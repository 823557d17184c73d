import { equal } from '../../src/lib/equal.ts';
import type { Status } from '../../src/model/status.ts';
import { type Backoff, waitAfter } from '../../src/kubernetes/backoff.ts';
import type { Failure } from './outcome.ts';

const retries: Backoff = { minMs: 250, maxMs: 30_000 };
const conflicts: Backoff = { minMs: 50, maxMs: 5_000 };
/** For an object that somebody else writes over again and again. */
const repairs: Backoff = { minMs: 1_000, maxMs: 300_000 };
/** For all writes, while the API server takes none. */
export const outages: Backoff = { minMs: 250, maxMs: 15_000 };
/** After so long a peace, somebody who writes over a status is new. */
export const peaceMs = 600_000;
/** Until an object is looked at again although nothing newer of it was seen. */
const unseenMs = 30_000;

/** Why an object is not written yet: until a time, or until what is said here of one of the two sides is no longer so. */
export type Hold = {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly wanted?: { readonly is: Status | undefined };
  readonly resourceVersion?: string;
};

/** Milliseconds until no hold stands against a write; 0 when none does. */
export const waitMs = (holds: readonly Hold[], wanted: Status | undefined, resourceVersion: string, now: number): number =>
  holds
    .filter((hold) => hold.wanted === undefined || equal(hold.wanted.is, wanted))
    .filter((hold) => hold.resourceVersion === undefined || hold.resourceVersion === resourceVersion)
    .reduce((longest, { until }) => Math.max(longest, until - now), 0);

export type Failed = {
  /** In a row, this one included. */
  readonly failures: number;
  readonly error: unknown;
  readonly wanted: Status | undefined;
  readonly resourceVersion: string;
  readonly refusedMs: number;
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
};

/** When to try again what failed. What concerns more than one object is not said here. */
export const holdsAfterFailure = (failure: Failure, failed: Failed): readonly Hold[] => {
  const { failures, error, wanted, resourceVersion, refusedMs, now, random } = failed;
  switch (failure) {
    case 'gone':
      return [{ until: now + unseenMs, resourceVersion }];
    case 'conflict': {
      const once = { until: now + unseenMs, resourceVersion };
      return failures === 1 ? [once] : [once, { until: now + waitAfter(failures - 1, error, conflicts, random) }];
    }
    case 'failed':
      return [{ until: now + waitAfter(failures, error, retries, random) }];
    case 'refused':
    case 'unknown-field':
      return [
        { until: now + refusedMs, wanted: { is: wanted }, resourceVersion },
        { until: now + waitAfter(failures, error, retries, random) },
      ];
    case 'forbidden':
    case 'overwhelmed':
      return [];
  }
};

/** When to write `wanted` once more if somebody undoes it, who has `undone` it so often already: the first time at once. */
export const holdsAfterWrite = (undone: number, wanted: Status | undefined, now: number, random: number): readonly Hold[] =>
  undone === 0 ? [] : [{ until: now + waitAfter(undone, undefined, repairs, random), wanted: { is: wanted } }];
