import { combineLatest, defer, distinctUntilChanged, map, type Observable, of, startWith } from 'rxjs';
import { noObservations, type Observations } from '../api/observations.ts';
import { present } from '../lib/present.ts';
import type { Source, SourceState } from './source.ts';

/** What is observed of the world, each part on its own; it may have nothing to say for a while. */
export type Observing = { readonly [P in keyof Observations]: Observable<Observations[P]> };

/**
 * `source` with what is known beside configuration. Its first state is synced when proxies are known, and of every tailnet that configuration
 * names something was heard, be it a failure; later ones when that of `source` is.
 */
export const observing = (
  source: Source,
  { tailnets: tailnets$, proxies: proxies$, sharedServices: sharedServices$, hour: hour$ = of(undefined) }: Observing,
): Source =>
  defer(() => {
    const observations$ = combineLatest({
      tailnets: tailnets$.pipe(startWith(noObservations.tailnets), distinctUntilChanged()),
      proxies: proxies$.pipe(startWith(undefined), distinctUntilChanged()),
      sharedServices: sharedServices$.pipe(startWith(noObservations.sharedServices), distinctUntilChanged()),
      hour: hour$.pipe(distinctUntilChanged()),
    }).pipe(
      map(({ tailnets, proxies, sharedServices, hour }) => ({
        known: proxies !== undefined,
        observations: { tailnets, proxies: proxies ?? noObservations.proxies, sharedServices, ...present({ hour }) },
      })),
    );
    let begun = false;
    return combineLatest([source, observations$]).pipe(
      map(([state, { known, observations }]) => {
        begun ||= known && state.health.synced && isHeardOf(state, observations);
        return { ...state, observations, health: begun ? state.health : { ...state.health, synced: false } };
      }),
    );
  });

const isHeardOf = ({ objects }: SourceState, { tailnets }: Observations): boolean =>
  [...objects.TailscaleTailnet.values()].every(({ metadata }) => tailnets.has(metadata.name));
