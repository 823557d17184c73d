import type { Resource } from '../../src/kubernetes/resource.ts';
import { managedResources } from '../runtime/kinds.ts';

const own = (kind: string, plural: string): Resource => ({
  group: 'gateway.tailscale.com',
  version: 'v1alpha1',
  kind,
  plural,
  scope: 'Namespaced',
});

/** Kinds that ask for proxies. */
export const ownerResources = {
  TailscaleEndpoints: own('TailscaleEndpoints', 'tailscaleendpoints'),
  TailscaleGateway: own('TailscaleGateway', 'tailscalegateways'),
  TailscaleProxyGroup: own('TailscaleProxyGroup', 'tailscaleproxygroups'),
} as const;

export const podResource: Resource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', scope: 'Namespaced' };

/** What `objectsFor` may make, its StatefulSet included. */
export const objectResources = [
  managedResources.ServiceAccount,
  managedResources.Role,
  managedResources.RoleBinding,
  managedResources.ConfigMap,
  managedResources.Service,
  managedResources.NetworkPolicy,
  managedResources.PodDisruptionBudget,
  managedResources.StatefulSet,
] as const;
