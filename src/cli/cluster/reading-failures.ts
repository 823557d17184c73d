import {
  asyncScheduler,
  connect,
  distinctUntilChanged,
  ignoreElements,
  map,
  merge,
  type MonoTypeOperatorFunction,
  of,
  pairwise,
  type SchedulerLike,
  startWith,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import type { Provisioned } from '../../../controllers/gateway/observe.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import type { Logger } from '../../ops/log.ts';

/** An API server that starts forbids everything for a moment, and answers this or that. */
const lastingMs = 10_000;

/** These are about the server, whatever is read of it: the source says so, once for all. */
const serverCauses: ReadonlySet<Failure['cause']> = new Set(['unreachable', 'certificate', 'unauthorized']);

/** Passes on what is observed, and logs what of it cannot be read for a while: once, and when it can be read again. */
export const tellReadingFailures =
  (log: Pick<Logger, 'error' | 'info'>, scheduler: SchedulerLike = asyncScheduler): MonoTypeOperatorFunction<Provisioned> =>
  (provisioned$) =>
    provisioned$.pipe(
      connect((shared$) => {
        const told$ = shared$.pipe(
          map(textOf),
          distinctUntilChanged(),
          switchMap((text) => (text === '' ? of(text) : timer(lastingMs, scheduler).pipe(map(() => text)))),
          startWith(''),
          distinctUntilChanged(),
          pairwise(),
          tap(([, text]) => {
            if (text === '') log.info('what is on the cluster for Gateways can be read again');
            else log.error(`what is on the cluster for Gateways cannot be read: ${text}`);
          }),
          ignoreElements(),
        );
        return merge(told$, shared$);
      }),
    );

const textOf = ({ failures }: Provisioned): string =>
  failures
    .filter(({ failure }) => !serverCauses.has(failure.cause))
    .map(({ resource, failure }) => `${resource.plural}: ${failure.message}`)
    .join('; ');
