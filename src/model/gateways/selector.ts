import type { Gateway, LabelSelector, ListenerSet } from '../../api/generated/gateway-api.ts';
import type { Read } from '../../lib/memo.ts';
import type { ModelTables } from '../tables.ts';

type Namespaces = Pick<ModelTables, 'Namespace'>;
type Labels = { readonly [key: string]: string };

const nameLabel = 'kubernetes.io/metadata.name';

/** A namespace's labels. One without an object, as in a directory of files, has the label that names it, as on a cluster. */
const namespaceLabels = (read: Read<Namespaces>, namespace: string): Labels => ({
  ...read('Namespace', `/${namespace}`)?.metadata.labels,
  [nameLabel]: namespace,
});

/** Whether labels fit a selector; an empty one fits all, an absent one none. */
export const selects = (selector: LabelSelector | undefined, labels: Labels): boolean => {
  if (selector === undefined) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
};

type FromNamespaces = { readonly from: string; readonly selector?: LabelSelector };

/** Whether objects of `namespace` may attach to something in `home` that allows `from`. */
export const allowsNamespace = (read: Read<Namespaces>, { from, selector }: FromNamespaces, home: string, namespace: string): boolean => {
  switch (from) {
    case 'All':
      return true;
    case 'Same':
      return namespace === home;
    case 'Selector':
      return selects(selector, namespaceLabels(read, namespace));
    default:
      return false;
  }
};

/** Those of the ListenerSets that name a Gateway as their parent which it allows (`GatewaySpec.allowedListeners`). */
export const allowedSetsOf = (gateway: Gateway, sets: readonly ListenerSet[], read: Read<Namespaces>): readonly ListenerSet[] =>
  sets.filter((set) =>
    allowsNamespace(
      read,
      gateway.spec.allowedListeners?.namespaces ?? { from: 'None' },
      gateway.metadata.namespace ?? '',
      set.metadata.namespace ?? '',
    ),
  );
