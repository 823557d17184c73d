import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

/** One right that a role gives. */
export type Rule = {
  /** `everywhere`, or the one namespace. */
  readonly where: string;
  readonly role: string;
  readonly group: string;
  readonly resource: string;
  /** Empty for all. */
  readonly names: readonly string[];
  readonly verbs: readonly string[];
};

type PolicyRule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

/** Every right of the roles among `objects`, one resource each, in order of role and resource. */
export const rulesIn = (objects: readonly KubeObject[]): readonly Rule[] =>
  objects
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap(({ metadata: { namespace = 'everywhere', name }, ...role }) =>
      (role['rules'] as readonly PolicyRule[]).flatMap(({ apiGroups, resources, resourceNames = [], verbs }) =>
        apiGroups.flatMap((group) =>
          resources.map((resource) => ({ where: namespace, role: name, group, resource, names: resourceNames, verbs })),
        ),
      ),
    )
    .toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));

const sortKey = ({ where, role, group, resource, names }: Rule): string => [where, role, group, resource, names.length].join('\u0000');
