import type { ObjectKey } from '../../src/lib/key.ts';
import { memo, memoByReads } from '../../src/lib/memo.ts';
import type { Backend, Gateway, Graph, Locality, RouteEntry, Socket, StreamRule, TlsSecret } from '../../src/model/graph.ts';
import { combinedClusterName, listenerName, routeConfigurationName } from '../names.ts';
import type { Resource, Resources } from '../resources.ts';
import { clusterFrom } from './cluster.ts';
import { listenerFrom } from './listener.ts';
import { loadAssignmentFrom } from './load-assignment.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { ownersOf } from './owners.ts';
import type { Front } from './redirect.ts';
import { reusing } from './reuse.ts';
import {
  type Answering,
  answeringListenersOf,
  type Answers,
  answersOf,
  partFrom,
  routeConfigurationFrom,
  scopeFrom,
} from './route-configuration.ts';
import { routesFrom } from './route.ts';
import { isScoped, partName, partsOf, scopes } from './scopes.ts';
import { secretFrom } from './secret.ts';
import { combinedClusterFrom, combinedLoadAssignmentFrom, combinedRulesOf } from './udp.ts';
import { virtualHostFrom } from './virtual-host.ts';
import type { RouteConfiguration } from '../types.ts';

type Endpoints = { readonly endpoints: Graph['endpoints'] };
type State = { readonly gateway: Gateway; readonly endpoints: Graph['endpoints']; readonly resources: Resources };

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
  if (last?.gateway !== gateway) return { gateway, endpoints, resources: resourcesFrom(gateway, endpoints, last?.resources, make) };
  if (gateway.backends.every(({ id }) => endpoints.get(id) === last.endpoints.get(id))) return { ...last, endpoints };
  const assignments = reusing(last.resources.ClusterLoadAssignment, make.loadAssignments(gateway, endpoints));
  const unchanged = assignments === last.resources.ClusterLoadAssignment;
  return { gateway, endpoints, resources: unchanged ? last.resources : { ...last.resources, ClusterLoadAssignment: assignments } };
};

/** The table of contents of the translation: one line per resource type. */
const resourcesFrom = (gateway: Gateway, endpoints: Graph['endpoints'], before: Resources | undefined, make: ResourceMakers): Resources => {
  const resources: Resources = {
    Cluster: reusing(before?.Cluster, make.clusters(gateway)),
    ClusterLoadAssignment: reusing(before?.ClusterLoadAssignment, make.loadAssignments(gateway, endpoints)),
    Listener: reusing(before?.Listener, make.listeners(gateway)),
    RouteConfiguration: reusing(before?.RouteConfiguration, make.routeConfigurations(gateway, before)),
    ScopedRouteConfiguration: reusing(before?.ScopedRouteConfiguration, make.scopedRouteConfigurations(gateway, before)),
    Secret: reusing(before?.Secret, make.secrets(gateway)),
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
    message: loadAssignmentFrom(backend.id, read('endpoints', backend.id) ?? noLocalities),
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

  /** The whole, and if need be its parts. A connection that began before there were parts goes on with the whole until it ends. */
  const routeConfigurationsAt = (
    gateway: Gateway,
    socket: Socket,
    listeners: Answering,
    inParts: boolean,
  ): readonly Resource<'RouteConfiguration'>[] => {
    const routes = routeConfigurationName(socket, listeners[0]);
    const answers = answersOf(listeners);
    const virtualHostOf = virtualHostsAt({ scheme: listeners[0].protocol === 'HTTPS' ? 'https' : 'http', port: socket.port });
    const resource = (message: RouteConfiguration, name: string, { hosts }: Answers): Resource<'RouteConfiguration'> => ({
      name,
      message,
      owners: ownersOf([gateway.key, ...hosts.flatMap(routeOwners)]),
    });
    const whole = resource(routeConfigurationFrom(routes, answers, virtualHostOf), routes, answers);
    if (!inParts) return [whole];
    const parts = [...partsOf(answers)].map(([scope, part]) => {
      const name = partName(routes, scope);
      return resource(partFrom(name, part, virtualHostOf), name, part);
    });
    return [whole, ...parts];
  };

  const scopesOf = ({ key }: Gateway, routes: string): readonly Resource<'ScopedRouteConfiguration'>[] =>
    scopes.map((scope) => {
      const name = partName(routes, scope);
      return { name, message: scopeFrom(name), owners: [key] };
    });

  return {
    clusters: ({ backends, clientCertificate, sockets }: Gateway) => [
      ...backends.map(clustersWith(clientCertificate === undefined ? noCertificate : certificateOf(clientCertificate))),
      ...combinedRulesOf(sockets).map(combinedCluster),
    ],
    loadAssignments: ({ backends, sockets }: Gateway, endpoints: Graph['endpoints']) => [
      ...backends.map((backend) => loadAssignment(backend, { endpoints })),
      ...combinedRulesOf(sockets).map((rule) => combinedLoadAssignment(rule, { endpoints })),
    ],
    listeners: (gateway: Gateway) => gateway.sockets.map((socket) => listener(gateway, socket)),
    routeConfigurations: (gateway: Gateway, before: Resources | undefined) =>
      gateway.sockets.flatMap((socket) =>
        answeringListenersOf(socket).flatMap((listeners) =>
          routeConfigurationsAt(gateway, socket, listeners, hasParts(socket, listeners, before)),
        ),
      ),
    scopedRouteConfigurations: (gateway: Gateway, before: Resources | undefined) =>
      gateway.sockets.flatMap((socket) =>
        answeringListenersOf(socket)
          .filter((listeners) => hasParts(socket, listeners, before))
          .flatMap((listeners) => scopesOf(gateway, routeConfigurationName(socket, listeners[0]))),
      ),
    secrets: ({ secrets }: Gateway) => secrets.map(secret),
  };
};

/**
 * Once there are parts there always are, also when the listener has become small and no longer asks for them: connections that began with
 * parts still do until they are drained, and nobody else is sent them.
 */
const hasParts = (socket: Socket, listeners: Answering, before: Resources | undefined): boolean =>
  isScoped(listeners) ||
  before?.ScopedRouteConfiguration.has(partName(routeConfigurationName(socket, listeners[0]), scopes[0] ?? '')) === true;

const routeOwners = memo(({ entries }: { readonly entries: readonly RouteEntry[] }): readonly ObjectKey[] =>
  ownersOf(entries.map(({ owner }) => owner)),
);

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
