/** The synthetic configuration of the yardstick server, and the changes it can be asked for; both servers of the benchmark make the same. */
import { readFileSync } from 'node:fs';
import { decode, typeNameOf } from '../xds/codec.ts';
import { messageNames, type MessageOf, type Resource, type Resources, type ResourceType } from '../xds/resources.ts';
import type { ClusterLoadAssignment, VirtualHost } from '../xds/types.ts';

export const changeKinds = ['endpoint', 'route', 'cluster-add', 'cluster-del', 'cluster-touch', 'noop'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** Resources from the JSON lines `{type, name, b64}` that the yardstick dumps. */
export const resourcesFrom = (file: string): Resources => {
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly name: string; readonly b64: string });
  const mapOf = <T extends ResourceType>(type: T): ReadonlyMap<string, Resource<T>> =>
    new Map(
      lines
        .filter((line) => typeNameOf(line.type) === messageNames[type])
        .map(({ name, b64 }) => {
          const message = decode(messageNames[type], Buffer.from(b64, 'base64')) as MessageOf[T];
          return [name, { name, message, owners: [] }];
        }),
    );
  return {
    Cluster: mapOf('Cluster'),
    ClusterLoadAssignment: mapOf('ClusterLoadAssignment'),
    Listener: mapOf('Listener'),
    RouteConfiguration: mapOf('RouteConfiguration'),
    ScopedRouteConfiguration: mapOf('ScopedRouteConfiguration'),
    Secret: mapOf('Secret'),
    TypedExtensionConfig: mapOf('TypedExtensionConfig'),
  };
};

/** The configuration after the `epoch`-th change; what the change does not touch are the same objects. */
export const changed = (resources: Resources, kind: ChangeKind, epoch: number): Resources => {
  switch (kind) {
    case 'endpoint':
      return put(resources, 'ClusterLoadAssignment', nth(resources.ClusterLoadAssignment, epoch), (name) => assignment(name, 8080 + epoch));
    case 'route':
      return editRoutes(resources, epoch, (routes) => [route(`/changed-${epoch}`, nth(resources.Cluster, 0)), ...routes.slice(1)]);
    case 'cluster-add': {
      const name = extraName(countOfExtras(resources));
      const [model] = resources.Cluster.values();
      const withCluster = put(resources, 'Cluster', name, () => ({ ...model?.message, name }));
      const withEndpoints = put(withCluster, 'ClusterLoadAssignment', name, () => assignment(name, 8080 + epoch));
      return editRoutes(withEndpoints, 0, (routes) => [...routes, route(`/${name}`, name)]);
    }
    case 'cluster-del': {
      const count = countOfExtras(resources);
      if (count === 0) return resources;
      const name = extraName(count - 1);
      const without = drop(drop(resources, 'Cluster', name), 'ClusterLoadAssignment', name);
      return editRoutes(without, 0, (routes) => routes.slice(0, -1));
    }
    case 'cluster-touch':
      return put(resources, 'Cluster', nth(resources.Cluster, epoch), (name, before) => ({
        ...before,
        name,
        connectTimeout: `${5 + (epoch % 1000) / 1000}s`,
      }));
    case 'noop':
      return { ...resources };
    default:
      throw new Error('unreachable: unknown change');
  }
};

const nth = (map: ReadonlyMap<string, unknown>, index: number): string => [...map.keys()][index % map.size] ?? '';

const extraName = (index: number): string => `cluster-x${index}`;
const countOfExtras = ({ Cluster }: Resources): number => [...Cluster.keys()].filter((name) => name.startsWith('cluster-x')).length;

const put = <T extends ResourceType>(
  resources: Resources,
  type: T,
  name: string,
  message: (name: string, before: MessageOf[T] | undefined) => MessageOf[T],
): Resources => {
  const before = resources[type] as ReadonlyMap<string, Resource<T>>;
  return { ...resources, [type]: new Map(before).set(name, { name, message: message(name, before.get(name)?.message), owners: [] }) };
};

const drop = (resources: Resources, type: ResourceType, name: string): Resources => {
  const rest = new Map<string, Resource>(resources[type]);
  rest.delete(name);
  return { ...resources, [type]: rest };
};

type Routes = NonNullable<VirtualHost['routes']>;

const route = (prefix: string, cluster: string): Routes[number] => ({ match: { prefix }, route: { cluster } });

const editRoutes = (resources: Resources, index: number, edit: (routes: Routes) => Routes): Resources =>
  put(resources, 'RouteConfiguration', nth(resources.RouteConfiguration, index), (name, before) => {
    const [host] = before?.virtualHosts ?? [];
    return { ...before, name, virtualHosts: [{ name: 'v', domains: ['*'], ...host, routes: edit(host?.routes ?? []) }] };
  });

const assignment = (clusterName: string, portValue: number): ClusterLoadAssignment => ({
  clusterName,
  endpoints: [
    {
      locality: { region: 'r', zone: 'z' },
      lbEndpoints: ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({
        endpoint: { address: { socketAddress: { address, portValue } } },
      })),
    },
  ],
});
