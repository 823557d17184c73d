import { Observable, shareReplay, Subject } from 'rxjs';
import type { ObjectKey } from '../../lib/key.ts';
import type { Source } from '../source.ts';
import type { Observed } from './observed.ts';
import { Session, type SessionOptions } from './session.ts';

export type KubernetesOptions = Omit<SessionOptions, 'observedChange'>;

export type KubernetesSource = { readonly state$: Source; readonly observed: Observed };

/**
 * What an API server holds of every kind that we read and that exists there: as a source, and, while that is subscribed to, as observed objects.
 * The state changes only with what the model reads; a write of status is seen in `observed` alone.
 */
export const kubernetesSource = (options: KubernetesOptions): KubernetesSource => {
  const changed = new Subject<ObjectKey>();
  let session: Session | undefined;
  const state$: Source = new Observable((out) => {
    const own = new Session({ ...options, observedChange: (key) => changed.next(key) }, (state) => out.next(state));
    session = own;
    own.start();
    return () => own.stop();
  });
  return {
    state$: state$.pipe(shareReplay({ bufferSize: 1, refCount: true })),
    observed: {
      get: (key) => session?.get(key),
      ofKind: (kind) => session?.ofKind(kind) ?? [],
      changed$: changed.asObservable(),
    },
  };
};
