import { byCodeUnit } from '../../src/lib/key.ts';
import type { Endpoint, Locality } from '../../src/model/graph.ts';
import type { ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '../types.ts';

/** EDS entry of one backend. Without endpoints it is there and empty: Envoy waits for an assignment, and answers 503 by an empty one. */
export const loadAssignmentFrom = (clusterName: string, localities: readonly Locality[]): ClusterLoadAssignment => ({
  clusterName,
  endpoints: localities.toSorted((a, b) => byCodeUnit(a.zone, b.zone)).map(localityFrom),
});

/** Weight and priority are written out for proxyless gRPC clients, which skip a locality without weight. */
const localityFrom = ({ zone, weight, endpoints }: Locality): LocalityLbEndpoints => ({
  locality: { zone },
  loadBalancingWeight: weight,
  priority: 0,
  lbEndpoints: endpoints.toSorted(byAddress).map(lbEndpointFrom),
});

export const lbEndpointFrom = ({ address, port, healthy }: Endpoint): LbEndpoint => ({
  endpoint: { address: { socketAddress: { address, portValue: port } } },
  healthStatus: healthy ? 'HEALTHY' : 'UNHEALTHY',
});

const byAddress = (a: Endpoint, b: Endpoint): number => byCodeUnit(a.address, b.address) || a.port - b.port;
