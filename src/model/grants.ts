import type { Read } from '../lib/memo.ts';
import type { ModelTables } from './tables.ts';

export type GrantFrom = { readonly group: string; readonly kind: string; readonly namespace: string };
export type GrantTo = { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string };

/** Whether `from` may refer to `to`: within one namespace always, across namespaces by a ReferenceGrant in that of `to`. */
export const isGranted = (read: Read<ModelTables>, from: GrantFrom, to: GrantTo): boolean => {
  if (from.namespace === to.namespace) return true;
  const grants = read('grantsTo', to.namespace) ?? [];
  return grants.some(
    ({ spec }) =>
      spec.from.some((granted) => granted.group === from.group && granted.kind === from.kind && granted.namespace === from.namespace) &&
      spec.to.some(
        (granted) => granted.group === to.group && granted.kind === to.kind && (granted.name === undefined || granted.name === to.name),
      ),
  );
};
