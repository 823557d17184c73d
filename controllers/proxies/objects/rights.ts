import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { certificateNamesOf } from './certificates.ts';
import { metadataOf } from './metadata.ts';
import { configNameOf, stateNameOf } from './secrets.ts';

const rbac = 'rbac.authorization.k8s.io';

/**
 * Who the proxies are to the API server: somebody who may keep their state and their certificates in the Secrets of this set, and nothing else. They may not create
 * any, so they never have one that we do not know of.
 */
export const rightsFrom = (set: ProxySet, uid: string): readonly KubeObject[] => {
  const metadata = metadataOf(set, uid);
  const ordinals = Array.from({ length: set.replicas }, (_, ordinal) => ordinal);
  const own = ordinals.flatMap((ordinal) => [stateNameOf(set, ordinal), configNameOf(set, ordinal)]);
  const secrets = own.length === 0 ? [] : [...own, ...certificateNamesOf(set)];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        // An empty list of names would be all Secrets.
        ...(secrets.length === 0
          ? []
          : [{ apiGroups: [''], resources: ['secrets'], resourceNames: secrets, verbs: ['get', 'patch', 'update'] }]),
        { apiGroups: [''], resources: ['events'], verbs: ['create', 'get', 'patch'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name: set.name },
      subjects: [{ kind: 'ServiceAccount', name: set.name, namespace: set.namespace }],
    },
  ];
};
