import type { Observable } from 'rxjs';
import type { Kind } from '../../api/kinds.ts';
import type { ObjectKey } from '../../lib/key.ts';

/** What the API server holds of an object besides what the model reads: what a status writer compares with. */
export type ObservedObject = {
  readonly key: ObjectKey;
  /** With the version the API server gave it to us in, which is the one to write it back in. */
  readonly apiVersion: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** As it stands, whoever wrote it; undefined before anybody did. */
  readonly status: Readonly<Record<string, unknown>> | undefined;
};

/**
 * Objects as they stand on the API server. A change of nothing but status is seen here and nowhere else: it gives the model the same object
 * as before, so that our own status writes cost no rebuild.
 */
export interface Observed {
  readonly get: (key: ObjectKey) => ObservedObject | undefined;
  /** Of one kind, in no order. */
  readonly ofKind: (kind: Kind) => Iterable<ObservedObject>;
  /** Keys of objects whose status or resourceVersion changed, or that came or went. */
  readonly changed$: Observable<ObjectKey>;
}
