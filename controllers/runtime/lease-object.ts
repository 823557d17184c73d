import type { KubeMetadata, KubeObject } from '../../src/kubernetes/kube-object.ts';
import { apiVersionOf } from '../../src/kubernetes/resource.ts';
import { managedResources } from './kinds.ts';
import type { LeaseCommand, LeaseRecord } from './lease-step.ts';

/** `spec` of a coordination.k8s.io/v1 Lease, as far as elections go. */
type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly leaseTransitions?: number;
};

/** What a Lease says. One without a duration, which only a hand can have written, counts as if it had the shortest. */
export const recordOf = (lease: KubeObject): LeaseRecord => {
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = (lease['spec'] ?? {}) as LeaseSpec;
  return {
    version: lease.metadata.resourceVersion ?? '',
    holder: holderIdentity ?? '',
    durationMs: (leaseDurationSeconds ?? 1) * 1000,
    transitions: leaseTransitions ?? 0,
  };
};

/** The Lease to send for a write over `standing`, whose labels, annotations and other fields it keeps. The clock's time is for people to read. */
export const leaseFrom = (
  { record, over, takes }: Extract<LeaseCommand, { readonly do: 'write' }>,
  place: { readonly namespace: string; readonly name: string },
  standing: KubeObject | undefined,
  now: Date,
): KubeObject => {
  const { managedFields: _, ...metadata }: KubeMetadata = standing?.metadata ?? place;
  return {
    apiVersion: apiVersionOf(managedResources.Lease),
    kind: 'Lease',
    metadata: { ...metadata, ...(over === undefined ? {} : { resourceVersion: over.version }) },
    spec: {
      ...(standing?.['spec'] as LeaseSpec | undefined),
      holderIdentity: record.holder,
      leaseDurationSeconds: Math.ceil(record.durationMs / 1000),
      leaseTransitions: record.transitions,
      renewTime: microTime(now),
      ...(takes ? { acquireTime: microTime(now) } : {}),
    },
  };
};

/** As `metav1.MicroTime` wants it: six digits, no more and no fewer. */
const microTime = (time: Date): string => time.toISOString().replace('Z', '000Z');
