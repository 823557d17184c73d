import { objectKey, type ObjectKey } from '../../lib/key.ts';
import type { HttpListener, RouteEntry, StreamRule } from '../../model/graph.ts';
import { actionPath } from './action.ts';
import type { Explanation, Path, Step } from './explanation.ts';
import { backendSteps } from './backend.ts';
import { certificateSteps } from './certificates.ts';
import { enteringBy, unsharedPaths, withEntering } from './entering.ts';
import { identitySteps } from './identity.ts';
import { listenerStep } from './listener.ts';
import { gatewayName, type Place } from './place.ts';
import { streamPolicies } from './policies.ts';
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
export const explainRoute = (world: World, route: ObjectKey, only?: string, peer?: string): Explanation => {
  const paths: Path[] = [];
  const reached = new Set<string>();
  for (const [name, gateway] of world.graph.gateways) {
    if (only !== undefined && only !== name) continue;
    for (const socket of gateway.sockets)
      for (const listener of socket.listeners) {
        const entering = enteringBy(socket, peer, world);
        const found = pathsOn({ gateway, socket, listener, asker: entering?.asker ?? 'unknown' }, route, world);
        if (socket.tailnet !== undefined && found.length > 0) reached.add(`${socket.tailnet.tailnet}/${socket.tailnet.service}`);
        paths.push(...(entering === undefined ? found : found.map((path) => withEntering(path, entering))));
      }
  }
  paths.push(...unsharedPaths(route, reached, only, peer, world));
  return {
    target: route,
    paths:
      paths.length > 0 ? paths : [{ gateway: only ?? '', outcome: 'refused', steps: troubleSteps(world.graph, route), passedOver: [] }],
  };
};

const pathsOn = (place: Place, route: ObjectKey, world: World): readonly Path[] => {
  const { socket, listener } = place;
  const before = [listenerStep(listener, socket), ...certificateSteps(place)];
  switch (listener.protocol) {
    case 'HTTP':
    case 'HTTPS':
      return hostsWith(route, listener, socket.tailnet !== undefined).map(({ host, entry }) =>
        actionPath(place, [...before, host], entry, [], world),
      );
    case 'TLS':
      return listener.serverNames
        .filter(({ rule }) => rule.owner === route)
        .map(({ name, rule }) => streamPath(place, [...before, { at: 'host', name, detail: 'server name' }], rule, world));
    case 'TCP':
    case 'UDP':
      return listener.rule?.owner === route ? [streamPath(place, before, listener.rule, world)] : [];
  }
};

type HostAndEntry = { readonly host: Step; readonly entry: RouteEntry };

/** Each host with each entry of a route; a service has many names for the same entries, which are told together. */
const hostsWith = (route: ObjectKey, { virtualHosts }: HttpListener, together: boolean): readonly HostAndEntry[] => {
  const all = virtualHosts.flatMap(({ domain, entries }) =>
    entries.filter(({ owner }) => owner === route).map((entry) => ({ domain, entry })),
  );
  if (!together) return all.map(({ domain, entry }) => ({ host: { at: 'host', name: domain, detail: 'answers this route' }, entry }));
  return [...Map.groupBy(all, ({ entry }) => entry)].map(([entry, hosts]) => ({
    host: { at: 'host', name: hosts.map(({ domain }) => domain).join(', '), detail: 'answer this route' },
    entry,
  }));
};

/** From a stream rule inwards. */
export const streamPath = (place: Place, before: readonly Step[], rule: StreamRule, world: World): Path => {
  const { id, owner, shares } = rule;
  const gateway = gatewayName(place);
  const route: Step = { at: 'route', name: id, detail: 'takes every connection', object: owner };
  const identity = identitySteps(rule.identities, place.asker);
  const policies = streamPolicies(place, rule, world);
  const refused = identity.refused ?? policies.closed;
  const steps = [...before, route, ...identity.steps, ...policies.steps];
  if (refused !== undefined) {
    const closed: Step = { at: 'identity', name: '', detail: `connections are closed: ${refused}` };
    return { gateway, outcome: 'refused', steps: [...steps, closed], passedOver: [] };
  }
  const backends = backendSteps({ owner, shares, without: 'connections are closed' }, world);
  return { gateway, outcome: backends.reachable ? 'forwarded' : 'refused', steps: [...steps, ...backends.steps], passedOver: [] };
};
