/**
 * How everything Envoy holds is named, but for what the graph names itself: clusters are backend ids, secrets their own ids.
 * A name is unique within one Gateway, and stays the same for as long as what it names does: statistics and diffs hang on it.
 */
import type { ExternalAuth, HttpListener, Listener, Socket, StreamRule } from '../src/model/graph.ts';

/** `tcp/80`: the port as users write it, whatever Envoy binds. `tailnet/TAILNET/svc:web/443` for peers of a tailnet. */
export const listenerName = ({ transport, port, tailnet }: Pick<Socket, 'transport' | 'port' | 'tailnet'>): string =>
  tailnet === undefined ? `${transport.toLowerCase()}/${port}` : `tailnet/${tailnet.tailnet}/${tailnet.service}/${port}`;

/**
 * `http/80` for all HTTP listeners of a port; `https/443/LISTENER` for each HTTPS listener. What answers peers of a tailnet is named as its Envoy listener
 * is, and after the server names it is for if it is not for all.
 */
export const routeConfigurationName = (
  socket: Pick<Socket, 'transport' | 'port' | 'tailnet'>,
  { protocol, name, hostname }: Pick<HttpListener, 'protocol' | 'name' | 'hostname'>,
): string => {
  if (socket.tailnet !== undefined) return [listenerName(socket), ...(protocol === 'HTTPS' ? [hostname ?? []].flat() : [])].join('/');
  return protocol === 'HTTPS' ? `https/${socket.port}/${name}` : `http/${socket.port}`;
};

/** `tcp/5432/LISTENER`, `tls/443/LISTENER`: what a listener does with bytes. */
export const streamName = (
  socket: Pick<Socket, 'transport' | 'port' | 'tailnet'>,
  { protocol, name }: Pick<Listener, 'protocol' | 'name'>,
): string =>
  socket.tailnet === undefined
    ? `${protocol.toLowerCase()}/${socket.port}/${name}`
    : `${listenerName(socket)}/${protocol.toLowerCase()}/${name}`;

/** The filter, and its configuration by ECDS, that closes connections to entrances from tailnets but those of their proxies. */
export const fenceName = 'tailnet/fence';

/** The cluster of a UDP rule with several shares: Envoy's UDP proxy takes one cluster, so their endpoints are brought together in it. */
export const combinedClusterName = (rule: Pick<StreamRule, 'id'>): string => rule.id;

/**
 * What carries connections through proxies into tailnets, in every Gateway with a tunnelled backend: three internal listeners, the
 * cluster that leads from the first to the second, and the cluster of names that Envoy resolves itself.
 */
export const tunnelNames = {
  listener: 'tailnet/tunnel',
  connectListener: 'tailnet/connect',
  namesListener: 'tailnet/names',
  connect: 'tailnet/connect',
  names: 'tailnet/names',
} as const;

/** The cluster of the proxies of a StatefulSet, by its `namespace/name`. */
export const proxiesClusterName = (set: string): string => `tailnet/proxies/${set}`;

/** Metadata that connections take with them into a tunnel. */
export const tunnelMetadata = 'tailplane.tunnel';

/** Filter that the identity tables speak as: what they say of a peer by its address, for routes to judge. */
export const peerMetadata = 'tailplane.peer';

/** In that metadata, which shard knows an IPv6 address. */
export const peerShardKey = 'shard';

/** Into how many parts the machines of a large tailnet are cut, so that a change of one moves little. All listeners for a tailnet have so many filters. */
export const peerShards = 12;

/** The filter, and its configuration by ECDS, that knows the peers of one shard of a tailnet. */
export const peersName = (tailnet: string, shard: number): string => `peers/${tailnet}/${shard}`;

/** Into how many parts the index of IPv6 addresses of a large tailnet is cut: as many filters again. */
export const peerIndexParts = 4;

/** The filter, and its configuration by ECDS, that knows the shards of the IPv6 addresses of one part of a tailnet. */
export const peerIndexName = (tailnet: string, part: number): string => `peers/${tailnet}/index/${part}`;

/** Named where a share has no backend. No cluster ever has this name: those of backends contain a slash. */
export const missingCluster = 'no-backend';

export const httpFilters = {
  cors: 'envoy.filters.http.cors',
  identity: 'envoy.filters.http.rbac',
  rateLimit: 'envoy.filters.http.local_ratelimit',
  /** Also what its configuration is called in ECDS. */
  jwt: 'jwt',
  statefulSession: 'envoy.filters.http.stateful_session',
  router: 'envoy.filters.http.router',
} as const;

/** The cluster of a server that keys come from: `jwks/https/login.example.com/443`. */
export const jwksClusterName = ({
  scheme,
  host,
  port,
}: {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}): string => ['jwks', scheme, host, port].join('/');

/** One filter per distinct external authorization: the part after `?` spells what differs from the plain case. */
export const externalAuthFilterName = (auth: ExternalAuth): string => {
  const details = [
    auth.pathPrefix === undefined ? '' : `path=${auth.pathPrefix}`,
    auth.allowedRequestHeaders.length === 0 ? '' : `request=${auth.allowedRequestHeaders.toSorted().join(',')}`,
    auth.allowedResponseHeaders.length === 0 ? '' : `response=${auth.allowedResponseHeaders.toSorted().join(',')}`,
    auth.maxBodyBytes === 0 ? '' : `body=${auth.maxBodyBytes}`,
  ].filter((detail) => detail !== '');
  return `ext_authz/${auth.protocol.toLowerCase()}/${auth.backend.id}${details.length === 0 ? '' : `?${details.join('&')}`}`;
};
