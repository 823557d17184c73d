import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { ownsEachFieldOf } from '../runtime/owned-fields.ts';

/**
 * `desired`, its Deployment with the number of replicas that stands where that is for an autoscaler to say, but still what we said last.
 * Without it the API server would fall back to one replica until the autoscaler has its first say; when that has changed the number, it
 * is its own, and ours no more.
 */
export const handingOverReplicas = (desired: readonly KubeObject[], standing: readonly KubeObject[]): readonly KubeObject[] => {
  const deployment = desired.find(({ kind }) => kind === 'Deployment');
  const stands = standing.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === deployment?.metadata.name);
  if (deployment === undefined || stands === undefined || replicasOf(deployment) !== undefined) return desired;
  const replicas = replicasOf(stands);
  const { apiVersion, kind, metadata } = deployment;
  if (!ownsEachFieldOf({ apiVersion, kind, metadata: { name: metadata.name }, spec: { replicas } }, stands)) return desired;
  const handed: KubeObject = { ...deployment, spec: { ...(deployment['spec'] as object), replicas } };
  return desired.map((object) => (object === deployment ? handed : object));
};

const replicasOf = (deployment: KubeObject): number | undefined => (deployment['spec'] as { readonly replicas?: number }).replicas;
