import type { HttpListener, Socket, StreamRule, TcpListener, TlsListener } from '../../src/model/graph.ts';
import { routeConfigurationName, streamName } from '../names.ts';
import type { FilterChain, NetworkFilter } from '../types.ts';
import { fenceFilter } from './fence.ts';
import { httpConnectionManagerFrom } from './http-connection-manager.ts';
import type { TranslateOptions } from './options.ts';
import type { Answering } from './route-configuration.ts';
import { tcpFiltersFrom } from './tcp-proxy.ts';
import { downstreamTlsFrom } from './tls.ts';

/** Plain HTTP: every connection. */
export const httpChainFrom = (socket: Socket, listeners: Answering, options: TranslateOptions): FilterChain => ({
  name: routeConfigurationName(socket, listeners[0]),
  filters: httpFiltersOf(socket, listeners, options),
});

/** HTTPS: connections that ask for the listener's name. */
export const httpsChainFrom = (socket: Socket, listener: HttpListener, options: TranslateOptions): FilterChain => ({
  name: routeConfigurationName(socket, listener),
  filterChainMatch: matchFrom(listener.hostname),
  transportSocket: listener.tls && downstreamTlsFrom(listener.tls, ['h2', 'http/1.1']),
  filters: httpFiltersOf(socket, [listener], options),
});

const httpFiltersOf = (socket: Socket, listeners: Answering, options: TranslateOptions): readonly NetworkFilter[] => [
  ...(socket.tailnet === undefined ? [] : [fenceFilter]),
  httpConnectionManagerFrom(socket, listeners, options),
];

/** TLSRoutes: one chain per server name. */
export const tlsChainsFrom = (socket: Socket, listener: TlsListener): readonly FilterChain[] =>
  listener.serverNames.map(({ name, rule }) => ({
    name: tlsChainName(socket, listener, name),
    filterChainMatch: matchFrom(name),
    transportSocket: listener.tls && downstreamTlsFrom(listener.tls, []),
    filters: tcpFiltersFrom(openTo(socket, rule), streamName(socket, listener)),
  }));

/** TCP: every connection. */
export const tcpChainFrom = (socket: Socket, listener: TcpListener): FilterChain => ({
  name: streamName(socket, listener),
  filters: tcpFiltersFrom(listener.rule && openTo(socket, listener.rule), streamName(socket, listener)),
});

const tlsChainName = (socket: Socket, listener: TlsListener, serverName: string): string => `${streamName(socket, listener)}/${serverName}`;

/** The rules for bytes, by the names of their chains. */
export const streamRulesOf = (socket: Socket): readonly { readonly chain: string; readonly rule: StreamRule }[] =>
  socket.listeners.flatMap((listener) => {
    if (listener.protocol === 'TLS')
      return listener.serverNames.map(({ name, rule }) => ({ chain: tlsChainName(socket, listener, name), rule }));
    return listener.protocol === 'TCP' && listener.rule !== undefined ? [{ chain: streamName(socket, listener), rule: listener.rule }] : [];
  });

/** Where peers are not known, a rule that asks who it is has nobody. */
const openTo = ({ tailnet }: Socket, rule: StreamRule): StreamRule | undefined =>
  tailnet === undefined && (rule.identities ?? []).length > 0 ? undefined : rule;

/** TLS connections by server name; any, also none, for `*`. */
const matchFrom = (serverName = '*'): NonNullable<FilterChain['filterChainMatch']> => ({
  transportProtocol: 'tls',
  serverNames: serverName === '*' ? undefined : [serverName],
});
