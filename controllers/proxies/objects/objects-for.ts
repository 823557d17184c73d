/** What must exist on the cluster for a set of proxies, besides the Secrets of each replica. */
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { defaultImage } from './layout.ts';
import type { Mappings } from './ingress-config.ts';
import { networkPolicyFrom } from './network-policy.ts';
import { podDisruptionBudgetFrom } from './pod-disruption-budget.ts';
import { rightsFrom } from './rights.ts';
import { serviceFrom } from './service.ts';
import { type Forwarding, serveConfigFrom } from './serve-config.ts';
import { egressConfigFrom, ingressConfigFrom, isForwarding, isKernel } from './shared-config.ts';
import { statefulSetFrom } from './stateful-set.ts';

export type ProxyContext = {
  /** Where a set names none; that of this release when absent. */
  readonly image?: string;
  /** How many replicas have what they need to start, where that is not all of them. */
  readonly prepared?: number;
  /** What ingress proxies serve now; nothing when absent. */
  readonly serve?: Forwarding;
  /** Which addresses their kernels lead where now; none when absent. */
  readonly lead?: Mappings;
};

/** The image that proxies of a set run. */
export const imageOf = (set: ProxySet, { image = defaultImage }: ProxyContext): string => set.pod.image ?? image;

/**
 * Every such object, what others need first: complete, so what is absent here is deleted. Empty when nothing is to be made: the owner is going,
 * or has no uid that could own objects.
 */
export const objectsFor = (set: ProxySet, context: ProxyContext): readonly KubeObject[] => {
  const { uid, going, replicas } = set;
  if (uid === undefined || going) return [];
  return [
    ...rightsFrom(set, uid),
    ...(isForwarding(set) ? [egressConfigFrom(set, uid)] : []),
    ...(set.direction === 'ingress'
      ? [ingressConfigFrom(set, uid, serveConfigFrom(context.serve ?? new Map(), isKernel(set)), context.lead ?? new Map())]
      : []),
    serviceFrom(set, uid),
    networkPolicyFrom(set, uid),
    ...(replicas > 1 ? [podDisruptionBudgetFrom(set, uid)] : []),
    statefulSetFrom(set, uid, imageOf(set, context), Math.min(replicas, context.prepared ?? replicas)),
  ];
};
