import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { metadataOf, selectorOf } from './metadata.ts';

/** The drain of nodes takes one proxy at a time. Proxies that are not ready anyway hold up nobody. */
export const podDisruptionBudgetFrom = (set: ProxySet, uid: string): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadataOf(set, uid),
  spec: { selector: { matchLabels: selectorOf(set) }, maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
});
