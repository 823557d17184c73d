import { objectKey, type ObjectKey } from '../../lib/key.ts';
import type { Listener, Socket, StreamRule } from '../../model/graph.ts';
import { actionPath } from './action.ts';
import type { Explanation, Path, Step } from './explanation.ts';
import { backendSteps } from './backend.ts';
import { listenerStep } from './listener.ts';
import { troubleSteps } from './troubles.ts';
import type { World } from './world.ts';

const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;

/** The route that `HTTPRoute/namespace/name` names; undefined for anything else, such as a URL. */
export const routeKeyFrom = (text: string): ObjectKey | undefined => {
  const [word = '', namespace = '', name = '', ...rest] = text.split('/');
  const kind = routeKinds.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  return kind === undefined || namespace === '' || name === '' || rest.length > 0 ? undefined : objectKey(kind, namespace, name);
};

/** Every listener, host and match by which requests come to a route, and where they go from there; its troubles where there is none. */
export const explainRoute = (world: World, route: ObjectKey, only?: string): Explanation => {
  const paths: Path[] = [];
  for (const [name, gateway] of world.graph.gateways) {
    if (only !== undefined && only !== name) continue;
    for (const socket of gateway.sockets)
      for (const listener of socket.listeners) paths.push(...pathsOn(name, socket, listener, route, world));
  }
  return {
    target: route,
    paths:
      paths.length > 0 ? paths : [{ gateway: only ?? '', outcome: 'refused', steps: troubleSteps(world.graph, route), passedOver: [] }],
  };
};

const pathsOn = (gateway: string, socket: Socket, listener: Listener, route: ObjectKey, world: World): readonly Path[] => {
  const first = listenerStep(listener, socket);
  switch (listener.protocol) {
    case 'HTTP':
    case 'HTTPS':
      return listener.virtualHosts.flatMap(({ domain, entries }) =>
        entries
          .filter(({ owner }) => owner === route)
          .map((entry) => actionPath(gateway, [first, { at: 'host', name: domain, detail: 'answers this route' }], entry, [], world)),
      );
    case 'TLS':
      return listener.serverNames
        .filter(({ rule }) => rule.owner === route)
        .map(({ name, rule }) => streamPath(gateway, [first, { at: 'host', name, detail: 'server name' }], rule, world));
    case 'TCP':
    case 'UDP':
      return listener.rule?.owner === route ? [streamPath(gateway, [first], listener.rule, world)] : [];
  }
};

/** From a stream rule inwards. */
export const streamPath = (gateway: string, before: readonly Step[], { id, owner, shares }: StreamRule, world: World): Path => {
  const backends = backendSteps({ owner, shares, without: 'connections are closed' }, world);
  const route: Step = { at: 'route', name: id, detail: 'takes every connection', object: owner };
  return { gateway, outcome: backends.reachable ? 'forwarded' : 'refused', steps: [...before, route, ...backends.steps], passedOver: [] };
};
