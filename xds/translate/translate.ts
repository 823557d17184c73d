import { localKey, type ObjectKey, partsOf } from '../../src/lib/key.ts';
import { memo, memoByReads, memoWithin, type Read } from '../../src/lib/memo.ts';
import type { Backend, Gateway, Graph, Locality, Peers, RouteEntry, Socket, StreamRule, TlsSecret } from '../../src/model/graph.ts';
import { combinedClusterName, fenceName, httpFilters, jwksClusterName, listenerName } from '../names.ts';
import { MadeWhenAsked, type Resource, type Resources } from '../resources.ts';
import { clusterFrom } from './cluster.ts';
import { fenceFrom } from './fence.ts';
import { jwksClusterFrom } from './jwks.ts';
import { jwtConfigOf } from './jwt.ts';
import { streamRulesOf } from './filter-chain.ts';
import { forwardsBytes, listenerFrom, type Visitors } from './listener.ts';
import { loadAssignmentFrom } from './load-assignment.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { ownersOf } from './owners.ts';
import { peersResourcesFrom } from './peers.ts';
import type { Front } from './redirect.ts';
import { reusing } from './reuse.ts';
import { routesFrom } from './route.ts';
import { type Routing, routingMaker } from './routing.ts';
import { secretFrom } from './secret.ts';
import { tunnelAssignmentsOf, tunnelClustersOf, tunnelListenersOf } from './tunnel-resources.ts';
import { combinedClusterFrom, combinedLoadAssignmentFrom, combinedRulesOf } from './udp.ts';
import { virtualHostFrom } from './virtual-host.ts';

type Endpoints = Pick<Graph, 'endpoints'>;
/** What changes without any Gateway changing. */
type Surroundings = Pick<Graph, 'endpoints' | 'fences' | 'peers'>;
type Visiting = Pick<Surroundings, 'fences' | 'peers'>;
type State = {
  readonly gateway: Gateway;
  readonly around: Surroundings;
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
  return ({ gateways, endpoints, fences, peers }) => {
    const around = { endpoints, fences, peers };
    const next = new Map<string, State>();
    for (const [name, gateway] of gateways) next.set(name, stateFrom(gateway, around, states.get(name), make));
    states = next;
    return new Map([...next].map(([name, { resources }]) => [name, resources]));
  };
};

/** Walks a Gateway only as far as something in it changed. */
const stateFrom = (gateway: Gateway, around: Surroundings, last: State | undefined, make: ResourceMakers): State => {
  if (last?.gateway !== gateway) {
    const routingOf = last?.routingOf ?? make.routing();
    return { gateway, around, resources: resourcesFrom(gateway, around, routingOf(gateway), last?.resources, make), routingOf };
  }
  const { resources: before } = last;
  const sameEndpoints = gateway.backends.every(({ id }) => around.endpoints.get(id) === last.around.endpoints.get(id));
  const sameTailnets =
    !isShared(gateway) ||
    (fenceOf(gateway, around) === fenceOf(gateway, last.around) &&
      tailnetsOf(gateway).every((tailnet) => around.peers.get(tailnet) === last.around.peers.get(tailnet)));
  const after: Resources = {
    ...before,
    ...(sameEndpoints
      ? {}
      : { ClusterLoadAssignment: reusing(before.ClusterLoadAssignment, make.loadAssignments(gateway, around.endpoints)) }),
    ...(sameTailnets ? {} : tailnetResourcesFrom(gateway, around, before, make)),
  };
  return { ...last, around, resources: unlessSame(before, after) };
};

/** The table of contents of the translation: one line per resource type. */
const resourcesFrom = (
  gateway: Gateway,
  around: Surroundings,
  { routes, scopes }: Routing,
  before: Resources | undefined,
  make: ResourceMakers,
): Resources =>
  unlessSame(before, {
    Cluster: reusing(before?.Cluster, make.clusters(gateway)),
    ClusterLoadAssignment: reusing(before?.ClusterLoadAssignment, make.loadAssignments(gateway, around.endpoints)),
    RouteConfiguration: reusing(before?.RouteConfiguration, routes),
    ScopedRouteConfiguration: reusing(before?.ScopedRouteConfiguration, scopes),
    Secret: reusing(before?.Secret, make.secrets(gateway)),
    ...tailnetResourcesFrom(gateway, around, before, make),
  });

/** What depends on who is there in tailnets, by the filters that have it apart, or where that cannot be by the listeners. */
const tailnetResourcesFrom = (
  gateway: Gateway,
  around: Surroundings,
  before: Resources | undefined,
  make: ResourceMakers,
): Pick<Resources, 'Listener' | 'TypedExtensionConfig'> => ({
  Listener: reusing(before?.Listener, make.listeners(gateway, around)),
  TypedExtensionConfig: reusing(before?.TypedExtensionConfig, make.extensions(gateway, around)),
});

const unlessSame = (before: Resources | undefined, after: Resources): Resources =>
  before !== undefined && Object.entries(after).every(([type, map]) => before[type as keyof Resources] === map) ? before : after;

type ResourceMakers = ReturnType<typeof resourceMakers>;

/** Makes each type's resources of a Gateway; what is made from one node of the graph is made once. */
const resourceMakers = (options: TranslateOptions) => {
  const virtualHostsAt = virtualHostMakers();

  const clustersWith = memo((clientCertificate: { readonly secret: TlsSecret | undefined }) =>
    memo(
      (backend: Backend): Resource<'Cluster'> =>
        new MadeWhenAsked<'Cluster'>(backend.id, ownersOfBackend(backend), () =>
          clusterFrom(backend, clientCertificate.secret, options.systemCaFile),
        ),
    ),
  );
  const noCertificate = { secret: undefined };
  const certificateOf = memo((secret: TlsSecret) => ({ secret }));

  const combinedCluster = memo((rule: StreamRule): Resource<'Cluster'> => ({
    name: combinedClusterName(rule),
    message: combinedClusterFrom(rule),
    owners: combinedOwners(rule),
  }));

  const loadAssignment = memoByReads<Endpoints, Backend, Resource<'ClusterLoadAssignment'>>((backend, read) => {
    const localities = read('endpoints', backend.id) ?? noLocalities;
    return new MadeWhenAsked<'ClusterLoadAssignment'>(backend.id, ownersOfBackend(backend), () =>
      loadAssignmentFrom(backend.id, localities, backend.reach?.form),
    );
  });

  const combinedLoadAssignment = memoByReads<Endpoints, StreamRule, Resource<'ClusterLoadAssignment'>>((rule, read) => ({
    name: combinedClusterName(rule),
    message: combinedLoadAssignmentFrom(rule, (id) => read('endpoints', id) ?? noLocalities),
    owners: combinedOwners(rule),
  }));

  const secret = memo((from: TlsSecret): Resource<'Secret'> => ({ name: from.id, message: secretFrom(from), owners: [from.owner] }));

  /** `at`: the Gateway's key. Of its sockets most are the same when it is another object. */
  const listener = memoWithin<Visiting, Socket, Resource<'Listener'>>((socket, at, read) => ({
    name: listenerName(socket),
    message: listenerFrom(socket, options, visitorsOf(at, socket, read)),
    owners: ownersOf([at as ObjectKey, ...socket.listeners.map(({ owner }) => owner)]),
  }));

  const peersMakers = new Map<string, ReturnType<typeof peersResourcesFrom>>();
  const peersOf = (tailnet: string): ReturnType<typeof peersResourcesFrom> => {
    const maker = peersMakers.get(tailnet) ?? peersResourcesFrom(tailnet);
    peersMakers.set(tailnet, maker);
    return maker;
  };

  return {
    clusters: (gateway: Gateway) => [
      ...gateway.backends.map(
        clustersWith(gateway.clientCertificate === undefined ? noCertificate : certificateOf(gateway.clientCertificate)),
      ),
      ...combinedRulesOf(gateway.sockets).map(combinedCluster),
      ...tunnelClustersOf(gateway),
      ...(jwtConfigOf(gateway)?.servers ?? []).map(({ server, policies }) => ({
        name: jwksClusterName(server),
        message: jwksClusterFrom(server, options.systemCaFile),
        owners: policies,
      })),
    ],
    loadAssignments: (gateway: Gateway, endpoints: Graph['endpoints']) => [
      ...gateway.backends.filter((backend) => isHeardOf(backend, endpoints)).map((backend) => loadAssignment(backend, { endpoints })),
      ...combinedRulesOf(gateway.sockets).map((rule) => combinedLoadAssignment(rule, { endpoints })),
      ...tunnelAssignmentsOf(gateway, endpoints),
    ],
    listeners: (gateway: Gateway, around: Surroundings) => [
      ...gateway.sockets.map((socket) => listener(socket, gateway.key, (table, key) => around[table].get(key) as never)),
      ...tunnelListenersOf(gateway),
    ],
    extensions: (gateway: Gateway, around: Surroundings): readonly Resource<'TypedExtensionConfig'>[] => [
      ...(isShared(gateway)
        ? [
            { name: fenceName, message: fenceFrom(fenceOf(gateway, around)), owners: [gateway.key] },
            ...tailnetsOf(gateway).flatMap((tailnet) => peersOf(tailnet)(around.peers.get(tailnet) ?? nobodyKnown)),
          ]
        : []),
      ...jwtExtensionOf(gateway),
    ],
    /** Of one Gateway, whose routing it follows. */
    routing: () => routingMaker(virtualHostsAt),
    secrets: ({ secrets }: Gateway) => secrets.map(secret),
  };
};

const jwtExtensionOf = (gateway: Gateway): readonly Resource<'TypedExtensionConfig'>[] => {
  const jwt = jwtConfigOf(gateway);
  return jwt === undefined ? [] : [{ name: httpFilters.jwt, message: jwt.config, owners: jwt.policies }];
};

const nobody: readonly string[] = [];
const localNameOf = ({ namespace, name }: Gateway): string => `${namespace}/${name}`;
const fenceOf = (gateway: Gateway, { fences }: Surroundings): readonly string[] => fences.get(localNameOf(gateway)) ?? nobody;

/** What a listener has to know itself of who may come; it changes with nothing else. */
const visitorsOf = (gateway: string, socket: Socket, read: Read<Visiting>): Visitors | undefined => {
  if (socket.tailnet === undefined || !forwardsBytes(socket)) return undefined;
  const asksWho = streamRulesOf(socket).some(({ rule }) => (rule.identities ?? []).length > 0);
  const { namespace, name } = partsOf(gateway as ObjectKey);
  return {
    fence: read('fences', localKey(namespace, name)) ?? nobody,
    peers: (asksWho ? read('peers', socket.tailnet.tailnet) : undefined) ?? nobodyKnown,
  };
};

const nobodyKnown: Peers = { byNode: new Map() };

/** Those that peers come in from, sorted. */
const tailnetsOf = memo(({ sockets }: Gateway): readonly string[] =>
  [...new Set(sockets.flatMap(({ tailnet }) => tailnet?.tailnet ?? []))].toSorted(),
);

/** Whether peers of a tailnet come in by some socket. */
const isShared = ({ sockets }: Gateway): boolean => sockets.some(({ tailnet }) => tailnet !== undefined);

/** Of a tailnet that has not been heard of, Envoys keep the endpoints they have. */
const isHeardOf = ({ id, reach }: Backend, endpoints: Graph['endpoints']): boolean => reach === undefined || endpoints.has(id);

/** The same list for all that is made of one backend. */
const ownersOfBackend = memo(({ key, tls }: Backend): readonly ObjectKey[] => ownersOf([key, tls?.policy]));

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
