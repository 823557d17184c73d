/** The configuration `npm run bench:memory` works on: Gateways, and for each many routes with a Service and an EndpointSlice of their own. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

export type Shape = { readonly gateways: number; readonly routes: number };

export const namespace = 'load';
export const gatewayName = (gateway: number): string => `gateway-${gateway}`;

/** Everything, in an order in which it may be created. */
export const worldFrom = ({ gateways, routes }: Shape): readonly KubeObject[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'tailplane' },
    spec: { controllerName: 'gateway.tailscale.com/tailplane' },
  },
  ...Array.from({ length: gateways }, (_, gateway) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: gatewayName(gateway), namespace },
    spec: { gatewayClassName: 'tailplane', listeners: [{ name: 'http', protocol: 'HTTP', port: 10_000 + gateway }] },
  })),
  ...Array.from({ length: routes }, (_, route) => [
    serviceFrom(route),
    endpointSliceFrom(route, 0),
    routeFrom(route, route % gateways, 0),
  ]).flat(),
];

const nameOf = (route: number): string => `app-${route}`;

const serviceFrom = (route: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: nameOf(route), namespace, labels: { app: nameOf(route) } },
  spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

/** Three pods as the endpoint controller writes them; each revision moves them. */
export const endpointSliceFrom = (route: number, revision: number): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `${nameOf(route)}-x7k2p`,
    namespace,
    labels: { app: nameOf(route), 'kubernetes.io/service-name': nameOf(route), 'endpointslice.kubernetes.io/managed-by': 'bench' },
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  endpoints: Array.from({ length: 3 }, (_, pod) => ({
    addresses: [`10.${(revision * 3 + pod) % 250}.${route >> 8}.${route & 255}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${(route + pod) % 40}`,
    zone: `zone-${pod}`,
    targetRef: { kind: 'Pod', namespace, name: `${nameOf(route)}-6d4b75cb6d-${pod}`, uid: `00000000-0000-4000-8000-00000000000${pod}` },
  })),
});

/** Its answers carry the revision in a header. */
export const routeFrom = (route: number, gateway: number, revision: number): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: nameOf(route), namespace },
  spec: {
    parentRefs: [{ name: gatewayName(gateway) }],
    hostnames: [`${nameOf(route)}.example.com`],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-revision', value: String(revision) }] } }],
        backendRefs: [{ name: nameOf(route), port: 80 }],
      },
    ],
  },
});
