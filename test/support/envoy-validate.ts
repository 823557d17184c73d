import { any } from '../../xds/any.ts';
import type { Resources } from '../../xds/resources.ts';
import type { Bootstrap, Cluster, Listener, Secret } from '../../xds/types.ts';
import { authority } from './certificates.ts';
import { validateWithEnvoy } from './envoy.ts';

/** What a real Envoy says against the resources of one Gateway, undefined when it would take them all: `--mode validate`. */
export const envoyRefuses = async (resources: Resources): Promise<string | undefined> =>
  validateWithEnvoy(JSON.stringify(staticBootstrapFrom(resources)));

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * A bootstrap that holds everything itself, as Envoy checks nothing it would fetch: routes inside their connection managers,
 * endpoints inside their clusters, secrets by name. The system's CA file, which need not be where tests run, gives way to a CA.
 */
export const staticBootstrapFrom = (resources: Resources): Bootstrap => {
  const routes = new Map([...resources.RouteConfiguration].map(([name, { message }]) => [name, message]));
  const inlined = <T>(message: T): T => withoutDiscovery(message as Json, routes) as T;
  const clusterFrom = (cluster: Cluster): Cluster =>
    cluster.edsClusterConfig === undefined
      ? inlined(cluster)
      : {
          ...inlined(cluster),
          type: 'STATIC',
          edsClusterConfig: undefined,
          loadAssignment: resources.ClusterLoadAssignment.get(cluster.name ?? '')?.message,
        };
  return {
    node: { id: 'test', cluster: 'test' },
    bootstrapExtensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typedConfig: any('envoy.extensions.bootstrap.internal_listener.v3.InternalListener', {}),
      },
    ],
    // As our bootstrap has it: the model lets regular expressions be as large as that.
    layeredRuntime: { layers: [{ name: 'tailplane', staticLayer: { 're2.max_program_size.error_level': 1_000_000 } }] },
    staticResources: {
      listeners: [...resources.Listener.values()].map(({ message }): Listener => inlined(message)),
      clusters: [...resources.Cluster.values()].map(({ message }) => clusterFrom(message)),
      secrets: [...resources.Secret.values()].map(({ message }): Secret => message),
    },
  };
};

const systemCa = authority('system').certificate;

const withoutDiscovery = (value: Json, routes: ReadonlyMap<string, unknown>): Json => {
  if (Array.isArray(value)) return value.map((element: Json) => withoutDiscovery(element, routes));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, Json>).flatMap(([key, field]): [string, Json][] => {
    if (key === 'rds') return [['routeConfig', inlineRoutes(field, routes)]];
    if (key === 'sdsConfig') return [];
    if (key === 'filename') return [['inlineString', systemCa]];
    return [[key, withoutDiscovery(field, routes)]];
  });
  return Object.fromEntries(entries);
};

/** By RDS a route may name a cluster that is not there; inline, Envoy must be told so. */
const inlineRoutes = (rds: Json, routes: ReadonlyMap<string, unknown>): Json => {
  const { routeConfigName } = rds as { routeConfigName: string };
  const found = routes.get(routeConfigName);
  if (found === undefined) throw new Error(`a listener asks for routes ${routeConfigName}, which are not there`);
  return { ...(found as { readonly [key: string]: Json }), validateClusters: false };
};
