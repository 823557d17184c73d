import { byCodeUnit } from '../../src/lib/key.ts';
import type { Endpoint, Locality, Reach } from '../../src/model/graph.ts';
import type { ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '../types.ts';
import { lbEndpointFrom } from './lb-endpoint.ts';
import { tunnelledFrom } from './tunnelled-endpoints.ts';

/**
 * Of the next priority nothing is used while one endpoint in a hundred is well. By Envoy's own 140 % a part of the traffic would go to another
 * cluster, or to machines of last resort, as soon as three in ten machines are off.
 */
const lastsUntilGone = { overprovisioningFactor: 10_000 };

/** EDS entry of one backend. Without endpoints it is there and empty: Envoy waits for an assignment, and answers 503 by an empty one. */
export const loadAssignmentFrom = (
  clusterName: string,
  localities: readonly Locality[],
  form: Reach['form'] = 'plain',
): ClusterLoadAssignment => ({
  clusterName,
  policy: localities.some(({ priority = 0 }) => priority > 0) ? lastsUntilGone : undefined,
  endpoints: localities
    .toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0) || byCodeUnit(a.zone, b.zone))
    .map((locality) => localityFrom(locality, form)),
});

/** Weight and priority are written out for proxyless gRPC clients, which skip a locality without weight. */
const localityFrom = ({ zone, weight, priority = 0, endpoints }: Locality, form: Reach['form']): LocalityLbEndpoints => ({
  locality: { zone },
  loadBalancingWeight: weight,
  priority,
  lbEndpoints: form === 'tunnelled' ? tunnelledFrom(endpoints) : plainFrom(endpoints),
});

const plainFrom = (endpoints: readonly Endpoint[]): readonly LbEndpoint[] => endpoints.toSorted(byAddress).map(lbEndpointFrom);

const byAddress = (a: Endpoint, b: Endpoint): number => byCodeUnit(a.address, b.address) || a.port - b.port;
