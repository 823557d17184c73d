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

/** RDS entry of listeners of one socket. */
export const routeConfigurationFrom = (
  port: number,
  listeners: Answering,
  virtualHostOf: (host: Host) => VirtualHost,
): RouteConfiguration => {
  const hosts = listeners.flatMap(({ virtualHosts }) => virtualHosts).toSorted((a, b) => byCodeUnit(a.domain, b.domain));
  const misdirected = listeners.flatMap((listener) => listener.misdirected);
  return {
    name: routeConfigurationName({ port }, listeners[0]),
    virtualHosts: [...hosts.map(virtualHostOf), ...(misdirected.length === 0 ? [] : [misdirectedHostFrom(misdirected)])],
    // Hosts match whatever port they come with, and reach backends as clients sent them.
    ignorePortInHostMatching: true,
    // Changes of a backendRef come after those of its rule, and so win.
    mostSpecificHeaderMutationsWins: true,
  };
};
