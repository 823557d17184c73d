import type { HttpListener, Listener, Socket, VirtualHost as Host } from '../../src/model/graph.ts';
import type { RouteConfiguration, ScopedRouteConfiguration, VirtualHost } from '../types.ts';
import { scopeHeader } from './scopes.ts';
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

/** What one RouteConfiguration answers: hosts, in code-unit order where they are written, and names that are another listener's. */
export type Answers = { readonly hosts: readonly Host[]; readonly misdirected: readonly string[] };

/** RDS entry for some listeners of one socket. */
export const routeConfigurationFrom = (
  name: string,
  { hosts, misdirected }: Answers,
  virtualHostOf: (host: Host) => VirtualHost,
): RouteConfiguration => ({
  name,
  virtualHosts: [...hosts.map(virtualHostOf), ...(misdirected.length === 0 ? [] : [misdirectedHostFrom(misdirected)])],
  // Hosts match whatever port they come with, and reach backends as clients sent them.
  ignorePortInHostMatching: true,
  // Changes of a backendRef come after those of its rule, and so win.
  mostSpecificHeaderMutationsWins: true,
});

/** RDS entry for one scope's part of them. */
export const partFrom = (name: string, answers: Answers, virtualHostOf: (host: Host) => VirtualHost): RouteConfiguration => ({
  ...routeConfigurationFrom(name, answers, virtualHostOf),
  requestHeadersToRemove: [scopeHeader],
});

/** SRDS entry that leads requests to the part of the same name. */
export const scopeFrom = (name: string): ScopedRouteConfiguration => ({
  name,
  routeConfigurationName: name,
  key: { fragments: [{ stringKey: name }] },
});
