/** A Gateway that is shared with tailnets, as YAML in parts, for tests of what is shared. */
import { objectsIn, prelude, tlsSecret } from './gateway-api.ts';
import type { AnyObject } from '../../src/api/kinds.ts';
import { noObservations, type Observations, type ObservedProxies, type ObservedVipService } from '../../src/api/observations.ts';
import { graphBuilder, type ModelOptions } from '../../src/model/build.ts';
import type { Gateway, Graph, Socket } from '../../src/model/graph.ts';
import { objectsOf, stateOf, tailnetOf } from '../../src/model/tailnets/fixtures.ts';

export const options: ModelOptions = {
  privilegedPorts: true,
  exclusivePorts: false,
  onCluster: true,
  defaultAddresses: [],
  clusterName: 'east',
  entranceHost: ({ namespace, name }) => `${name}-tailnet.${namespace}.svc`,
};

export const edge =
  tlsSecret('cert', 'a.example') +
  `
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: tailplane
  listeners:
    - { name: http, protocol: HTTP, port: 80, allowedRoutes: { namespaces: { from: All } } }
    - { name: https, protocol: HTTPS, port: 443, tls: { certificateRefs: [{ name: cert }] }, allowedRoutes: { namespaces: { from: All } } }
    - { name: ssh, protocol: TCP, port: 22, allowedRoutes: { namespaces: { from: All } } }
    - { name: tls, protocol: TLS, port: 8443, tls: { mode: Passthrough }, allowedRoutes: { namespaces: { from: All } } }
    - { name: dns, protocol: UDP, port: 53, allowedRoutes: { namespaces: { from: All } } }
---
`;

/** `more`: what follows in its metadata, such as `, creationTimestamp: …`. */
export const route = (kind: string, name: string, spec = '', more = '', namespace = 'default', listener = ''): string => `
apiVersion: gateway.networking.k8s.io/${kind === 'HTTPRoute' || kind === 'GRPCRoute' ? 'v1' : 'v1alpha2'}
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace}${more} }
spec:
  parentRefs: [{ name: edge, namespace: default${listener === '' ? '' : `, sectionName: ${listener}`} }]
  ${spec}
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
`;

export const tailnet = (name = 'prod', services = '', ingress = ''): string =>
  `{ name: ${name}, tailscaleTailnetRef: { name: ${name} }, services: { ${services} }, routeGeneration: { ingress: { ${ingress} } } }`;

export const share = (name = 'share', tailnets = tailnet(), more = '', spec = ''): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: ${name}, namespace: default${more} }
spec: { gatewayRef: { name: edge }, tailnets: [${tailnets}]${spec} }
---
`;

export const annotated = (service: string, more = ''): string => `, annotations: { gateway.tailscale.com/service-name: ${service} }${more}`;

export const aged = (year: number): string => `, creationTimestamp: '${year}-01-01T00:00:00Z'`;

export const observed = (
  shared: Readonly<Record<string, Partial<ObservedVipService>>> = {},
  proxies: Readonly<Record<string, Partial<ObservedProxies>>> = {},
  states = [stateOf()],
): Observations => ({
  ...noObservations,
  tailnets: new Map(states.map((state) => [state.name, state])),
  proxies: new Map(Object.entries(proxies).map(([set, more]) => [set, { desired: 2, ready: 2, pods: [], ...more }])),
  sharedServices: new Map(
    Object.entries(shared).map(([key, more]) => [key, { addresses: [], ports: [], tags: [], consumers: [], hosts: new Map(), ...more }]),
  ),
});

/** Endpoints of Service `web`. */
export const slice = (ready = true): readonly AnyObject[] =>
  objectsIn(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ port: 80 }]
endpoints: [{ addresses: [10.0.0.1], conditions: { ready: ${ready} } }]
`);

export const worldOf = (yaml: string, ...more: readonly AnyObject[]): readonly AnyObject[] => [
  ...prelude,
  ...slice(),
  tailnetOf(),
  ...objectsIn(edge + yaml),
  ...more,
];

export const graphOf = (yaml: string, observations = observed(), ...more: readonly AnyObject[]): Graph =>
  graphBuilder(options)(objectsOf(...worldOf(yaml, ...more)), observations);

export const gatewayOf = (graph: Graph): Gateway => {
  const gateway = graph.gateways.get('default/edge');
  if (gateway === undefined) throw new Error('no Gateway edge');
  return gateway;
};

export const entrancesOf = (graph: Graph): readonly Socket[] =>
  gatewayOf(graph).sockets.filter(({ tailnet: entrance }) => entrance !== undefined);

/** `prod/svc:web/443` and what answers there. */
export const shownEntrances = (graph: Graph): readonly string[] =>
  entrancesOf(graph).map(({ port, tailnet: entrance, listeners: [listener] }) => {
    const hosts =
      listener !== undefined && 'virtualHosts' in listener
        ? listener.virtualHosts.filter(({ entries }) => entries.length > 0).map(({ domain }) => domain)
        : listener !== undefined && 'serverNames' in listener
          ? listener.serverNames.map(({ name }) => name)
          : [];
    return [`${entrance?.tailnet}/${entrance?.service}/${port}`, listener?.protocol, ...hosts].join(' ');
  });
