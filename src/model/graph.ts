/**
 * The configuration after every reference is resolved: what tailplane means, with nothing Kubernetes-shaped left in it.
 * Nodes are immutable, and a node whose inputs did not change is the same object after a rebuild. All lists are in a stable order.
 */
import type { TailscaleEndpoints } from '../api/generated/tailscale.ts';
import type { ObjectKey } from '../lib/key.ts';
import type { HostPort } from '../lib/host-port.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { ProxySet } from './proxy-set.ts';
import type { Status } from './status.ts';

export type Graph = {
  /** Gateways of our class that were accepted, by `namespace/name` in code-unit order. */
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** What each of those Gateways wants of the proxies that serve it, by the same keys. */
  readonly infrastructures: ReadonlyMap<string, Infrastructure>;
  /**
   * What every backend that some Gateway uses is reachable at, by backend id. Changes without any Gateway changing. A backend of a tailnet that
   * has not been heard of yet is absent: whoever knows its endpoints from before keeps them.
   */
  readonly endpoints: ReadonlyMap<string, readonly Locality[]>;
  /** Proxies between Envoys and tailnets that must exist, by `namespace/name` of their StatefulSet. */
  readonly proxySets: ReadonlyMap<string, ProxySet>;
  /** TailscaleEndpoints that TailscaleServices' templates ask for, and those that they no longer do, by `namespace/name`. */
  readonly provisioned: Provisioned;
  /** Services that tailnets must have, by `TailscaleTailnet/svc:name`. */
  readonly vipServices: ReadonlyMap<string, VipServiceWish>;
  /** Who has which address in each tailnet that some Gateway is shared to, by name of the TailscaleTailnet. Changes without any Gateway changing. */
  readonly peers: ReadonlyMap<string, Peers>;
  /** Addresses of the proxies that may speak for peers of a tailnet, by Gateway, `namespace/name`. Changes without any Gateway changing. */
  readonly fences: ReadonlyMap<string, readonly string[]>;
  /** What users are told, for every object we answer for. */
  readonly statuses: ReadonlyMap<ObjectKey, Status>;
};

/** `wanted` is complete, so that what exists and is neither wanted nor `unwanted` was never made by us. */
export type Provisioned = {
  readonly wanted: ReadonlyMap<string, TailscaleEndpoints>;
  readonly unwanted: readonly string[];
};

/** A Tailscale Service that a TailscaleGateway or a TailscaleServices of ours needs, whoever else needs it too. */
export type VipServiceWish = {
  /** Name of the TailscaleTailnet. */
  readonly tailnet: string;
  /** `svc:web`. */
  readonly name: string;
  /** `tcp:443`; sorted. */
  readonly ports: readonly string[];
  readonly tags: readonly string[];
  readonly comment?: string;
  /** Whether hosts of ours are approved by the API where the tailnet's policy does not. */
  readonly autoApprove: boolean;
  /** Who asks for it, and is told what becomes of it; oldest first. */
  readonly owners: readonly ObjectKey[];
  /** What it leads to, as the registry names it: `HTTPRoute/namespace/name`, sorted. */
  readonly routes: readonly string[];
  /** StatefulSets of the proxies that are to host it, `namespace/name`, sorted. */
  readonly sets: readonly string[];
};

/** Peers of one tailnet. Empty once what is known of it is too old to be believed. */
export type Peers = {
  /** By stable node id. */
  readonly byNode: ReadonlyMap<string, Peer>;
};

/** Who stands behind the addresses of one device. */
export type Peer = {
  /** Canonical texts; never empty. */
  readonly addresses: readonly string[];
  /** Login name as people write it; empty for tagged devices. */
  readonly user: string;
  /** Empty where it is not known. */
  readonly displayName: string;
  /** `group:dev`, and of the policy's own `autogroup:member`, `autogroup:shared` or `autogroup:tagged`; sorted. */
  readonly groups: readonly string[];
  /** `tag:dev`, sorted. */
  readonly tags: readonly string[];
  /** MagicDNS name. */
  readonly node: string;
  /** Shared in from another tailnet: the first label of its name is not one of this tailnet. */
  readonly external?: true;
};

/** One Gateway, and so one fleet of equal Envoys. */
export type Gateway = {
  readonly key: ObjectKey;
  readonly namespace: string;
  readonly name: string;
  readonly sockets: readonly Socket[];
  /** Every backend its routes use, once, by id. */
  readonly backends: readonly Backend[];
  /** Every certificate and CA bundle its listeners and backends use, once, by id: what SDS serves. */
  readonly secrets: readonly TlsSecret[];
  /** Presented to backends that a BackendTLSPolicy connects by TLS (`spec.tls.backend.clientCertificateRef`). */
  readonly clientCertificate?: TlsSecret;
};

/** One Envoy listener: all Gateway listeners that share a port. */
export type Socket = {
  /** IP literals to bind; empty means every address of both families. */
  readonly addresses: readonly string[];
  /** The port as users write and reach it. */
  readonly port: number;
  /** The port Envoy binds: `port`, or 10000 above it where privileged ports are shifted. */
  readonly boundPort: number;
  readonly transport: 'TCP' | 'UDP';
  /**
   * Set where peers of a tailnet come in by a port of a Tailscale Service: `port` is the service's, only proxies of the Gateway's fence may connect,
   * each connection begins with a PROXY protocol header, and the tailnet says who the peer is.
   */
  readonly tailnet?: TailnetEntrance;
  /** Never empty. TCP sockets may mix HTTPS and TLS (told apart by SNI), or hold HTTP only, or one TCP listener. */
  readonly listeners: readonly Listener[];
};

export type TailnetEntrance = {
  /** Name of the TailscaleTailnet. */
  readonly tailnet: string;
  /** `svc:web`. */
  readonly service: string;
  /** The TailscaleGateway that makes it: its policies are those of the entrance, too. */
  readonly sharedBy?: ObjectKey;
  /** By route, the names of the Gateway's own listeners that it is on, in their order: their policies are those of the route here, served or not. */
  readonly listenersOf?: ReadonlyMap<ObjectKey, readonly string[]>;
};

type ListenerCommon = {
  /** `name` for a Gateway's own listener, `ListenerSet/namespace/name/section` for one of a ListenerSet. */
  readonly name: string;
  /** The Gateway or ListenerSet that declares it. */
  readonly owner: ObjectKey;
  /** What clients must ask for: an exact name or `*.suffix`, lower case; absent means any. */
  readonly hostname?: string;
};

export type Listener = HttpListener | TlsListener | TcpListener | UdpListener;

/** HTTP, or HTTPS when `tls` is there. */
export type HttpListener = ListenerCommon & {
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly tls?: TlsTermination;
  /** In order of specificity. On a plain HTTP socket, no two listeners have one domain. */
  readonly virtualHosts: readonly VirtualHost[];
  /** HTTPS only: domains of other listeners of the socket, whose requests are answered with 421 here (RFC 9110 15.5.20). */
  readonly misdirected: readonly string[];
};

/** TLSRoutes by server name: passed through still encrypted when `tls` is absent, else terminated and forwarded as bytes. */
export type TlsListener = ListenerCommon & {
  readonly protocol: 'TLS';
  /** One per distinct server name, most specific first; a name is `*` for any. `tls` is set where connections with these names are terminated. */
  readonly tls?: TlsTermination;
  readonly serverNames: readonly { readonly name: string; readonly rule: StreamRule }[];
};

/** `rule` is absent while no route is attached: connections are closed at once. */
export type TcpListener = ListenerCommon & { readonly protocol: 'TCP'; readonly rule?: StreamRule };

export type UdpListener = ListenerCommon & { readonly protocol: 'UDP'; readonly rule?: StreamRule };

export type TlsTermination = {
  readonly certificates: readonly TlsSecret[];
  /** Client certificates (Gateway `spec.tls.frontend`): `insecureFallback` lets connections without a valid one through. */
  readonly clientValidation?: { readonly ca: TlsSecret; readonly insecureFallback: boolean };
  /** Listener `tls.options` we know, already checked. */
  readonly minVersion?: '1.2' | '1.3';
};

/** A key pair or CA bundle, PEM. `id` names it in SDS and changes never; its content may. Private keys reach xDS only, no log, no dump. */
export type TlsSecret = { readonly id: string; readonly owner: ObjectKey } & (
  | { readonly type: 'key-pair'; readonly certificateChain: string; readonly privateKey: string }
  | { readonly type: 'ca'; readonly trustedCa: string }
);

/** What one host name of a listener answers. `domain` is an exact name, `*.suffix`, or `*`. */
export type VirtualHost = {
  readonly domain: string;
  /** In the order they are tried: the specification's precedence. Empty answers 404. */
  readonly entries: readonly RouteEntry[];
};

/** One match of one rule of an HTTPRoute or GRPCRoute. */
export type RouteEntry = {
  /** `HTTPRoute/namespace/name/rule/0/match/0`, stable for the same rule. */
  readonly id: string;
  readonly owner: ObjectKey;
  /** The rule's `name`, if it has one. */
  readonly ruleName?: string;
  readonly match: HttpMatch;
  /** What rewrites of a prefix are relative to, where that is not the path of `match`: a policy's match may narrow it. */
  readonly writtenPath?: HttpMatch['path'];
  readonly rule: HttpRule;
  /** Rules that requests may meet instead, once it is known who asks. */
  readonly orRules?: readonly HttpRule[];
};

export type HttpMatch = {
  /** `prefix` matches whole path elements (`/a` matches `/a` and `/a/b`, never `/ab`) and has no trailing slash unless it is `/`. */
  readonly path: { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string };
  readonly method?: string;
  /** Header names are lower case. */
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
  /** Who asks, as the tailnet knows them: of each, every list that is not empty holds the peer. Unknown peers match nothing. */
  readonly peers?: readonly Identities[];
  /** Only gRPC requests (content-type application/grpc…): what a GRPCRoute means. */
  readonly grpc: boolean;
};

export type ValueMatch = { readonly name: string; readonly type: 'exact' | 'regex'; readonly value: string };

/** What happens to a request that one of a rule's matches took. Shared by all its matches. */
export type HttpRule = {
  readonly requestHeaders: HeaderChanges;
  readonly responseHeaders: HeaderChanges;
  readonly mirrors: readonly Mirror[];
  readonly cors?: Cors;
  readonly rewrite?: Rewrite;
  readonly externalAuth?: ExternalAuth;
  /** Whole request, in milliseconds; 0 means none. Absent: the default (none). */
  readonly requestTimeoutMs?: number;
  /** One attempt at a backend, in milliseconds; 0 means none. */
  readonly backendTimeoutMs?: number;
  readonly retry?: Retry;
  readonly sessionPersistence?: SessionPersistence;
  /** Who may ask: every one of these must let the peer through. */
  readonly identities?: readonly IdentityRule[];
  readonly rateLimit?: LocalRateLimit;
  readonly jwt?: Jwt;
  /** Something that must not be skipped cannot be honoured: requests get an error, and nothing may stand in for it. */
  readonly blocked?: true;
  readonly action: HttpAction;
};

/** `deny` wins over `allow`; without `allow` everybody whom the tailnet knows passes who is not denied. Unknown peers never do: a `deny` may be of them. */
export type IdentityRule = {
  /** The TailscaleRoutePolicy. */
  readonly policy: ObjectKey;
  readonly allow?: Identities;
  readonly deny?: Identities;
};

/** A peer is meant when any of these is its own: login names, `group:…`, `tag:…`, MagicDNS names or their first labels. Sorted. */
export type Identities = {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly tags: readonly string[];
  readonly nodes: readonly string[];
};

/** Token bucket of each Envoy, route and match; with `by`, one for each combination of values that requests have there. */
export type LocalRateLimit = {
  readonly tokens: number;
  readonly burst: number;
  readonly fillIntervalMs: number;
  readonly by?: readonly RateLimitKey[];
};

/** `user`, `node`: of the peer, as the tailnet knows it. Header names are lower case. */
export type RateLimitKey = { readonly kind: 'header'; readonly name: string } | { readonly kind: 'user' | 'node' };

export type Jwt = {
  /** `TailscaleRoutePolicy/namespace/name/rule/0`. */
  readonly id: string;
  readonly policy: ObjectKey;
  /** Whether requests without a token pass. */
  readonly optional: boolean;
  readonly providers: readonly JwtProvider[];
};

export type JwtProvider = {
  readonly name: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** JSON text, or where Envoy fetches it: `uri`, from the server that it names. */
  readonly keys:
    | { readonly kind: 'inline'; readonly jwks: string }
    | { readonly kind: 'remote'; readonly uri: string; readonly server: JwksServer };
  readonly claimToHeaders: readonly { readonly claim: string; readonly header: string }[];
};

/** `host`: a name, or an IP literal. */
export type JwksServer = { readonly scheme: 'http' | 'https'; readonly host: string; readonly port: number };

export type HttpAction =
  | { readonly kind: 'forward'; readonly shares: readonly Share[] }
  | { readonly kind: 'redirect'; readonly redirect: Redirect }
  /** Every request gets `status`: 500 (for gRPC 503, which is `UNAVAILABLE`) where no backend is valid or a filter could not be honoured. */
  | { readonly kind: 'respond'; readonly status: number };

/** One backendRef and its part of the traffic. Without a backend its part is answered with 500. */
export type Share = {
  readonly backend?: Backend;
  /** 0–1,000,000; at least one share of a `forward` has a weight above 0. */
  readonly weight: number;
  readonly requestHeaders: HeaderChanges;
  readonly responseHeaders: HeaderChanges;
  readonly rewriteHostname?: string;
  readonly mirrors: readonly Mirror[];
};

export type HeaderChanges = {
  readonly set: readonly Header[];
  readonly add: readonly Header[];
  readonly remove: readonly string[];
};
export type Header = { readonly name: string; readonly value: string };

/** A copy of the request, its answer dropped. `numerator/denominator` of the requests are copied. */
export type Mirror = { readonly backend: Backend; readonly numerator: number; readonly denominator: number };

/** `value` starts with a slash; that of `prefix` never ends with one, and is empty where the matched prefix is taken away. */
export type PathRewrite = { readonly type: 'full' | 'prefix'; readonly value: string };
export type Rewrite = { readonly hostname?: string; readonly path?: PathRewrite };

export type Redirect = {
  readonly scheme?: 'http' | 'https';
  readonly hostname?: string;
  readonly path?: PathRewrite;
  /** As written; when absent the specification derives it from the scheme, or from the listener's port. */
  readonly port?: number;
  readonly statusCode: 301 | 302 | 303 | 307 | 308;
};

export type Cors = {
  /** `*`, exact origins, or origins with a wildcard host label (`https://*.example.com`). */
  readonly allowOrigins: readonly string[];
  readonly allowCredentials: boolean;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number;
};

export type ExternalAuth = {
  readonly backend: Backend;
  readonly protocol: 'GRPC' | 'HTTP';
  /** HTTP only: prepended to the request's path. */
  readonly pathPrefix?: string;
  readonly allowedRequestHeaders: readonly string[];
  readonly allowedResponseHeaders: readonly string[];
  /** Bytes of the body that are sent along; 0 sends none. */
  readonly maxBodyBytes: number;
};

export type Retry = {
  /** Retries after the first attempt. */
  readonly attempts: number;
  readonly statusCodes: readonly number[];
  readonly backoffMs?: number;
};

export type SessionPersistence = {
  readonly type: 'Cookie' | 'Header';
  readonly name: string;
  /** Cookie only, seconds; absent is a session cookie. */
  readonly ttlSeconds?: number;
};

/** Where the bytes of a TCP, TLS or UDP route go. Shares without a backend drop their connections or packets. */
export type StreamRule = {
  readonly id: string;
  readonly owner: ObjectKey;
  /** The rule's `name`, if it has one. */
  readonly ruleName?: string;
  /** Who may connect: every one of these must let the peer through. Nobody may where peers are not known, as elsewhere than on entrances from tailnets. */
  readonly identities?: readonly IdentityRule[];
  readonly shares: readonly { readonly backend?: Backend; readonly weight: number }[];
};

/** A backendRef after resolution: everything a cluster needs but its endpoints, which travel apart. One per backend, port and protocol. */
export type Backend = {
  /** The Envoy cluster's name: `Kind/namespace/name/port` for `http1`, else followed by `/h2c`, `/tcp`, `/udp`, or `/tls` for bytes over TLS. */
  readonly id: string;
  readonly key: ObjectKey;
  readonly port: number;
  /** How Envoy speaks to it. `http1` also carries WebSocket. */
  readonly protocol: 'http1' | 'http2' | 'tcp' | 'udp';
  readonly tls?: BackendTls;
  /** Absent for a Service: plain addresses, each in its turn. */
  readonly reach?: Reach;
  /** What TailscaleRoutePolicies say of the connections to it. */
  readonly limits?: BackendLimits;
};

export type BackendLimits = {
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
  readonly outliers?: {
    readonly consecutive5xx?: number;
    readonly intervalMs?: number;
    readonly baseEjectionTimeMs?: number;
    readonly maxEjectionPercent?: number;
  };
};

/** How Envoy gets to the endpoints of a TailscaleEndpoints or TailscaleServices, and chooses among them. */
export type Reach = {
  /**
   * `plain`: by address. `proxied`: each endpoint through the HTTP proxy it names, if it names one; one endpoint per address. `tunnelled`:
   * through an internal listener, which lets one target be reached over several proxies, or by a name. A backend's form follows from
   * what users wrote, never from what happens to run.
   */
  readonly form: 'plain' | 'proxied' | 'tunnelled';
  /** StatefulSets of proxies, `namespace/name`, sorted, that tunnels of this backend may lead over. Absent with the other forms. */
  readonly sets?: readonly string[];
  readonly balancing: 'round-robin' | 'least-requests';
  /** Absent where nobody asked, and with `tunnelled`, where active checks cannot work. */
  readonly healthCheck?: HealthCheck;
  /** Whether endpoints that fail are left alone for a while. */
  readonly outlierDetection: boolean;
};

/** Active health check by Envoy: by HTTP when there is a `path`, else by connecting. Milliseconds. */
export type HealthCheck = {
  readonly path?: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
};

export type BackendTls = {
  /** SNI, and the name the certificate must hold unless `subjectAltNames` are given. Absent with `verify: none`. */
  readonly hostname?: string;
  readonly subjectAltNames: readonly { readonly type: 'Hostname' | 'URI'; readonly value: string }[];
  /** `none` is for `appProtocol: https` without a BackendTLSPolicy. */
  readonly verify: { readonly by: 'ca'; readonly ca: TlsSecret } | { readonly by: 'system' } | { readonly by: 'none' };
  /** The BackendTLSPolicy it comes from. */
  readonly policy?: ObjectKey;
};

/** Endpoints of one zone and priority; `weight` is above 0. Of a higher priority number nothing is used while lower ones are well. Absent: 0. */
export type Locality = {
  readonly zone: string;
  readonly weight: number;
  readonly priority?: number;
  readonly endpoints: readonly Endpoint[];
};

/**
 * One reachable destination; `port` is 1–65535. `address` is an IP literal, or, for a `tunnelled` backend, a name that whoever `via` says
 * resolves. `weight` is above 0; absent: 1.
 */
export type Endpoint = {
  readonly address: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly weight?: number;
  readonly via?: Via;
};

/**
 * `proxy`: by HTTP CONNECT through it, an IP literal and a port; any other ready proxy of the StatefulSet `set`, `namespace/name`, leads to the same
 * place. `dns`: Envoy itself resolves the name and connects.
 */
export type Via = { readonly kind: 'proxy'; readonly proxy: HostPort; readonly set: string } | { readonly kind: 'dns' };
