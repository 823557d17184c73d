import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { apiVersionOf, type Resource } from '../../src/kubernetes/resource.ts';

const namespaced = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  scope: 'Namespaced',
});

/** What controllers make and remove. */
export const managedResources = {
  ConfigMap: namespaced('', 'v1', 'ConfigMap', 'configmaps'),
  Event: namespaced('', 'v1', 'Event', 'events'),
  Secret: namespaced('', 'v1', 'Secret', 'secrets'),
  Service: namespaced('', 'v1', 'Service', 'services'),
  ServiceAccount: namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts'),
  Deployment: namespaced('apps', 'v1', 'Deployment', 'deployments'),
  StatefulSet: namespaced('apps', 'v1', 'StatefulSet', 'statefulsets'),
  HorizontalPodAutoscaler: namespaced('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  Lease: namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  NetworkPolicy: namespaced('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  TailscaleEndpoints: namespaced('gateway.tailscale.com', 'v1alpha1', 'TailscaleEndpoints', 'tailscaleendpoints'),
  PodDisruptionBudget: namespaced('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  Role: namespaced('rbac.authorization.k8s.io', 'v1', 'Role', 'roles'),
  RoleBinding: namespaced('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
} as const satisfies Readonly<Record<string, Resource>>;

/** Where `object` is kept. Throws for a kind or version that no controller manages. */
export const resourceOf = ({ apiVersion, kind }: KubeObject): Resource => {
  const resource = (managedResources as Readonly<Record<string, Resource>>)[kind];
  if (resource === undefined || apiVersionOf(resource) !== apiVersion)
    throw new Error(`unreachable: no controller manages ${apiVersion} ${kind}`);
  return resource;
};
