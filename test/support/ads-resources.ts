import { any } from '../../xds/any.ts';
import type { Resource, Resources, ResourceType } from '../../xds/resources.ts';
import type { Any, Cluster, ClusterLoadAssignment, ConfigSource, Listener, RouteConfiguration } from '../../xds/types.ts';

const ads: ConfigSource = { ads: {}, resourceApiVersion: 'V3' };

/** An EDS cluster. */
export const edsCluster = (name: string, seconds = 5): Cluster => ({
  name,
  type: 'EDS',
  connectTimeout: `${seconds}s`,
  edsClusterConfig: { edsConfig: ads },
});

/** One endpoint on loopback, in one locality. */
export const assignment = (clusterName: string, portValue: number): ClusterLoadAssignment => ({
  clusterName,
  endpoints: [
    {
      locality: { region: 'here' },
      loadBalancingWeight: 1,
      lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } }],
    },
  ],
});

const manager = (routeConfigName: string): Any =>
  any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    statPrefix: 'test',
    rds: { configSource: ads, routeConfigName },
    httpFilters: [{ name: 'router', typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}) }],
  });

/** What a proxyless gRPC client asks for first: a listener that leads to a route configuration. */
export const apiListener = (name: string, routeConfigName: string): Listener => ({
  name,
  apiListener: { apiListener: manager(routeConfigName) },
});

/** An HTTP listener on loopback that leads to a route configuration. */
export const hcmListener = (name: string, routeConfigName: string, portValue: number): Listener => ({
  name,
  address: { socketAddress: { address: '127.0.0.1', portValue } },
  filterChains: [{ filters: [{ name: 'http', typedConfig: manager(routeConfigName) }] }],
});

/** Everything to one cluster. */
export const routeTo = (name: string, cluster: string): RouteConfiguration => ({
  name,
  virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '' }, route: { cluster } }] }],
});

type Messages = {
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly ClusterLoadAssignment[];
  readonly listeners?: readonly Listener[];
  readonly routes?: readonly RouteConfiguration[];
};

export const resourcesOf = ({ clusters = [], endpoints = [], listeners = [], routes = [] }: Messages): Resources => ({
  Cluster: byName<'Cluster'>(clusters, ({ name = '' }) => name),
  ClusterLoadAssignment: byName<'ClusterLoadAssignment'>(endpoints, ({ clusterName = '' }) => clusterName),
  Listener: byName<'Listener'>(listeners, ({ name = '' }) => name),
  RouteConfiguration: byName<'RouteConfiguration'>(routes, ({ name = '' }) => name),
  ScopedRouteConfiguration: new Map(),
  Secret: new Map(),
  TypedExtensionConfig: new Map(),
});

const byName = <T extends ResourceType>(messages: readonly Resource<T>['message'][], nameOf: (message: Resource<T>['message']) => string) =>
  new Map(messages.map((message): [string, Resource<T>] => [nameOf(message), { name: nameOf(message), message, owners: [] }]));
