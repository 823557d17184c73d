/** Leader election on a Lease as a state machine. Times are milliseconds of the local monotonic clock, or of none at all. */

/** What the Lease says, with the version that guards the next write. */
export type LeaseRecord = {
  readonly version: string;
  /** Empty when nobody holds it. */
  readonly holder: string;
  /** How long the holder may be silent. */
  readonly durationMs: number;
  /** How often it went from one holder to another. */
  readonly transitions: number;
};

export type LeaseTimes = {
  /** What others wait, after the last sign of life, before they take over. A Lease holds whole seconds: rounded up. */
  readonly durationMs: number;
  /** How long we go on leading without having renewed. Less than `durationMs`, by as much as clocks may run apart. */
  readonly renewMs: number;
  /** Between two tries. */
  readonly retryMs: number;
};

export type LeaseState = {
  readonly identity: string;
  readonly times: LeaseTimes;
  /** The record as it stood last, and when we first saw it so; undefined before the first look. */
  readonly seen: { readonly record: LeaseRecord; readonly atMs: number } | undefined;
  /** We lead as long as it is earlier than this. */
  readonly leadsUntilMs: number;
  readonly stopping: boolean;
};

export type LeaseEvent =
  /** It is time for another try. */
  | { readonly kind: 'due' }
  | { readonly kind: 'read'; readonly record: LeaseRecord | undefined }
  /** Our write, sent at `sentMs`, was accepted. */
  | { readonly kind: 'wrote'; readonly sentMs: number; readonly record: LeaseRecord }
  /** Our write was refused, because the record is no longer the one we saw. */
  | { readonly kind: 'conflict' }
  /** No answer, or one that says nothing about the record. */
  | { readonly kind: 'failed' }
  /** Leadership is to be given up for good. Not while a request is under way. */
  | { readonly kind: 'stop' };

export type LeaseCommand =
  | { readonly do: 'read' }
  /** Guarded by `over`, the record that is replaced; undefined creates. `takes` when it begins a tenure. */
  | { readonly do: 'write'; readonly record: Omit<LeaseRecord, 'version'>; readonly over: LeaseRecord | undefined; readonly takes: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'end' };

export const initialLease = (identity: string, times: LeaseTimes): LeaseState => ({
  identity,
  times,
  seen: undefined,
  leadsUntilMs: Number.NEGATIVE_INFINITY,
  stopping: false,
});

/**
 * The next state, and the one thing to do. Two rules make it safe whatever clocks say and however late answers come: we lead until `renewMs`
 * after *sending* the last write that was accepted, and take over from somebody else only `durationMs` after *seeing* the record change for
 * the last time, which cannot be earlier than it was sent.
 */
export const leaseStep = (state: LeaseState, event: LeaseEvent, nowMs: number): readonly [LeaseState, LeaseCommand] => {
  switch (event.kind) {
    case 'due':
      return [state, holds(state) ? renewal(state) : { do: 'read' }];
    case 'read':
      return lookedAt(state, event.record, nowMs);
    case 'wrote':
      return written(state, event.record, event.sentMs, nowMs);
    case 'conflict':
      // Somebody else wrote, or we did and the answer was lost: a leader must know at once.
      return [state, holds(state) ? { do: 'read' } : idle(state)];
    case 'failed':
      return [state, idle(state)];
    case 'stop':
      return stopped(state);
  }
};

/** Whether we lead at that moment. */
export const leads = ({ leadsUntilMs }: LeaseState, nowMs: number): boolean => nowMs < leadsUntilMs;

/** Whether the record, as far as we know, is ours. It takes a write of ours to lead by it. */
const holds = ({ seen, identity }: LeaseState): boolean => seen?.record.holder === identity;

const lookedAt = (state: LeaseState, record: LeaseRecord | undefined, nowMs: number): readonly [LeaseState, LeaseCommand] => {
  // A Lease that was deleted says nothing about its holder, who may lead on until it notices.
  if (record === undefined) {
    if (state.stopping) return [state, { do: 'end' }];
    return [state, isFree(state, nowMs) || holds(state) ? acquisition(state, undefined) : idle(state)];
  }
  const same = state.seen?.record.version === record.version;
  const next = { ...state, ...(same ? {} : { seen: { record, atMs: nowMs } }) };
  if (holds(next)) return [next, renewal(next)];
  const follower = { ...next, leadsUntilMs: Number.NEGATIVE_INFINITY };
  if (state.stopping) return [follower, { do: 'end' }];
  return [follower, isFree(follower, nowMs) ? acquisition(follower, record) : idle(follower)];
};

const written = (state: LeaseState, record: LeaseRecord, sentMs: number, nowMs: number): readonly [LeaseState, LeaseCommand] => {
  const next = { ...state, seen: { record, atMs: nowMs } };
  if (!holds(next)) return [{ ...next, leadsUntilMs: Number.NEGATIVE_INFINITY }, { do: 'end' }];
  return [{ ...next, leadsUntilMs: sentMs + state.times.renewMs }, idle(next)];
};

/** Gives the lease back only if it is ours; whoever comes next need not wait for it to expire then. */
const stopped = (state: LeaseState): readonly [LeaseState, LeaseCommand] => {
  const next = { ...state, stopping: true, leadsUntilMs: Number.NEGATIVE_INFINITY };
  return [next, holds(next) ? renewal(next) : { do: 'end' }];
};

const isFree = ({ seen }: LeaseState, nowMs: number): boolean =>
  seen === undefined || seen.record.holder === '' || nowMs >= seen.atMs + seen.record.durationMs;

const acquisition = ({ identity, times, seen }: LeaseState, over: LeaseRecord | undefined): LeaseCommand => {
  const transitions = seen === undefined ? 0 : seen.record.transitions + (seen.record.holder === identity ? 0 : 1);
  return { do: 'write', record: { holder: identity, durationMs: times.durationMs, transitions }, over, takes: true };
};

/** Of what is ours; gives it back when we are stopping. */
const renewal = ({ identity, times, seen, stopping }: LeaseState): LeaseCommand => {
  const transitions = seen?.record.transitions ?? 0;
  const record = stopping ? { holder: '', durationMs: 1000, transitions } : { holder: identity, durationMs: times.durationMs, transitions };
  return { do: 'write', record, over: seen?.record, takes: false };
};

/** A stop is not held up by a server that does not answer: the lease expires by itself. */
const idle = ({ stopping, times }: LeaseState): LeaseCommand => (stopping ? { do: 'end' } : { do: 'wait', ms: times.retryMs });
