import { any } from '../any.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { ExternalAuth, Socket } from '../../src/model/graph.ts';
import { externalAuthFilterName, httpFilters, peerMetadata, routeConfigurationName } from '../names.ts';
import type { HttpConnectionManager, HttpFilter, NetworkFilter } from '../types.ts';
import { adsSource } from './config-source.ts';
import { disbelief, underscores } from './disbelief.ts';
import { durationFrom } from './duration.ts';
import { externalAuthFilterFrom } from './external-auth.ts';
import { asksForTokens, jwtFilter } from './jwt.ts';
import { http2Limits, streamIdleTimeoutMs } from './limits.ts';
import type { TranslateOptions } from './options.ts';
import { noRateLimit } from './rate-limit.ts';
import { peerFiltersOf } from './peers-slots.ts';
import type { Answering } from './route-configuration.ts';
import { isScoped, scopedRoutesFrom } from './scopes.ts';

/** HTTP for some listeners of a port, whose routes come by RDS, in parts where they are very many. */
export const httpConnectionManagerFrom = (socket: Socket, listeners: Answering, { accessLog }: TranslateOptions): NetworkFilter => {
  const routeConfigName = routeConfigurationName(socket, listeners[0]);
  const { scopedRoutes, scopeMutation } = isScoped(listeners) ? scopedRoutesFrom(routeConfigName) : noScopes;
  const manager: HttpConnectionManager = {
    statPrefix: routeConfigName,
    ...(scopedRoutes === undefined ? { rds: { configSource: adsSource, routeConfigName } } : { scopedRoutes }),
    earlyHeaderMutationExtensions: [disbelief(socket), ...scopeMutation],
    httpFilters: [...(socket.tailnet === undefined ? [] : peerFiltersOf(socket.tailnet)), ...httpFiltersFrom(listeners)],
    // Whoever connects is the client: what it says about itself in X-Forwarded-… is not believed.
    useRemoteAddress: true,
    // One path, one spelling: what is matched here is what the backend gets, so no spelling slips past a rule for a longer path.
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT',
    // The backend's own Server header, not Envoy's.
    serverHeaderTransformation: 'PASS_THROUGH',
    http2ProtocolOptions: http2Limits,
    commonHttpProtocolOptions: { idleTimeout: '3600s', ...underscores(socket) },
    streamIdleTimeout: durationFrom(streamIdleTimeoutMs),
    requestHeadersTimeout: '10s',
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    accessLog: accessLog ? [socket.tailnet === undefined ? stdoutAccessLog : peersAccessLog] : undefined,
  };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', manager),
  };
};

const noScopes = { scopedRoutes: undefined, scopeMutation: [] } as const;

const stdoutAccessLog = {
  name: 'envoy.access_loggers.stdout',
  typedConfig: any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {}),
};

/** Envoy's own format, and after it who asked. */
const peersAccessLog = {
  name: 'envoy.access_loggers.stdout',
  typedConfig: any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    logFormat: {
      textFormatSource: {
        inlineString: [
          '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
          '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"',
          '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
          `"%DYNAMIC_METADATA(${peerMetadata}:user)%" "%DYNAMIC_METADATA(${peerMetadata}:node)%"\n`,
        ].join(' '),
      },
    },
  }),
};

/**
 * Every filter a route may ask for, off until it does: a route that begins to use CORS or sessions changes RDS only, and no connection
 * is drained. An external authorization is part of its filter, so a new one does change the listener.
 */
const httpFiltersFrom = (listeners: Answering): readonly HttpFilter[] => [
  { name: httpFilters.cors, disabled: true, typedConfig: any('envoy.extensions.filters.http.cors.v3.Cors', {}) },
  { name: httpFilters.identity, disabled: true, typedConfig: any('envoy.extensions.filters.http.rbac.v3.RBAC', {}) },
  { name: httpFilters.rateLimit, disabled: true, typedConfig: noRateLimit },
  ...(asksForTokens(listeners) ? [jwtFilter] : []),
  ...externalAuthsOf(listeners).map(externalAuthFilterFrom),
  {
    name: httpFilters.statefulSession,
    disabled: true,
    typedConfig: any('envoy.extensions.filters.http.stateful_session.v3.StatefulSession', {}),
  },
  { name: httpFilters.router, typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}) },
];

const externalAuthsOf = (listeners: Answering): readonly ExternalAuth[] => {
  const auths = new Map<string, ExternalAuth>();
  for (const { virtualHosts } of listeners)
    for (const { entries } of virtualHosts)
      for (const { rule } of entries) if (rule.externalAuth) auths.set(externalAuthFilterName(rule.externalAuth), rule.externalAuth);
  return [...auths].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, auth]) => auth);
};
