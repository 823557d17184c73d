import { sorter } from '../../src/lib/changes.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { areSame, memo } from '../../src/lib/memo.ts';
import type { Gateway, RouteEntry, VirtualHost as Host } from '../../src/model/graph.ts';
import { routeConfigurationName } from '../names.ts';
import type { Resource } from '../resources.ts';
import type { RouteConfiguration, VirtualHost } from '../types.ts';
import { ownersOf } from './owners.ts';
import type { Front } from './redirect.ts';
import { type Answering, answeringListenersOf, type Answers, partFrom, routeConfigurationFrom, scopeFrom } from './route-configuration.ts';
import { byDomain, isScoped, partName, partsMaker, scopes } from './scopes.ts';

/** What leads requests to routes, in no order. */
export type Routing = {
  readonly routes: readonly Resource<'RouteConfiguration'>[];
  readonly scopes: readonly Resource<'ScopedRouteConfiguration'>[];
};

type VirtualHostsAt = (front: Front) => (host: Host) => VirtualHost;

/** Makes the routing of one Gateway, from call to call: of thousands of hosts, what did not change is neither sorted nor made again. */
export const routingMaker = (virtualHostsAt: VirtualHostsAt): ((gateway: Gateway) => Routing) => {
  let makers: ReadonlyMap<string, RoutingAt> = new Map();
  return (gateway) => {
    const next = new Map<string, RoutingAt>();
    const made = gateway.sockets.flatMap((socket) =>
      answeringListenersOf(socket).map((listeners) => {
        const routes = routeConfigurationName(socket, listeners[0]);
        const virtualHostOf = virtualHostsAt({ scheme: listeners[0].protocol === 'HTTPS' ? 'https' : 'http', port: socket.port });
        const maker = makers.get(routes) ?? routingAt(routes);
        next.set(routes, maker);
        return maker(gateway.key, listeners, virtualHostOf);
      }),
    );
    makers = next;
    return { routes: made.flatMap(({ routes }) => routes), scopes: made.flatMap((one) => one.scopes) };
  };
};

type RoutingAt = (gateway: ObjectKey, listeners: Answering, virtualHostOf: (host: Host) => VirtualHost) => Routing;

/**
 * Of one RouteConfiguration: the whole, and if need be its parts. A connection that began before there were parts goes on with the whole
 * until it is drained, and one that began with parts with them, so once there are parts there always are; nobody else is sent them.
 */
const routingAt = (routes: string): RoutingAt => {
  const sorted = sorter<Host>(byDomain);
  const partsFrom = partsMaker();
  let parts: ReadonlyMap<string, Part> | undefined;
  let last: { readonly listeners: Answering; readonly routing: Routing } | undefined;
  const routingFrom: RoutingAt = (gateway, listeners, virtualHostOf) => {
    const [first, ...others] = listeners;
    const hosts = first !== undefined && others.length === 0 ? first.virtualHosts : listeners.flatMap(({ virtualHosts }) => virtualHosts);
    const misdirected = listeners.flatMap((listener) => listener.misdirected);
    const wholeFrom = (): RouteConfiguration => routeConfigurationFrom(routes, { hosts: sorted(hosts), misdirected }, virtualHostOf);
    const scoped = isScoped(listeners);
    if (parts === undefined && !scoped)
      return { routes: [{ name: routes, message: wholeFrom(), owners: ownersAt(gateway, { hosts, misdirected }) }], scopes: [] };
    const next = new Map<string, Part>();
    for (const [scope, part] of partsFrom({ hosts, misdirected })) {
      const name = partName(routes, scope);
      const last = parts?.get(name);
      next.set(name, last?.answers === part ? last : partOf(gateway, name, part, virtualHostOf));
    }
    parts = next;
    const made = [...next.values()].map(({ resource }) => resource);
    return {
      // Who is to blame for routes is said by the part they are in. Replicas that began with fewer hosts, and so have no parts, tell its version by its content.
      routes: [
        scoped
          ? inParts(routes, made, [gateway], wholeOf(routes, next, sorted, virtualHostOf))
          : { name: routes, message: wholeFrom(), owners: [gateway] },
        ...made,
      ],
      scopes: scopes.map((scope) => scopeOf(gateway, partName(routes, scope))),
    };
  };
  return (gateway, listeners, virtualHostOf) => {
    const isSame = last !== undefined && areSame(last.listeners, listeners);
    last = last !== undefined && isSame ? last : { listeners, routing: routingFrom(gateway, listeners, virtualHostOf) };
    return last.routing;
  };
};

/**
 * Makes the whole of what its parts answer, sorted only then: hardly anybody asks for it. By itself, for generations of it are kept that nobody has asked
 * for, and made where it is used it would keep a list of all hosts for each.
 */
const wholeOf =
  (
    routes: string,
    parts: ReadonlyMap<string, Part>,
    sorted: (hosts: readonly Host[]) => readonly Host[],
    virtualHostOf: (host: Host) => VirtualHost,
  ) =>
  (): RouteConfiguration => {
    const answers = [...parts.values()].map((part) => part.answers);
    const hosts = new Set(answers.flatMap(({ hosts }) => hosts));
    return routeConfigurationFrom(routes, { hosts: sorted([...hosts]), misdirected: answers[0]?.misdirected ?? [] }, virtualHostOf);
  };

/** The whole of some parts, made when somebody asks for it. What differs between two of them is told by their parts, which come first. */
const inParts = (
  name: string,
  parts: readonly Resource<'RouteConfiguration'>[],
  owners: readonly ObjectKey[],
  make: () => RouteConfiguration,
): Resource<'RouteConfiguration'> => {
  let made: RouteConfiguration | undefined;
  return {
    name,
    parts,
    owners,
    get message() {
      made ??= make();
      return made;
    },
  };
};

type Part = { readonly answers: Answers; readonly resource: Resource<'RouteConfiguration'> };

const partOf = (gateway: ObjectKey, name: string, answers: Answers, virtualHostOf: (host: Host) => VirtualHost): Part => ({
  answers,
  resource: { name, message: partFrom(name, answers, virtualHostOf), owners: ownersAt(gateway, answers) },
});

const scopeOf = (gateway: ObjectKey, name: string): Resource<'ScopedRouteConfiguration'> => ({
  name,
  message: scopeFrom(name),
  owners: [gateway],
});

const ownersAt = (gateway: ObjectKey, { hosts }: Answers): readonly ObjectKey[] => ownersOf([gateway, ...hosts.flatMap(routeOwners)]);

const routeOwners = memo(({ entries }: { readonly entries: readonly RouteEntry[] }): readonly ObjectKey[] =>
  ownersOf(entries.map(({ owner }) => owner)),
);
