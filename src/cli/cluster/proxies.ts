/** Proxies into tailnets: who makes them, and what became of them. */
import { auditTime, distinctUntilChanged, map, merge, type Observable, shareReplay, skip, takeUntil, timer } from 'rxjs';
import type { Replicas } from '../../../controllers/replicas/replicas.ts';
import { type ProxiesController, proxiesController } from '../../../controllers/proxies/controller.ts';
import { noObservations, type Observations } from '../../api/observations.ts';
import type { Config } from '../../config.ts';
import type { Update } from '../../pipeline.ts';
import type { Tailnets } from '../tailnets.ts';
import type { FleetsOptions } from './fleets.ts';

export type ProxiesOptions = Pick<FleetsOptions, 'api' | 'update$' | 'leading$' | 'log'> & {
  readonly config: Config;
  readonly tailnets: Pick<Tailnets, 'clientOf' | 'tailnets$'>;
  /** What Envoys have of what they are told. */
  readonly envoys: Pick<Replicas, 'isTaken' | 'changes$'>;
};

/** Makes the proxies that configuration asks for while we lead and `work$` is subscribed to. */
export const proxiesOn = ({ api, config, update$, leading$, tailnets, envoys, log }: ProxiesOptions): ProxiesController => {
  const sets$ = update$.pipe(
    map(({ graph }) => graph.proxySets),
    distinctUntilChanged(),
  );
  const shared$ = update$.pipe(
    map(({ state }) => state.observations?.sharedServices),
    distinctUntilChanged(),
  );
  let latest: Update | undefined;
  update$.subscribe((update) => (latest = update));
  return proxiesController({
    api,
    ...(config.watchNamespaces.length === 0 ? {} : { namespaces: config.watchNamespaces }),
    sets$,
    clientOf: tailnets.clientOf,
    tailnetExists: (tailnet) => latest?.state.objects.TailscaleTailnet.has(`/${tailnet}`) ?? true,
    // What a tailnet refused may be granted once its credentials, or its API, are well again.
    retry$: tailnets.tailnets$.pipe(map(troublesOf), distinctUntilChanged(), skip(1)),
    hosting: {
      hasAddresses: (tailnet, service) => {
        const shared = latest?.state.observations?.sharedServices.get(`${tailnet}/${service}`);
        return shared !== undefined && shared.addresses.length > 0;
      },
      isTaken: (gateway, listener) => envoys.isTaken(gateway, listener),
      changes$: merge(shared$, envoys.changes$).pipe(auditTime(gatherMs)),
    },
    leading$,
    log,
    ...(config.proxyImage === undefined ? {} : { context: { image: config.proxyImage } }),
  });
};

/** Envoys take a change one after the other, and tailnets are asked for many services at once. */
const gatherMs = 100;

const troublesOf = (tailnets: Observations['tailnets']): string =>
  [...tailnets].map(([name, { trouble }]) => `${name} ${trouble?.kind ?? ''}`).join();

/** For proxies to be read before the first update; who may not read them goes on without. */
const patienceMs = 10_000;

/** What is observed of proxies; nothing after a while if nobody tells. */
export const knownSoon = (observed$: ProxiesController['observed$']): Observable<Observations['proxies']> => {
  const shared$ = observed$.pipe(shareReplay({ bufferSize: 1, refCount: true }));
  return merge(
    shared$,
    timer(patienceMs).pipe(
      map(() => noObservations.proxies),
      takeUntil(shared$),
    ),
  );
};
