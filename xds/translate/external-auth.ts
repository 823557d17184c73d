import { any } from '../any.ts';
import { partsOf } from '../../src/lib/key.ts';
import type { ExternalAuth } from '../../src/model/graph.ts';
import { externalAuthFilterName } from '../names.ts';
import type { Any, ExtAuthz, HttpFilter } from '../types.ts';

/** Envoy's own default is 0.2 s, too little for a server that asks somebody else. Past it the request is denied. */
const timeout = '5s';

/** Gateway API `HTTPExternalAuthFilter`: a filter that acts only on the routes that enable it. Without an answer, requests are denied. */
export const externalAuthFilterFrom = (auth: ExternalAuth): HttpFilter => ({
  name: externalAuthFilterName(auth),
  disabled: true,
  typedConfig: any('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
    transportApiVersion: 'V3',
    ...(auth.protocol === 'GRPC' ? grpcFrom(auth) : httpFrom(auth)),
    // A body above the limit is refused with 413.
    withRequestBody: auth.maxBodyBytes === 0 ? undefined : { maxRequestBytes: auth.maxBodyBytes },
  }),
});

/** What enables the filter on a route. */
export const externalAuthEnabled: Any = any('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute', { checkSettings: {} });

const grpcFrom = ({ backend, allowedRequestHeaders }: ExternalAuth): ExtAuthz => ({
  grpcService: { envoyGrpc: { clusterName: backend.id, authority: authorityOf(backend) }, timeout },
  // None named means all.
  allowedHeaders: allowedRequestHeaders.length === 0 ? undefined : named(allowedRequestHeaders),
});

/** Envoy always sends Host, method, path, Content-Length and Authorization. */
const httpFrom = ({ backend, pathPrefix, allowedRequestHeaders, allowedResponseHeaders }: ExternalAuth): ExtAuthz => ({
  httpService: {
    // Envoy wants a URI here and uses nothing of it.
    serverUri: { uri: `http://${authorityOf(backend)}`, cluster: backend.id, timeout },
    pathPrefix,
    authorizationResponse: {
      allowedUpstreamHeaders:
        allowedResponseHeaders.length === 0 ? { patterns: [{ safeRegex: { regex: '.*' } }] } : named(allowedResponseHeaders),
    },
  },
  allowedHeaders: allowedRequestHeaders.length === 0 ? undefined : named(allowedRequestHeaders),
  decoderHeaderMutationRules: allowedResponseHeaders.length === 0 ? { disallowExpression: { regex: ownHeaders } } : undefined,
});

/** "All" response headers go into the request to the backend, but for those that describe the authorization response itself. */
const ownHeaders = 'connection|content-.*|date|keep-alive|server|te|trailer|transfer-encoding|upgrade';

/** The server by its name. Envoy would say the cluster's instead, whose slashes servers refuse in `:authority`. */
const authorityOf = ({ key, port }: ExternalAuth['backend']): string => {
  const { namespace, name } = partsOf(key);
  return `${name}.${namespace}:${port}`;
};

const named = (headers: readonly string[]): NonNullable<ExtAuthz['allowedHeaders']> => ({
  patterns: headers.toSorted().map((exact) => ({ exact, ignoreCase: true })),
});
