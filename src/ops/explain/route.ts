import { objectKey, type ObjectKey } from '../../lib/key.ts';
import type { Graph, Listener, Locality, Socket } from '../../model/graph.ts';
import { isTrouble } from '../../model/cluster-status.ts';
import { actionPath } from './action.ts';
import type { Explanation, Path, Step } from './explanation.ts';
import { backendSteps } from './backend.ts';
import { listenerStep } from './listener.ts';

const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;

/** The route that `HTTPRoute/namespace/name` names; undefined for anything else, such as a URL. */
export const routeKeyFrom = (text: string): ObjectKey | undefined => {
  const [word = '', namespace = '', name = '', ...rest] = text.split('/');
  const kind = routeKinds.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  return kind === undefined || namespace === '' || name === '' || rest.length > 0 ? undefined : objectKey(kind, namespace, name);
};

/** Every listener, host and match by which requests come to a route, and where they go from there; its troubles where there is none. */
export const explainRoute = (graph: Graph, route: ObjectKey, only?: string): Explanation => {
  const paths: Path[] = [];
  for (const [name, gateway] of graph.gateways) {
    if (only !== undefined && only !== name) continue;
    for (const socket of gateway.sockets)
      for (const listener of socket.listeners) paths.push(...pathsOn(name, socket, listener, route, graph.endpoints));
  }
  return {
    target: route,
    paths: paths.length > 0 ? paths : [{ gateway: only ?? '', outcome: 'refused', steps: troubles(graph, route), passedOver: [] }],
  };
};

type Endpoints = ReadonlyMap<string, readonly Locality[]>;

const pathsOn = (gateway: string, socket: Socket, listener: Listener, route: ObjectKey, endpoints: Endpoints): readonly Path[] => {
  const first = listenerStep(listener, socket);
  switch (listener.protocol) {
    case 'HTTP':
    case 'HTTPS':
      return listener.virtualHosts.flatMap(({ domain, entries }) =>
        entries
          .filter(({ owner }) => owner === route)
          .map((entry) => actionPath(gateway, [first, { at: 'host', name: domain, detail: 'answers this route' }], entry, [], endpoints)),
      );
    case 'TLS':
      return listener.serverNames
        .filter(({ rule }) => rule.owner === route)
        .map(({ name, rule }) => streamPath(gateway, [first, { at: 'host', name, detail: 'server name' }], rule, endpoints));
    case 'TCP':
    case 'UDP':
      return listener.rule?.owner === route ? [streamPath(gateway, [first], listener.rule, endpoints)] : [];
  }
};

/** From a stream rule inwards. */
export const streamPath = (
  gateway: string,
  before: readonly Step[],
  rule: { readonly id: string; readonly owner: ObjectKey; readonly shares: Parameters<typeof backendSteps>[0] },
  endpoints: Endpoints,
): Path => {
  const backends = backendSteps(rule.shares, endpoints, 'connections are closed');
  const route: Step = { at: 'route', name: rule.id, detail: 'takes every connection', object: rule.owner };
  return { gateway, outcome: backends.reachable ? 'forwarded' : 'refused', steps: [...before, route, ...backends.steps], passedOver: [] };
};

const troubles = ({ statuses }: Graph, route: ObjectKey): readonly Step[] => {
  const status = statuses.get(route);
  if (status === undefined || !('parents' in status))
    return [{ at: 'route', name: route, detail: 'there is no such route, or none of its parents is a Gateway of ours', object: route }];
  const said = status.parents.flatMap(({ parentRef, conditions }) =>
    conditions.filter(isTrouble).map(({ type, reason, message }): Step => ({
      at: 'route',
      name: route,
      detail: `${parentRef.kind} ${parentRef.name}: ${type} ${reason}: ${message}`,
      object: route,
    })),
  );
  return said.length > 0 ? said : [{ at: 'route', name: route, detail: 'is attached nowhere', object: route }];
};
