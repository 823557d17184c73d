import type { ObjectKey } from '../../src/lib/key.ts';
import { memo, memoByReads } from '../../src/lib/memo.ts';
import type { Backend, Gateway, Graph, Locality, RouteEntry, Socket, StreamRule, TlsSecret } from '../../src/model/graph.ts';
import { combinedClusterName, listenerName } from '../names.ts';
import type { Resource, Resources } from '../resources.ts';
import { clusterFrom } from './cluster.ts';
import { listenerFrom } from './listener.ts';
import { loadAssignmentFrom } from './load-assignment.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { ownersOf } from './owners.ts';
import type { Front } from './redirect.ts';
import { reusing } from './reuse.ts';
import { routesFrom } from './route.ts';
import { type Routing, routingMaker } from './routing.ts';
import { secretFrom } from './secret.ts';
import { tunnelAssignmentsOf, tunnelClustersOf, tunnelListenersOf } from './tunnel-resources.ts';
import { combinedClusterFrom, combinedLoadAssignmentFrom, combinedRulesOf } from './udp.ts';
import { virtualHostFrom } from './virtual-host.ts';

type Endpoints = { readonly endpoints: Graph['endpoints'] };
type State = {
  readonly gateway: Gateway;
  readonly endpoints: Graph['endpoints'];
  readonly resources: Resources;
  readonly routingOf: (gateway: Gateway) => Routing;
};

const noLocalities: readonly Locality[] = [];

/**
 * Graph to xDS: every Gateway's resources, by `namespace/name` in the graph's order. Remembers what it made, so that a call after a
 * change costs what changed: an unchanged Gateway's Resources, an unchanged resource, and in a changed one every unchanged route and
 * virtual host, are the same objects as the time before.
 */
export const translator = (given: Partial<TranslateOptions> = {}): ((graph: Graph) => ReadonlyMap<string, Resources>) => {
  const options = { ...defaultOptions, ...given };
  const make = resourceMakers(options);
  let states: ReadonlyMap<string, State> = new Map();
  return ({ gateways, endpoints }) => {
    const next = new Map<string, State>();
    for (const [name, gateway] of gateways) next.set(name, stateFrom(gateway, endpoints, states.get(name), make));
    states = next;
    return new Map([...next].map(([name, { resources }]) => [name, resources]));
  };
};

/** Walks a Gateway only as far as something in it changed. */
const stateFrom = (gateway: Gateway, endpoints: Graph['endpoints'], last: State | undefined, make: ResourceMakers): State => {
  if (last?.gateway !== gateway) {
    const routingOf = last?.routingOf ?? make.routing();
    const resources = resourcesFrom(gateway, endpoints, routingOf(gateway), last?.resources, make);
    return { gateway, endpoints, resources, routingOf };
  }
  if (gateway.backends.every(({ id }) => endpoints.get(id) === last.endpoints.get(id))) return { ...last, endpoints };
  const assignments = reusing(last.resources.ClusterLoadAssignment, make.loadAssignments(gateway, endpoints));
  const unchanged = assignments === last.resources.ClusterLoadAssignment;
  return { ...last, endpoints, resources: unchanged ? last.resources : { ...last.resources, ClusterLoadAssignment: assignments } };
};

/** The table of contents of the translation: one line per resource type. */
const resourcesFrom = (
  gateway: Gateway,
  endpoints: Graph['endpoints'],
  { routes, scopes }: Routing,
  before: Resources | undefined,
  make: ResourceMakers,
): Resources => {
  const resources: Resources = {
    Cluster: reusing(before?.Cluster, make.clusters(gateway)),
    ClusterLoadAssignment: reusing(before?.ClusterLoadAssignment, make.loadAssignments(gateway, endpoints)),
    Listener: reusing(before?.Listener, make.listeners(gateway)),
    RouteConfiguration: reusing(before?.RouteConfiguration, routes),
    ScopedRouteConfiguration: reusing(before?.ScopedRouteConfiguration, scopes),
    Secret: reusing(before?.Secret, make.secrets(gateway)),
    TypedExtensionConfig: reusing(before?.TypedExtensionConfig, []),
  };
  const unchanged = before !== undefined && Object.entries(resources).every(([type, map]) => before[type as keyof Resources] === map);
  return unchanged ? before : resources;
};

type ResourceMakers = ReturnType<typeof resourceMakers>;

/** Makes each type's resources of a Gateway; what is made from one node of the graph is made once. */
const resourceMakers = (options: TranslateOptions) => {
  const virtualHostsAt = virtualHostMakers();

  const clustersWith = memo((clientCertificate: { readonly secret: TlsSecret | undefined }) =>
    memo((backend: Backend): Resource<'Cluster'> => ({
      name: backend.id,
      message: clusterFrom(backend, clientCertificate.secret, options.systemCaFile),
      owners: ownersOf([backend.key, backend.tls?.policy]),
    })),
  );
  const noCertificate = { secret: undefined };
  const certificateOf = memo((secret: TlsSecret) => ({ secret }));

  const combinedCluster = memo((rule: StreamRule): Resource<'Cluster'> => ({
    name: combinedClusterName(rule),
    message: combinedClusterFrom(rule),
    owners: combinedOwners(rule),
  }));

  const loadAssignment = memoByReads<Endpoints, Backend, Resource<'ClusterLoadAssignment'>>((backend, read) => ({
    name: backend.id,
    message: loadAssignmentFrom(backend.id, read('endpoints', backend.id) ?? noLocalities, backend.reach?.form),
    owners: ownersOf([backend.key, backend.tls?.policy]),
  }));

  const combinedLoadAssignment = memoByReads<Endpoints, StreamRule, Resource<'ClusterLoadAssignment'>>((rule, read) => ({
    name: combinedClusterName(rule),
    message: combinedLoadAssignmentFrom(rule, (id) => read('endpoints', id) ?? noLocalities),
    owners: combinedOwners(rule),
  }));

  const secret = memo((from: TlsSecret): Resource<'Secret'> => ({ name: from.id, message: secretFrom(from), owners: [from.owner] }));

  const listener = (gateway: Gateway, socket: Socket): Resource<'Listener'> => ({
    name: listenerName(socket),
    message: listenerFrom(socket, options),
    owners: ownersOf([gateway.key, ...socket.listeners.map(({ owner }) => owner)]),
  });

  return {
    clusters: (gateway: Gateway) => [
      ...gateway.backends.map(
        clustersWith(gateway.clientCertificate === undefined ? noCertificate : certificateOf(gateway.clientCertificate)),
      ),
      ...combinedRulesOf(gateway.sockets).map(combinedCluster),
      ...tunnelClustersOf(gateway),
    ],
    loadAssignments: (gateway: Gateway, endpoints: Graph['endpoints']) => [
      ...gateway.backends.filter((backend) => isHeardOf(backend, endpoints)).map((backend) => loadAssignment(backend, { endpoints })),
      ...combinedRulesOf(gateway.sockets).map((rule) => combinedLoadAssignment(rule, { endpoints })),
      ...tunnelAssignmentsOf(gateway, endpoints),
    ],
    listeners: (gateway: Gateway) => [...gateway.sockets.map((socket) => listener(gateway, socket)), ...tunnelListenersOf(gateway)],
    /** Of one Gateway, whose routing it follows. */
    routing: () => routingMaker(virtualHostsAt),
    secrets: ({ secrets }: Gateway) => secrets.map(secret),
  };
};

/** Of a tailnet that has not been heard of, Envoys keep the endpoints they have. */
const isHeardOf = ({ id, reach }: Backend, endpoints: Graph['endpoints']): boolean => reach === undefined || endpoints.has(id);

const combinedOwners = (rule: StreamRule): readonly ObjectKey[] =>
  ownersOf([rule.owner, ...rule.shares.map(({ backend }) => backend?.key)]);

/** Virtual hosts of one front, each made once; routes that are no redirects, and so look the same from every front, are shared by all. */
const virtualHostMakers = () => {
  const anywhere = memo((entry: RouteEntry) => routesFrom(entry, { scheme: 'http', port: 80 }));
  const makers = new Map<string, ReturnType<typeof at>>();
  const at = (front: Front) => {
    const here = memo((entry: RouteEntry) => routesFrom(entry, front));
    return memo((host: Parameters<typeof virtualHostFrom>[0]) =>
      virtualHostFrom(host, (entry) => (entry.rule.action.kind === 'redirect' ? here(entry) : anywhere(entry))),
    );
  };
  return (front: Front) => {
    const name = `${front.scheme}/${front.port}`;
    const maker = makers.get(name) ?? at(front);
    makers.set(name, maker);
    return maker;
  };
};
