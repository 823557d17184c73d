import { distinctUntilChanged, map, type Observable, timer } from 'rxjs';

const hourMs = 3_600_000;
const lookMs = 60_000;

/** When each hour began, in ms since 1970: at once, and within a minute of the next one, also after the clock was set. */
export const hours = (now: () => number): Observable<number> =>
  timer(0, lookMs).pipe(
    map(() => Math.floor(now() / hourMs) * hourMs),
    distinctUntilChanged(),
  );
