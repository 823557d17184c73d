/** What must exist on the cluster because of a Gateway. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure, ProxyParameters } from '../../src/model/infrastructure.ts';
import { configMapFrom } from './config-map.ts';
import type { GatewayContext } from './context.ts';
import type { Entrances } from './entrances.ts';
import { deploymentFrom } from './deployment.ts';
import { horizontalPodAutoscalerFrom } from './horizontal-pod-autoscaler.ts';
import { networkPolicyFrom } from './network-policy.ts';
import { podDisruptionBudgetFrom } from './pod-disruption-budget.ts';
import { secretFrom } from './secret.ts';
import { serviceAccountFrom } from './service-account.ts';
import { entranceServiceFrom, serviceFrom } from './service.ts';

/**
 * Every object that must exist for one Gateway, what others need first: complete, so what is absent here is deleted. Empty when nothing can
 * be said now, and then everything stays as it is: the Gateway has no port to serve, its certificate is not issued yet, it is being deleted,
 * or it has no uid that could own objects. `entrances` from tailnets, if it has any.
 */
export const desiredFor = (infrastructure: Infrastructure, context: GatewayContext, entrances?: Entrances): readonly KubeObject[] => {
  const { uid, ports, parameters, going } = infrastructure;
  const credentials = context.tls?.credentials;
  if (uid === undefined || ports.length === 0 || going) return [];
  if (context.tls !== undefined && credentials === undefined) return [];
  if (context.credentialsOnly) return credentials === undefined ? [] : [secretFrom(infrastructure, uid, credentials)];
  return [
    serviceAccountFrom(infrastructure, uid),
    configMapFrom(infrastructure, uid, context),
    ...(credentials === undefined ? [] : [secretFrom(infrastructure, uid, credentials)]),
    networkPolicyFrom(infrastructure, uid, entrances),
    serviceFrom(infrastructure, uid),
    ...(entrances === undefined ? [] : [entranceServiceFrom(infrastructure, uid, entrances)]),
    deploymentFrom(infrastructure, uid, context),
    ...(mostReplicas(parameters) > 1 ? [podDisruptionBudgetFrom(infrastructure, uid)] : []),
    ...(parameters.autoscaling === undefined ? [] : [horizontalPodAutoscalerFrom(infrastructure, uid, parameters.autoscaling)]),
  ];
};

const mostReplicas = ({ autoscaling, replicas = 1 }: ProxyParameters): number => autoscaling?.maxReplicas ?? replicas;
