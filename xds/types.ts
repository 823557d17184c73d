/**
 * Envoy's messages under the names the rest of the code uses. All are ProtoJSON shapes: camelCase fields, durations as '5s', enums by
 * name, extensions as `Any` (made by `any()` in any.ts). Values are immutable once made: encoded bytes are kept by object identity.
 */
import type { envoy, google, Messages, xds } from './generated/envoy.ts';

export type { Messages } from './generated/envoy.ts';
/** Full name of a message whose shape is known to the compiler. */
export type MessageName = keyof Messages;

export type Any = google.protobuf.Any;
export type CidrRange = envoy.config.core.v3.CidrRange;
/** Seconds with an `s`, up to nine decimals: '5s', '0.25s'. */
export type Duration = google.protobuf.Duration;

// Bootstrap and discovery
export type Bootstrap = envoy.config.bootstrap.v3.Bootstrap;
export type ConfigSource = envoy.config.core.v3.ConfigSource;
export type TypedExtensionConfig = envoy.config.core.v3.TypedExtensionConfig;
export type DiscoveryRequest = envoy.service.discovery.v3.DiscoveryRequest;
export type DiscoveryResponse = envoy.service.discovery.v3.DiscoveryResponse;
export type DeltaDiscoveryRequest = envoy.service.discovery.v3.DeltaDiscoveryRequest;
export type DeltaDiscoveryResponse = envoy.service.discovery.v3.DeltaDiscoveryResponse;

// Listeners
export type Listener = envoy.config.listener.v3.Listener;
export type ListenerFilter = envoy.config.listener.v3.ListenerFilter;
export type FilterChain = envoy.config.listener.v3.FilterChain;
export type NetworkFilter = envoy.config.listener.v3.Filter;
export type Address = envoy.config.core.v3.Address;
export type Matcher = xds.type.matcher.v3.Matcher;
export type Predicate = xds.type.matcher.v3.Matcher.MatcherList.Predicate;
export type MatcherOnMatch = xds.type.matcher.v3.Matcher.OnMatch;
export type TransportSocket = envoy.config.core.v3.TransportSocket;
export type HttpConnectionManager = envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
export type HttpFilter = envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter;
export type TcpProxy = envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;

// Routes
export type RouteConfiguration = envoy.config.route.v3.RouteConfiguration;
export type ScopedRouteConfiguration = envoy.config.route.v3.ScopedRouteConfiguration;
export type VirtualHost = envoy.config.route.v3.VirtualHost;
export type Route = envoy.config.route.v3.Route;
export type RouteMatch = envoy.config.route.v3.RouteMatch;
export type RouteAction = envoy.config.route.v3.RouteAction;
export type RedirectAction = envoy.config.route.v3.RedirectAction;
export type ClusterWeight = envoy.config.route.v3.WeightedCluster.ClusterWeight;
export type RetryPolicy = envoy.config.route.v3.RetryPolicy;
export type RequestMirrorPolicy = envoy.config.route.v3.RouteAction.RequestMirrorPolicy;
export type HeaderMatcher = envoy.config.route.v3.HeaderMatcher;
export type QueryParameterMatcher = envoy.config.route.v3.QueryParameterMatcher;
export type HeaderValueOption = envoy.config.core.v3.HeaderValueOption;
export type MetadataMatcher = envoy.type.matcher.v3.MetadataMatcher;
export type StringMatcher = envoy.type.matcher.v3.StringMatcher;
export type RegexMatchAndSubstitute = envoy.type.matcher.v3.RegexMatchAndSubstitute;
export type FractionalPercent = envoy.type.v3.FractionalPercent;

// HTTP filters
export type Principal = envoy.config.rbac.v3.Principal;
export type CorsPolicy = envoy.extensions.filters.http.cors.v3.CorsPolicy;
export type ExtAuthz = envoy.extensions.filters.http.ext_authz.v3.ExtAuthz;
export type JwtAuthentication = envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication;
export type StatefulSession = envoy.extensions.filters.http.stateful_session.v3.StatefulSession;

// Clusters and endpoints
export type Cluster = envoy.config.cluster.v3.Cluster;
export type HealthCheck = envoy.config.core.v3.HealthCheck;
export type OutlierDetection = envoy.config.cluster.v3.OutlierDetection;
export type ClusterLoadAssignment = envoy.config.endpoint.v3.ClusterLoadAssignment;
export type LocalityLbEndpoints = envoy.config.endpoint.v3.LocalityLbEndpoints;
export type LbEndpoint = envoy.config.endpoint.v3.LbEndpoint;
export type Metadata = envoy.config.core.v3.Metadata;

// TLS
export type Secret = envoy.extensions.transport_sockets.tls.v3.Secret;
export type SdsSecretConfig = envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig;
export type CertificateValidationContext = envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
export type CommonTlsContext = envoy.extensions.transport_sockets.tls.v3.CommonTlsContext;
