import type { KubeMetadata, KubeObject } from '../../src/kubernetes/kube-object.ts';
import { fingerprint } from '../../src/lib/fingerprint.ts';
import { keyOf } from '../../src/lib/key.ts';
import { ownsEachFieldOf } from './owned-fields.ts';

export type Action =
  /** `standing` is what was there when this was planned; undefined means that it is to be created. */
  | { readonly do: 'apply'; readonly object: KubeObject; readonly standing: KubeObject | undefined }
  | { readonly do: 'delete'; readonly object: KubeObject };

/** Whether what stands is `object` as we applied it. */
export type Same = (object: KubeObject, standing: KubeObject) => boolean;

/** Carries the fingerprint of what was applied, so that another replica, or we after a restart, need not apply it again to be sure. */
export const appliedAnnotation = 'gateway.tailscale.com/applied';

/**
 * What turns `observed` into `desired`: applies in the order of `desired`, then deletes in the reverse order of `observed`. Empty when
 * everything stands as it was applied. An object that is being deleted is left alone; when it is gone, it is planned anew. `observed` must
 * carry `managedFields`.
 */
export const plan = (desired: readonly KubeObject[], observed: readonly KubeObject[], same: Same = isAsApplied): readonly Action[] => {
  const standing = new Map(observed.map((object) => [keyOf(object), object]));
  const wanted = new Set(desired.map(keyOf));
  const applies = desired.map(stamped).flatMap((object): readonly Action[] => {
    const stands = standing.get(keyOf(object));
    if (stands !== undefined && (isGoing(stands) || same(object, stands))) return [];
    return [{ do: 'apply', object, standing: stands }];
  });
  const deletes = observed
    .filter((object) => !wanted.has(keyOf(object)) && !isGoing(object))
    .toReversed()
    .map((object): Action => ({ do: 'delete', object }));
  return [...applies, ...deletes];
};

/**
 * Told by two things the API server keeps for us, instead of comparing contents with what stands there: the fingerprint says that what we
 * want is what we applied last, and the field owners say that nobody changed any of it since.
 */
export const isAsApplied: Same = (object, standing) =>
  object.metadata.annotations?.[appliedAnnotation] === standing.metadata.annotations?.[appliedAnnotation] &&
  ownsEachFieldOf(object, standing);

/** `object` without fields that say nothing, and with its fingerprint among its annotations. */
const stamped = (object: KubeObject): KubeObject => {
  const plain = plainOf(object) as KubeObject;
  const metadata: KubeMetadata = {
    ...plain.metadata,
    annotations: { ...plain.metadata.annotations, [appliedAnnotation]: fingerprint(JSON.stringify(plain)) },
  };
  return { ...plain, metadata };
};

/** The same data with sorted fields, so that equal meaning is equal text; users' `field: null` says nothing that leaving it out does not. */
const plainOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined && field !== null)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, field]) => [name, plainOf(field)]),
  );
};

const isGoing = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
