import { memo } from '../../lib/memo.ts';
import type { Graph, Locality } from '../graph.ts';
import type { ServicePlan } from './service-plan.ts';
import type { SharedService } from './services.ts';

type Endpoints = Graph['endpoints'];

/**
 * A function that tells whether anything behind a service may be sent traffic. What nothing is known of counts as well, and so does a service that
 * answers by itself, as with redirects.
 */
export const worksBuilder = (): ((service: SharedService, endpoints: Endpoints) => boolean) => {
  const isHealthy = memo((localities: readonly Locality[]) => localities.some(({ endpoints }) => endpoints.some(({ healthy }) => healthy)));
  return ({ plan }, endpoints) => {
    const backends = backendsOf(plan);
    return (
      backends.length === 0 ||
      backends.some((id) => {
        const localities = endpoints.get(id);
        return localities === undefined || isHealthy(localities);
      })
    );
  };
};

/** Ids of what its rules send traffic to; empty as well where some rule answers without. */
const backendsOf = memo(({ ports }: ServicePlan): readonly string[] => {
  const nodes = ports.flatMap(({ mode, routes }) =>
    routes.flatMap(({ places: [first] }) => {
      const node = first?.attached.node;
      return (mode === 'tls-end' ? (node?.terminated ?? node) : node) ?? [];
    }),
  );
  const actions = nodes.flatMap(({ entries }) => entries.map(({ rule }) => rule.action));
  if (actions.some(({ kind }) => kind === 'redirect')) return [];
  const shares = [
    ...actions.flatMap((action) => (action.kind === 'forward' ? action.shares : [])),
    ...nodes.flatMap(({ streams }) => streams.flatMap((stream) => stream.shares)),
  ];
  return [...new Set(shares.flatMap(({ backend, weight }) => (backend === undefined || weight === 0 ? [] : [backend.id])))];
});
