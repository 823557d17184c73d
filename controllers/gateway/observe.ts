import { combineLatest, filter, map, type Observable } from 'rxjs';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Failure } from '../../src/kubernetes/failure.ts';
import { reflect } from '../../src/kubernetes/reflector.ts';
import type { Resource } from '../../src/kubernetes/resource.ts';
import { managedResources } from '../runtime/kinds.ts';
import { managedByLabel, proxySetLabel } from '../runtime/labels.ts';

/** Everything a Gateway may need on the cluster. */
export const provisionedResources = [
  managedResources.ServiceAccount,
  managedResources.ConfigMap,
  managedResources.Secret,
  managedResources.NetworkPolicy,
  managedResources.Service,
  managedResources.Deployment,
  managedResources.PodDisruptionBudget,
  managedResources.HorizontalPodAutoscaler,
] as const;

export type Provisioned = {
  readonly objects: readonly KubeObject[];
  /** Why some of them may be stale, or unknown where we may not list them. */
  readonly failures: readonly { readonly resource: Resource; readonly failure: Failure }[];
};

/**
 * What bears our label, whole: nothing before all lists of all `namespaces` are (everywhere, when none is named). A kind that we may not list
 * is left out and holds up nobody: nothing of it is deleted then, and what stands there is found when it is to be made.
 */
export const observeProvisioned = (
  api: ApiServer,
  namespaces: readonly string[] = [],
  resources: readonly Resource[] = provisionedResources,
): Observable<Provisioned> => {
  const ours = Object.entries(managedByLabel).map(([name, value]) => `${name}=${value}`);
  // Proxies into tailnets have the label, too, and are somebody else's work.
  const labelSelector = [...ours, `!${proxySetLabel}`].join(',');
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const reflections = resources.flatMap((resource) =>
    places.map((place) =>
      reflect({ api, resource, labelSelector, managedFields: true, ...place }).pipe(map((reflection) => ({ resource, ...reflection }))),
    ),
  );
  return combineLatest(reflections).pipe(
    filter((all) => all.every(({ health }) => health.synced || health.failure?.cause === 'forbidden')),
    map((all) => ({
      objects: all.flatMap(({ objects }) => [...objects.values()]),
      failures: all.flatMap(({ resource, health: { failure } }) => (failure === undefined ? [] : [{ resource, failure }])),
    })),
  );
};
