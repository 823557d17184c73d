import type { VipServiceWish } from '../../src/model/graph.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import type { Circumstances } from './decide.ts';
import type { Self } from './standing.ts';

export const start = Date.UTC(2026, 0, 1);

export const selfOf = (cluster: string): Self => ({ cluster, operator: `tailplane-${cluster}` });

export const wishOf = (fields: Partial<VipServiceWish> = {}): VipServiceWish => ({
  tailnet: 'corp',
  name: 'svc:web',
  ports: ['tcp:443'],
  tags: ['tag:k8s'],
  autoApprove: false,
  owners: [],
  routes: ['HTTPRoute/default/web'],
  sets: ['default/edge-ingress'],
  ...fields,
});

export const calm: Circumstances = { now: start, stale: new Set(), emptied: 'new', beats: false };

export const addrs = ['100.110.0.1', 'fd7a:115c:a1e0::f:1'];

/** A service that an operator of Tailscale's made, and shares. */
export const officialService = (fields: Partial<VipService> = {}): VipService => ({
  name: 'svc:web',
  addrs,
  comment: 'managed, do not modify',
  displayName: 'Web',
  annotations: { 'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n1CNTRL"}]}', 'example.com/theirs': 'stays' },
  ports: ['do-not-validate'],
  tags: ['tag:theirs'],
  ...fields,
});

export const registryOf = (service: VipService | undefined): Record<string, unknown> & { consumers: Record<string, unknown> } =>
  JSON.parse(service?.annotations?.['gateway.tailscale.com/service-registry'] ?? 'null');

export const ownerReferencesOf = (service: VipService | undefined): string | undefined =>
  service?.annotations?.['tailscale.com/owner-references'];
