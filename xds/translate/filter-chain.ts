import type { HttpListener, Socket, TcpListener, TlsListener } from '../../src/model/graph.ts';
import { routeConfigurationName } from '../names.ts';
import type { FilterChain } from '../types.ts';
import { httpConnectionManagerFrom } from './http-connection-manager.ts';
import type { TranslateOptions } from './options.ts';
import type { Answering } from './route-configuration.ts';
import { tcpFiltersFrom } from './tcp-proxy.ts';
import { downstreamTlsFrom } from './tls.ts';

/** Plain HTTP: every connection. */
export const httpChainFrom = ({ port }: Socket, listeners: Answering, options: TranslateOptions): FilterChain => ({
  name: routeConfigurationName({ port }, listeners[0]),
  filters: [httpConnectionManagerFrom(port, listeners, options)],
});

/** HTTPS: connections that ask for the listener's name. */
export const httpsChainFrom = ({ port }: Socket, listener: HttpListener, options: TranslateOptions): FilterChain => ({
  name: routeConfigurationName({ port }, listener),
  filterChainMatch: matchFrom(listener.hostname),
  transportSocket: listener.tls && downstreamTlsFrom(listener.tls, ['h2', 'http/1.1']),
  filters: [httpConnectionManagerFrom(port, [listener], options)],
});

/** TLSRoutes: one chain per server name. */
export const tlsChainsFrom = ({ port }: Socket, listener: TlsListener): readonly FilterChain[] =>
  listener.serverNames.map(({ name, rule }) => ({
    name: `tls/${port}/${listener.name}/${name}`,
    filterChainMatch: matchFrom(name),
    transportSocket: listener.tls && downstreamTlsFrom(listener.tls, []),
    filters: tcpFiltersFrom(rule, `tls/${port}/${listener.name}`),
  }));

/** TCP: every connection. */
export const tcpChainFrom = ({ port }: Socket, { name, rule }: TcpListener): FilterChain => ({
  name: `tcp/${port}/${name}`,
  filters: tcpFiltersFrom(rule, `tcp/${port}/${name}`),
});

/** TLS connections by server name; any, also none, for `*`. */
const matchFrom = (serverName = '*'): NonNullable<FilterChain['filterChainMatch']> => ({
  transportProtocol: 'tls',
  serverNames: serverName === '*' ? undefined : [serverName],
});
