import { distinctUntilChanged, EMPTY, map, type Observable, switchMap } from 'rxjs';
import { provisionTemplates } from '../../../controllers/templates/provisioner.ts';
import type { FleetsOptions } from './fleets.ts';

/** Makes what templates of TailscaleServices ask for while we lead and it is subscribed to. */
export const templatesOn = ({
  api,
  update$,
  leading$,
  log,
}: Pick<FleetsOptions, 'api' | 'update$' | 'leading$' | 'log'>): Observable<never> => {
  const world$ = update$.pipe(
    map(({ graph, state }) => ({ provisioned: graph.provisioned, existing: state.objects.TailscaleEndpoints })),
    distinctUntilChanged((one, other) => one.provisioned === other.provisioned && one.existing === other.existing),
  );
  return leading$.pipe(
    switchMap((signal) =>
      signal === undefined
        ? EMPTY
        : provisionTemplates({
            api,
            world$,
            signal,
            failed: (key, error) => log.warn(`TailscaleEndpoints ${key}: cannot be made or taken away: ${(error as Error).message}`),
          }),
    ),
  );
};
