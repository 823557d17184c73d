import type { AnyObject, Kind } from '../../api/kinds.ts';
import { certificateSecret, proxySecretLabel } from '../../api/labels.ts';
import type { LocalKey, ObjectKey } from '../../lib/key.ts';
import type { KubeMetadata } from '../../kubernetes/kube-object.ts';
import type { SourceProblem } from '../source.ts';
import type { Entry } from './entry.ts';
import { KindReader, type Reading } from './kind-reader.ts';
import { KindStore } from './kind-store.ts';
import { ReferencedStore } from './referenced-store.ts';
import type { ReferencedKind } from './references.ts';

/** What is known of one kind. Maps and lists stay the same until what they hold changes. */
export interface Store {
  readonly get: (key: LocalKey) => Entry | undefined;
  readonly entries: () => Iterable<Entry>;
  readonly objects: () => ReadonlyMap<string, AnyObject>;
  readonly problems: () => readonly SourceProblem[];
  /** Forgets all of it: the kind does not exist any more. */
  readonly clear: () => void;
}

/** What is asked of a reader, whatever it reads. */
type Reader = Pick<KindReader<never>, keyof KindReader<never>>;

/** A kind, read into its store. */
export type Follower = { readonly kind: Kind; readonly reader: Reader; readonly store: Store };

export type Hearing = {
  /** Something was told, be it only of health. */
  readonly heard: () => void;
  readonly observedChange: (key: ObjectKey) => void;
};

/** Reads every object of a kind; of Namespaces, only those that are read. */
export const followerOf = (kind: Kind, reading: Reading, { heard, observedChange }: Hearing): Follower => {
  const { namespaces } = reading;
  const isWanted = kind === 'Namespace' && namespaces !== undefined ? (key: LocalKey) => namespaces.includes(key.slice(1)) : undefined;
  const store = new KindStore(kind, observedChange, isWanted);
  const reader = new KindReader(reading, false, {
    take: (object, key) => store.entryOf(key, object),
    hear: (event, namespace) => {
      store.hear(event, namespace);
      heard();
    },
  });
  return { kind, reader, store };
};

/** Secrets that we made for proxies to leave certificates in: names that only the tailnet tells, so that no object refers to them. */
const isOfProxies = ({ labels }: KubeMetadata): boolean => labels?.[proxySecretLabel] === certificateSecret;

/** Reads the metadata of every object of a kind, and those whole that are wanted of `store`, or hold certificates of proxies. */
export const referencedFollowerOf = (
  kind: ReferencedKind,
  reading: Reading,
  { heard, observedChange }: Hearing,
): Follower & { readonly store: ReferencedStore } => {
  const { api, clock } = reading;
  const isMarked = kind === 'Secret' ? { isMarked: isOfProxies } : {};
  const store = new ReferencedStore({ api, clock, kind, ...isMarked, answered: heard, observedChange });
  const reader = new KindReader(reading, true, {
    take: ({ metadata }) => store.seen(metadata),
    hear: (event, namespace) => {
      store.hear(event, namespace);
      heard();
    },
  });
  return { kind, reader, store };
};
