import type { Mode } from './state.ts';
import { CDS, ECDS, EDS, LDS, RDS, SDS, SRDS } from './types.ts';

/** An RPC that is served. Per-type services imply the type. */
export type Method = { readonly path: string; readonly mode: Mode; readonly typeUrl?: string };

const perType: readonly [service: string, plural: string, typeUrl: string][] = [
  ['cluster.v3.ClusterDiscoveryService', 'Clusters', CDS],
  ['endpoint.v3.EndpointDiscoveryService', 'Endpoints', EDS],
  ['extension.v3.ExtensionConfigDiscoveryService', 'ExtensionConfigs', ECDS],
  ['listener.v3.ListenerDiscoveryService', 'Listeners', LDS],
  ['route.v3.RouteDiscoveryService', 'Routes', RDS],
  ['route.v3.ScopedRoutesDiscoveryService', 'ScopedRoutes', SRDS],
  ['secret.v3.SecretDiscoveryService', 'Secrets', SDS],
];

/** Every streaming RPC of the xDS transport protocol for the types there are; the unary Fetch RPCs are left unimplemented. */
export const methods: readonly Method[] = [
  { path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources', mode: 'sotw' },
  { path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources', mode: 'delta' },
  ...perType.flatMap(([service, plural, typeUrl]): Method[] => [
    { path: `/envoy.service.${service}/Stream${plural}`, mode: 'sotw', typeUrl },
    { path: `/envoy.service.${service}/Delta${plural}`, mode: 'delta', typeUrl },
  ]),
];
