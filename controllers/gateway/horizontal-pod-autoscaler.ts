import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure, ProxyParameters } from '../../src/model/infrastructure.ts';
import { metadataOf } from './metadata.ts';
import { objectNameOf } from './names.ts';

/** As many Envoys as their CPU needs. */
export const horizontalPodAutoscalerFrom = (
  infrastructure: Infrastructure,
  uid: string,
  { minReplicas = 1, maxReplicas, targetCPUUtilizationPercentage = 80 }: NonNullable<ProxyParameters['autoscaling']>,
): KubeObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: metadataOf(infrastructure, uid),
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: objectNameOf(infrastructure) },
    minReplicas,
    maxReplicas,
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage } } },
    ],
  },
});
