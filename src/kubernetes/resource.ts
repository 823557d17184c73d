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

/** URL path of a kind's objects: of all namespaces, of one, of one object, or of one object's subresource. */
export const pathOf = ({ group, version, plural }: Resource, { namespace, name, subresource }: Place = {}): string =>
  [
    group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
    ...(namespace === undefined || namespace === '' ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');

/** `group/version`, or the version alone in the core group: what objects carry. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);
