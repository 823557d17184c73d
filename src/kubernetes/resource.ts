/** Where an API server keeps the objects of one kind. */
export type Resource = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
};

export type Place = { readonly namespace?: string; readonly name?: string; readonly subresource?: string };

/** URL path of a kind's objects: of all namespaces, of one, of one object, or of one object's subresource. Names are escaped: users choose them. */
export const pathOf = ({ group, version, plural }: Resource, { namespace, name, subresource }: Place = {}): string =>
  [
    groupPathOf(group, version),
    ...(namespace === undefined || namespace === '' ? [] : ['namespaces', encodeURIComponent(namespace)]),
    plural,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');

/** URL path of one version of a group, below which its kinds are. */
export const groupPathOf = (group: string, version: string): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

/** `group/version`, or the version alone in the core group: what objects carry. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);
