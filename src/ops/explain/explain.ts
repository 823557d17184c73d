import type { Graph, HttpListener, Listener, Socket, StreamRule, VirtualHost } from '../../model/graph.ts';
import { covers, ownerOf } from '../../model/gateways/hostnames.ts';
import { actionPath } from './action.ts';
import { certificateSteps } from './certificates.ts';
import type { Explanation, Path, Step } from './explanation.ts';
import { listenerStep } from './listener.ts';
import { mismatch } from './match.ts';
import { gatewayName, type Place } from './place.ts';
import type { Request } from './request.ts';
import { streamPath } from './route.ts';
import type { World } from './world.ts';

/**
 * What happens to a request: listener → route → rule → backend → endpoints in each Gateway that listens on its port, with the reason
 * where it stops. `only` names one Gateway (`namespace/name`).
 */
export const explainRequest = (world: World, target: string, request: Request, only?: string): Explanation => {
  const { graph } = world;
  const paths: Path[] = [];
  for (const [name, gateway] of graph.gateways) {
    if (only !== undefined && name !== only) continue;
    const socket = gateway.sockets.find((candidate) => candidate.tailnet === undefined && listensFor(candidate, request));
    if (socket !== undefined) paths.push(pathThrough({ gateway, socket, asker: 'unknown', request }, world));
  }
  return { target, paths: paths.length > 0 ? paths : [nobodyListens(graph, request, only)] };
};

const listensFor = ({ port, boundPort, transport }: Socket, request: Request): boolean =>
  (port === request.port || boundPort === request.port) && (transport === 'UDP') === (request.scheme === 'udp');

const nobodyListens = ({ gateways }: Graph, { port, scheme }: Request, only: string | undefined): Path => {
  if (only !== undefined && !gateways.has(only)) return refused(only, [step('gateway', only, 'there is no such accepted Gateway')]);
  const listening = [...gateways]
    .filter(([name]) => only === undefined || name === only)
    .flatMap(([, { sockets }]) => sockets.filter(({ tailnet }) => tailnet === undefined));
  const ports = [...new Set(listening.map((socket) => `${socket.transport} ${socket.port}`))].join(', ');
  const transport = scheme === 'udp' ? 'UDP' : 'TCP';
  return refused(only ?? '', [
    step('listener', '', `nothing listens on ${transport} ${port}; there is ${ports === '' ? 'no listener' : ports}`),
  ]);
};

/** A request as it comes to a socket, from there on. */
export const pathThrough = (at: Omit<Place, 'listener'> & { readonly request: Request }, world: World): Path => {
  const { socket, request } = at;
  const name = gatewayName(at);
  const listener = listenerFor(socket, request);
  if (typeof listener === 'string') return refused(name, [step('listener', '', listener)]);
  const place = { ...at, listener };
  const first = [listenerStep(listener, socket), ...certificateSteps(place)];
  switch (listener.protocol) {
    case 'HTTP':
    case 'HTTPS':
      return isMisdirected(listener, request)
        ? answered(name, 421, [...first, step('host', request.host, 'belongs to another listener of this port: ask for its server name')])
        : httpPath(place, hostsFor(socket, listener), first, world);
    case 'TLS': {
      const serverName = ownerOf(
        request.serverName,
        listener.serverNames.map((entry) => entry.name),
      );
      const rule = listener.serverNames.find((entry) => entry.name === serverName)?.rule;
      return streamOrNone(place, rule, first, `no TLSRoute takes server name ${request.serverName}`, world);
    }
    case 'TCP':
    case 'UDP':
      return streamOrNone(place, listener.rule, first, `no ${listener.protocol}Route is attached`, world);
  }
};

/** The listener that gets the connection; a string says why none does. */
const listenerFor = (socket: Socket, { scheme, serverName, host }: Request): Listener | string => {
  const [first] = socket.listeners;
  if (first === undefined) return 'the port has no listener';
  if (first.protocol === 'TCP' || first.protocol === 'UDP') return first;
  const encrypted = first.protocol !== 'HTTP';
  if (encrypted && scheme === 'http') return `port ${socket.port} speaks TLS, and the request does not`;
  if (!encrypted && scheme !== 'http') return `port ${socket.port} speaks plain HTTP, and the request is ${scheme}://`;
  const name = encrypted ? serverName : host;
  const owner = ownerOf(name, socket.listeners.map(hostnameOf));
  const found = socket.listeners.find((listener) => hostnameOf(listener) === owner);
  return found ?? `no listener of port ${socket.port} takes ${name}; there is ${socket.listeners.map(hostnameOf).join(', ')}`;
};

/** A connection made for one server name that asks for a host which another listener fits better. */
const isMisdirected = ({ misdirected, virtualHosts }: HttpListener, { host }: Request): boolean => {
  const own = virtualHosts.map(({ domain }) => domain);
  const domain = ownerOf(host, [...own, ...misdirected]);
  return domain !== undefined && misdirected.includes(domain) && !own.includes(domain);
};

const hostnameOf = ({ hostname = '*' }: Listener): string => hostname;

/** Plain HTTP listeners of a port answer together, HTTPS ones each by itself (xds/translate/route-configuration.ts). */
const hostsFor = (socket: Socket, listener: HttpListener): readonly VirtualHost[] =>
  listener.protocol === 'HTTPS'
    ? listener.virtualHosts
    : socket.listeners.flatMap((other) => (other.protocol === 'HTTP' ? other.virtualHosts : []));

type Requested = Place & { readonly request: Request };

const httpPath = (place: Requested, hosts: readonly VirtualHost[], first: readonly Step[], world: World): Path => {
  const { request, asker } = place;
  const gateway = gatewayName(place);
  const domain = ownerOf(
    request.host,
    hosts.map((host) => host.domain),
  );
  const entries = hosts.find((host) => host.domain === domain)?.entries ?? [];
  if (domain === undefined || entries.length === 0) {
    const known = hosts.filter((host) => host.entries.length > 0).map((host) => host.domain);
    const detail = known.length === 0 ? 'no route is attached' : `no route takes this host; there is ${known.join(', ')}`;
    return answered(gateway, 404, [...first, step('host', request.host, detail)]);
  }
  const host = step('host', domain, covers(domain, request.host) && domain !== request.host ? `takes ${request.host}` : 'exact');
  const passedOver: { route: string; reason: string }[] = [];
  for (const entry of entries) {
    const reason = mismatch(entry.match, request, asker);
    if (reason === undefined) return actionPath(place, [...first, host], entry, passedOver, world);
    passedOver.push({ route: entry.id, reason });
  }
  const nothing = step('route', '', `none of ${entries.length} matches takes ${request.method} ${request.path}`);
  return answered(gateway, 404, [...first, host, nothing], passedOver);
};

const streamOrNone = (place: Requested, rule: StreamRule | undefined, first: readonly Step[], none: string, world: World): Path =>
  rule === undefined ? refused(gatewayName(place), [...first, step('route', '', none)]) : streamPath(place, first, rule, world);

const step = (at: Step['at'], name: string, detail: string): Step => ({ at, name, detail });

const refused = (gateway: string, steps: readonly Step[]): Path => ({ gateway, outcome: 'refused', steps, passedOver: [] });

const answered = (gateway: string, status: number, steps: readonly Step[], passedOver: Path['passedOver'] = []): Path => ({
  gateway,
  outcome: 'answered',
  status,
  steps,
  passedOver,
});
