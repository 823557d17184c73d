import { ignoreElements, type Observable, type SchedulerLike, timer } from 'rxjs';

/** Longer timers overflow (2^31 ms), and clocks are set meanwhile: whoever waits looks again after it. */
const atMostMs = 12 * 3_600_000;

/** So that what is long due does not keep the process busy. */
const atLeastMs = 1000;

/** Completes at `at` (Unix milliseconds) or 12 h from now, whichever comes first, and not sooner than in a second. */
export const waitUntil = (at: number, scheduler: SchedulerLike): Observable<never> =>
  timer(Math.min(Math.max(at - scheduler.now(), atLeastMs), atMostMs), scheduler).pipe(ignoreElements());
