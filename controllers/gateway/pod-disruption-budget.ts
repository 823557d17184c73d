import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { metadataOf, selectorOf } from './metadata.ts';

/** How many Envoys the drain of nodes may take at once. Envoys that are not ready anyway hold up nobody. */
export const podDisruptionBudgetFrom = (infrastructure: Infrastructure, uid: string): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadataOf(infrastructure, uid),
  spec: {
    selector: { matchLabels: selectorOf(infrastructure) },
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    ...(infrastructure.parameters.podDisruptionBudget ?? { maxUnavailable: 1 }),
  },
});
