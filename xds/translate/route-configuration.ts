import { byCodeUnit } from '../../src/lib/key.ts';
import type { HttpListener, Listener, Socket, VirtualHost as Host } from '../../src/model/graph.ts';
import { routeConfigurationName } from '../names.ts';
import type { RouteConfiguration, VirtualHost } from '../types.ts';
import { misdirectedHostFrom } from './virtual-host.ts';

/** Listeners of one socket that one RouteConfiguration answers for: all HTTP ones together, each HTTPS one alone. Never empty. */
export type Answering = readonly [HttpListener, ...HttpListener[]];

export const answeringListenersOf = ({ listeners }: Socket): readonly Answering[] => {
  const [firstPlain, ...plain] = listeners.filter(isHttp);
  const together: readonly Answering[] = firstPlain === undefined ? [] : [[firstPlain, ...plain]];
  return [...together, ...listeners.filter(isHttps).map((listener): Answering => [listener])];
};

const isHttp = (listener: Listener): listener is HttpListener => listener.protocol === 'HTTP';
const isHttps = (listener: Listener): listener is HttpListener => listener.protocol === 'HTTPS';

/** RDS entry of the listeners, which are some of the socket's. */
export const routeConfigurationFrom = (
  socket: Socket,
  listeners: Answering,
  virtualHostOf: (host: Host) => VirtualHost,
): RouteConfiguration => {
  const misdirected = misdirectedDomains(socket.listeners, listeners[0]);
  const hosts = listeners.flatMap(({ virtualHosts }) => virtualHosts).filter(({ domain }) => !misdirected.includes(domain));
  const answered = [...hosts, ...ownHost(listeners[0], hosts, misdirected)].toSorted((a, b) => byCodeUnit(a.domain, b.domain));
  return {
    name: routeConfigurationName(socket, listeners[0]),
    virtualHosts: [...answered.map(virtualHostOf), ...(misdirected.length === 0 ? [] : [misdirectedHostFrom(misdirected)])],
    // Hosts match whatever port they come with, and reach backends as clients sent them.
    ignorePortInHostMatching: true,
    // Changes of a backendRef come after those of its rule, and so win.
    mostSpecificHeaderMutationsWins: true,
  };
};

/**
 * Gateway API `Listener.hostname` on HTTPS: a request that came by one listener's server name, for a host that another listener fits
 * better. Of the names that fit a host Envoy takes the most specific, so every name the others have does it, unless it is our own.
 */
const misdirectedDomains = (all: readonly Listener[], own: HttpListener): readonly string[] => {
  if (own.protocol === 'HTTP') return [];
  const others = all.filter(isHttps).map(({ hostname = '*' }) => hostname);
  return [...new Set(others)].filter((domain) => domain !== (own.hostname ?? '*')).toSorted(byCodeUnit);
};

/** The listener's own name, answering 404 to hosts that fit it and no route: without it they would count as misdirected. */
const ownHost = ({ hostname }: HttpListener, hosts: readonly Host[], misdirected: readonly string[]): readonly Host[] =>
  hostname === undefined || misdirected.length === 0 || hosts.some(({ domain }) => domain === hostname)
    ? []
    : [{ domain: hostname, entries: [] }];
