import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Verdict } from '../../src/model/route-node.ts';

export type Readiness = {
  readonly desired: number;
  readonly ready: number;
  /** Why no Envoy answers requests. */
  readonly unready?: Verdict;
};

type DeploymentFields = {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly DeploymentCondition[];
  };
};
type DeploymentCondition = { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string };

/** How many Envoys there are. One that is ready is enough to be reached; while the first one starts, the Gateway is pending. */
export const readinessOf = (deployment: KubeObject | undefined, refusal: Verdict | undefined): Readiness => {
  if (deployment === undefined)
    return { desired: 0, ready: 0, unready: refusal ?? { reason: 'Pending', message: 'The Deployment of the Gateway is not there yet' } };
  const { spec = {}, status = {} } = deployment as DeploymentFields;
  const desired = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  return ready > 0
    ? { desired, ready }
    : { desired, ready, unready: unreadyOf(deployment.metadata.name, desired, status.conditions ?? []) };
};

const unreadyOf = (name: string, desired: number, conditions: readonly DeploymentCondition[]): Verdict => {
  if (desired === 0) return { reason: 'NoResources', message: `Deployment ${name} asks for no replicas` };
  const failure = conditions.find(
    ({ type, status }) => (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False'),
  );
  const count = `Deployment ${name}: none of ${desired} Envoys is ready`;
  if (failure !== undefined) return { reason: 'NoResources', message: `${count}: ${failure.message ?? failure.reason ?? failure.type}` };
  const hasBeenWhole = conditions.some(({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable');
  return { reason: hasBeenWhole ? 'NoResources' : 'Pending', message: count };
};
