import {
  asyncScheduler,
  exhaustMap,
  filter,
  map,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  race,
  type SchedulerLike,
  share,
  take,
  tap,
  timer,
} from 'rxjs';

/**
 * Values, each held until `isTime`, which is asked at once and with each of `looks$`, but never longer than `limitMs`. Of those that come while
 * one is held only the newest goes on.
 */
export const holdUntil =
  <T>(
    isTime: () => boolean,
    looks$: Observable<unknown>,
    limitMs: number,
    scheduler: SchedulerLike = asyncScheduler,
  ): MonoTypeOperatorFunction<T> =>
  (values$) => {
    let newest: T;
    return values$.pipe(
      tap((value) => {
        newest = value;
      }),
      exhaustMap(() =>
        race(timer(limitMs, scheduler), merge(of(undefined), looks$).pipe(filter(isTime))).pipe(
          take(1),
          map(() => newest),
        ),
      ),
      share(),
    );
  };
