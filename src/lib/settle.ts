import { asyncScheduler, type MonoTypeOperatorFunction, NEVER, Observable, type SchedulerLike, type Subscription } from 'rxjs';

/**
 * Turns a burst of values into its last one: emits once the source has been quiet for as long as its latest value asks for, and at the
 * latest `maxMs()` after the burst began, so a source that never rests still makes progress. `quietMsOf` sees the latest value and the
 * one emitted last (undefined before the first), so that a small change may wait for less than a large one.
 * Both are asked again for a value that waits when `again$` emits.
 * One timer a burst, not one a value: millions of values cost little. A source that completes gives what is left at once.
 */
export const settle =
  <T>(
    quietMsOf: (latest: T, emitted: T | undefined) => number,
    maxMs: () => number,
    again$: Observable<unknown> = NEVER,
    scheduler: SchedulerLike = asyncScheduler,
  ): MonoTypeOperatorFunction<T> =>
  (source) =>
    new Observable<T>((out) => {
      let waiting: { readonly value: T; readonly quietMs: number } | undefined;
      let emitted: T | undefined;
      let firstAt = 0;
      let lastAt = 0;
      let armedQuietMs = 0;
      let timer: Subscription | undefined;
      const dueInMs = (): number => (waiting === undefined ? 0 : Math.min(lastAt + waiting.quietMs, firstAt + maxMs()) - scheduler.now());
      const arm = (): void => {
        timer?.unsubscribe();
        armedQuietMs = waiting?.quietMs ?? 0;
        timer = scheduler.schedule(fire, Math.max(0, dueInMs()));
      };
      const fire = (): void => {
        timer = undefined;
        if (waiting === undefined) return;
        if (dueInMs() > 0) return arm();
        emitted = waiting.value;
        waiting = undefined;
        out.next(emitted);
      };
      const subscription = again$.subscribe(() => {
        if (waiting === undefined) return;
        waiting = { ...waiting, quietMs: quietMsOf(waiting.value, emitted) };
        arm();
      });
      subscription.add(
        source.subscribe({
          next: (value) => {
            lastAt = scheduler.now();
            if (waiting === undefined) firstAt = lastAt;
            waiting = { value, quietMs: quietMsOf(value, emitted) };
            // An armed timer looks again when it fires, which is early enough unless this value asks for less.
            if (timer === undefined || waiting.quietMs < armedQuietMs) arm();
          },
          error: (error: unknown) => out.error(error),
          complete: () => {
            if (waiting !== undefined) out.next(waiting.value);
            out.complete();
          },
        }),
      );
      return () => {
        timer?.unsubscribe();
        subscription.unsubscribe();
      };
    });
