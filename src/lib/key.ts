/** Names one object among all kinds: `Kind/namespace/name`; cluster-scoped kinds have an empty namespace (`GatewayClass//tailplane`). */
export type ObjectKey = `${string}/${string}/${string}`;

/** Names one object among those of its kind: `namespace/name`, or `/name` for cluster-scoped kinds. */
export type LocalKey = `${string}/${string}`;

type Named = { readonly kind: string; readonly metadata: { readonly namespace?: string; readonly name: string } };

export const objectKey = (kind: string, namespace: string, name: string): ObjectKey => joined([kind, namespace, name]) as ObjectKey;

export const localKey = (namespace: string, name: string): LocalKey => joined([namespace, name]) as LocalKey;

/** One piece. What a template or `+` gives is kept as the pieces it was made of, which for the keys of thousands of objects is twice as much. */
const joined = (parts: readonly string[]): string => parts.join('/');

export const keyOf = (object: Named): ObjectKey => objectKey(object.kind, object.metadata.namespace ?? '', object.metadata.name);

export const localKeyOf = (object: Pick<Named, 'metadata'>): LocalKey => localKey(object.metadata.namespace ?? '', object.metadata.name);

/** The parts of a key, in the order they are written. */
export const partsOf = (key: ObjectKey): { readonly kind: string; readonly namespace: string; readonly name: string } => {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
};

/** Orders strings by code unit: the same on every machine and locale, so that equal meaning is equal bytes. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
