import { combineLatest, filter, map, type Observable } from 'rxjs';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { Failure } from '../../src/kubernetes/failure.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Selection } from '../../src/kubernetes/list-watch.ts';
import { reflect, type Reflection } from '../../src/kubernetes/reflector.ts';
import type { Resource } from '../../src/kubernetes/resource.ts';
import { keyOf, localKey, type LocalKey, type ObjectKey, partsOf } from '../../src/lib/key.ts';
import { indexBy } from '../../src/lib/memo.ts';
import { managedResources } from '../runtime/kinds.ts';
import { type Group, groupFrom } from './group.ts';
import { finalizer, setLabel } from './objects/metadata.ts';
import { objectResources, ownerResources, podResource } from './resources.ts';

export type ProxyWorld = {
  /** What bears the label of a set, by `namespace/name` of it. One in which nothing changed is the same as before. */
  readonly groups: ReadonlyMap<LocalKey, Group>;
  /** Metadata of everything that may ask for proxies. */
  readonly owners: ReadonlyMap<ObjectKey, KubeObject>;
  /** Why some of it may be stale, or unknown where we may not list it. */
  readonly failures: readonly { readonly resource: Resource; readonly failure: Failure }[];
};

type Read = Reflection & { readonly resource: Resource };

/**
 * Everything there is about proxies, whole: nothing before all lists of all `namespaces` are (everywhere, when none is named). A kind that we may
 * not list, or that the API server does not serve, is left out.
 */
export const observeProxies = (api: ApiServer, namespaces: readonly string[] = []): Observable<ProxyWorld> => {
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const read = (resource: Resource, more: Partial<Selection>): readonly Observable<Read>[] =>
    places.map((place) => reflect({ api, resource, ...more, ...place }).pipe(map((reflection) => ({ resource, ...reflection }))));
  const labelled = [
    ...[...objectResources, managedResources.Secret].flatMap((resource) =>
      read(resource, { labelSelector: setLabel, managedFields: true }),
    ),
    ...read(podResource, { labelSelector: setLabel }),
  ];
  const owners = Object.values(ownerResources).flatMap((resource) => read(resource, { metadataOnly: true }));
  const worldOf = worldBuilder();
  return combineLatest([...labelled, ...owners]).pipe(
    filter((all) => all.every(isKnown)),
    map(worldOf),
  );
};

const isKnown = ({ health: { synced, failure } }: Read): boolean =>
  synced || failure?.cause === 'forbidden' || (failure?.cause === 'answered' && failure.message.includes('answers 404'));

/** Puts together what was read, looking only at kinds and sets in which something changed. */
const worldBuilder = (): ((reads: readonly Read[]) => ProxyWorld) => {
  const indices: ((objects: Reflection['objects']) => ReadonlyMap<string, readonly KubeObject[]>)[] = [];
  let last = new Map<LocalKey, { readonly parts: readonly unknown[]; readonly group: Group }>();
  return (reads) => {
    const labelled = reads.map(({ objects }, at) => (indices[at] ??= indexBy(setOf))(objects));
    const next: typeof last = new Map();
    for (const key of new Set(labelled.flatMap((index) => [...index.keys()] as LocalKey[]))) {
      const parts = labelled.map((index) => index.get(key));
      const before = last.get(key);
      const isSame = before?.parts.every((part, at) => part === parts[at]) === true;
      next.set(
        key,
        isSame && before !== undefined
          ? before
          : {
              parts,
              group: groupOf(
                key,
                parts.flatMap((part) => part ?? []),
              ),
            },
      );
    }
    last = next;
    return {
      groups: new Map([...next].map(([key, { group }]) => [key, group])),
      owners: ownersIn(reads),
      failures: reads.flatMap(({ resource, health: { failure } }) => (failure === undefined ? [] : [{ resource, failure }])),
    };
  };
};

const ownersIn = (reads: readonly Read[]): ProxyWorld['owners'] => {
  const owners = reads.filter(({ resource: { kind } }) => kind in ownerResources);
  return new Map(owners.flatMap(({ objects }) => [...objects.values()].map((object) => [keyOf(object), object] as const)));
};

/** Owners bear no such label. */
const setOf = ({ metadata }: KubeObject): readonly string[] => {
  const name = metadata.labels?.[setLabel];
  return name === undefined ? [] : [localKey(metadata.namespace ?? '', name)];
};

const groupOf = (key: LocalKey, members: readonly KubeObject[]): Group => {
  const { namespace, name } = partsOf(`/${key}`);
  const of = (kind: string): readonly KubeObject[] => members.filter((member) => member.kind === kind);
  return groupFrom(
    { namespace, name },
    { secrets: of('Secret'), pods: of('Pod'), objects: members.filter(({ kind }) => kind !== 'Secret' && kind !== 'Pod') },
  );
};

export const isHeld = (owner: KubeObject): boolean => owner.metadata.finalizers?.includes(finalizer) === true;
