import type { ConfigMap, EndpointSlice, Namespace, Node, Secret, Service } from './core.ts';
import type {
  BackendTLSPolicy,
  Gateway,
  GatewayClass,
  GRPCRoute,
  HTTPRoute,
  ListenerSet,
  ReferenceGrant,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from './generated/gateway-api.ts';
import type {
  GatewayParameters,
  TailscaleEndpoints,
  TailscaleGateway,
  TailscaleProxyGroup,
  TailscaleRoutePolicy,
  TailscaleServices,
  TailscaleTailnet,
} from './generated/tailscale.ts';

/** Every kind we read, and the type of its admitted objects. A new kind is one line here and one in `kinds`. */
export type KindMap = {
  readonly GatewayClass: GatewayClass;
  readonly Gateway: Gateway;
  readonly ListenerSet: ListenerSet;
  readonly HTTPRoute: HTTPRoute;
  readonly GRPCRoute: GRPCRoute;
  readonly TLSRoute: TLSRoute;
  readonly TCPRoute: TCPRoute;
  readonly UDPRoute: UDPRoute;
  readonly ReferenceGrant: ReferenceGrant;
  readonly BackendTLSPolicy: BackendTLSPolicy;
  readonly GatewayParameters: GatewayParameters;
  readonly TailscaleTailnet: TailscaleTailnet;
  readonly TailscaleEndpoints: TailscaleEndpoints;
  readonly TailscaleServices: TailscaleServices;
  readonly TailscaleGateway: TailscaleGateway;
  readonly TailscaleRoutePolicy: TailscaleRoutePolicy;
  readonly TailscaleProxyGroup: TailscaleProxyGroup;
  readonly Namespace: Namespace;
  readonly Service: Service;
  readonly EndpointSlice: EndpointSlice;
  readonly Secret: Secret;
  readonly ConfigMap: ConfigMap;
  readonly Node: Node;
};

export type Kind = keyof KindMap;

/** An admitted object of any kind we read. */
export type AnyObject = KindMap[Kind];

export type KindInfo = {
  readonly kind: Kind;
  /** Empty for the core group. */
  readonly group: string;
  /** Served versions. Objects of every version have the first one's shape once admitted. */
  readonly versions: readonly [string, ...string[]];
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
};

export const gatewayGroup = 'gateway.networking.k8s.io';
/** Of our own kinds. */
export const tailscaleGroup = 'gateway.tailscale.com';

export const kinds: { readonly [K in Kind]: KindInfo & { readonly kind: K } } = {
  GatewayClass: { kind: 'GatewayClass', group: gatewayGroup, versions: ['v1', 'v1beta1'], plural: 'gatewayclasses', scope: 'Cluster' },
  Gateway: { kind: 'Gateway', group: gatewayGroup, versions: ['v1', 'v1beta1'], plural: 'gateways', scope: 'Namespaced' },
  ListenerSet: { kind: 'ListenerSet', group: gatewayGroup, versions: ['v1'], plural: 'listenersets', scope: 'Namespaced' },
  HTTPRoute: { kind: 'HTTPRoute', group: gatewayGroup, versions: ['v1', 'v1beta1'], plural: 'httproutes', scope: 'Namespaced' },
  GRPCRoute: { kind: 'GRPCRoute', group: gatewayGroup, versions: ['v1'], plural: 'grpcroutes', scope: 'Namespaced' },
  TLSRoute: { kind: 'TLSRoute', group: gatewayGroup, versions: ['v1', 'v1alpha3', 'v1alpha2'], plural: 'tlsroutes', scope: 'Namespaced' },
  TCPRoute: { kind: 'TCPRoute', group: gatewayGroup, versions: ['v1', 'v1alpha2'], plural: 'tcproutes', scope: 'Namespaced' },
  UDPRoute: { kind: 'UDPRoute', group: gatewayGroup, versions: ['v1', 'v1alpha2'], plural: 'udproutes', scope: 'Namespaced' },
  ReferenceGrant: {
    kind: 'ReferenceGrant',
    group: gatewayGroup,
    versions: ['v1', 'v1beta1'],
    plural: 'referencegrants',
    scope: 'Namespaced',
  },
  BackendTLSPolicy: {
    kind: 'BackendTLSPolicy',
    group: gatewayGroup,
    versions: ['v1', 'v1alpha3'],
    plural: 'backendtlspolicies',
    scope: 'Namespaced',
  },
  GatewayParameters: {
    kind: 'GatewayParameters',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'gatewayparameters',
    scope: 'Namespaced',
  },
  TailscaleTailnet: {
    kind: 'TailscaleTailnet',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscaletailnets',
    scope: 'Cluster',
  },
  TailscaleEndpoints: {
    kind: 'TailscaleEndpoints',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscaleendpoints',
    scope: 'Namespaced',
  },
  TailscaleServices: {
    kind: 'TailscaleServices',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscaleservices',
    scope: 'Namespaced',
  },
  TailscaleGateway: {
    kind: 'TailscaleGateway',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscalegateways',
    scope: 'Namespaced',
  },
  TailscaleRoutePolicy: {
    kind: 'TailscaleRoutePolicy',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscaleroutepolicies',
    scope: 'Namespaced',
  },
  TailscaleProxyGroup: {
    kind: 'TailscaleProxyGroup',
    group: tailscaleGroup,
    versions: ['v1alpha1'],
    plural: 'tailscaleproxygroups',
    scope: 'Namespaced',
  },
  Namespace: { kind: 'Namespace', group: '', versions: ['v1'], plural: 'namespaces', scope: 'Cluster' },
  Service: { kind: 'Service', group: '', versions: ['v1'], plural: 'services', scope: 'Namespaced' },
  EndpointSlice: { kind: 'EndpointSlice', group: 'discovery.k8s.io', versions: ['v1'], plural: 'endpointslices', scope: 'Namespaced' },
  Secret: { kind: 'Secret', group: '', versions: ['v1'], plural: 'secrets', scope: 'Namespaced' },
  ConfigMap: { kind: 'ConfigMap', group: '', versions: ['v1'], plural: 'configmaps', scope: 'Namespaced' },
  Node: { kind: 'Node', group: '', versions: ['v1'], plural: 'nodes', scope: 'Cluster' },
};

export const allKinds: readonly Kind[] = Object.keys(kinds).filter((kind): kind is Kind => isKind(kind));

export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind);
}
