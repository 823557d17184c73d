import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

export type PodStatus = {
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip?: string }[];
  readonly startTime?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
};

export const podStatusOf = (pod: KubeObject | undefined): PodStatus => (pod as { readonly status?: PodStatus } | undefined)?.status ?? {};

/** Of both families; the pod's primary first. */
export const podIPsOf = (pod: KubeObject | undefined): readonly string[] => {
  const { podIP, podIPs = [{ ip: podIP }] } = podStatusOf(pod);
  return podIPs.flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
};
