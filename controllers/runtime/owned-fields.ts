import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

/** The field manager of everything we apply. */
export const fieldManager = 'tailplane';

/**
 * Whether every field of `object` in `standing` is still the one we applied last. The API server keeps this account itself (`managedFields`):
 * whoever changes or removes a field that we set becomes its owner, or takes it off our list. Names of fields only, no values, so neither a
 * default nor a quantity written in another way (`1000m`, `1`) nor what an admission webhook adds makes a difference.
 */
export const ownsEachFieldOf = (object: KubeObject, standing: KubeObject): boolean => {
  const ours = standing.metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === fieldManager && operation === 'Apply' && (subresource === undefined || subresource === ''),
  );
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  const { name: ___, namespace: ____, ...described } = metadata;
  return isOwned({ ...rest, ...(Object.keys(described).length === 0 ? {} : { metadata: described }) }, ours?.fieldsV1);
};

type Fields = Readonly<Record<string, unknown>>;

/** `owned` is a part of `fieldsV1`: `f:` field, `k:` element of a list by its keys, `v:` element by its value, `.` the thing itself. */
const isOwned = (value: unknown, owned: unknown): boolean => {
  if (!isFields(owned)) return false;
  // Nothing below: a plain value, something empty, or one that has a single owner as a whole.
  if (Object.keys(owned).every((name) => name === '.')) return true;
  if (Array.isArray(value)) return value.every((element) => isOwnedElement(element, owned));
  if (!isFields(value)) return true;
  return Object.entries(value).every(([name, field]) => field === undefined || field === null || isOwned(field, owned[`f:${name}`]));
};

const isOwnedElement = (element: unknown, owned: Fields): boolean => {
  if (!isFields(element)) return Object.hasOwn(owned, `v:${JSON.stringify(element)}`);
  return Object.entries(owned).some(([name, below]) => name.startsWith('k:') && hasKeys(element, name) && isOwned(element, below));
};

/** An element may leave out keys that have a default, as ports do with `protocol`. */
const hasKeys = (element: Fields, name: string): boolean =>
  Object.entries(JSON.parse(name.slice(2)) as Fields).every(([key, value]) => element[key] === undefined || element[key] === value);

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
