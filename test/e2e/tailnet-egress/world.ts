import { edge, route } from '../../support/world.ts';
import type { Machine } from '../../support/tailnet-lab.ts';

export type Ports = Readonly<Record<'http' | 'tcp' | 'tls', number>>;
export type Targets = Readonly<Record<'one' | 'two' | 'grpc' | 'tcp' | 'passthrough' | 'https', number>>;

/** Where the two proxies' HTTP proxies listen, as pods would on their own addresses. */
export const proxyAddresses = ['127.0.0.2', '127.0.0.3'] as const;
export const proxyPort = 1055;

/** Who is ready of the proxies of a StatefulSet. */
export const ready = (set: string, addresses: readonly string[]): string => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${set}-1, namespace: default, labels: { kubernetes.io/service-name: ${set} } }
addressType: IPv4
ports: [{ port: ${proxyPort} }]
endpoints: [${addresses.map((address) => `{ addresses: [${address}] }`).join(', ')}]
`;

/** A TailscaleEndpoints with one machine; `way` is its proxies, `target` where the machine is, both in flow style. */
const endpoints = (name: string, target: string, port: number, protocol: string, way = 'proxyGroup: egress', labels = ''): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: ${name}, namespace: default, labels: { ${labels} } }
spec: { tailnet: lab, ${way}, endpoints: [{ name: machine, ${target}, port: ${port}, protocol: ${protocol} }] }
`;

const rule = (kind: string, name: string, port: number): string =>
  `rules: [{ backendRefs: [{ group: gateway.tailscale.com, kind: ${kind}, name: ${name}, port: ${port} }] }]`;
const routeTo = (kind: string, name: string, port: number, section: string, to = 'TailscaleEndpoints'): string =>
  route(kind, name, `${kind === 'TCPRoute' ? '' : `hostnames: [${name}.example], `}${rule(to, name, port)}`, section);

/** What users of the tailnet write; `b` has all backends, `c` stands in for it. */
export const worldOf = (ports: Ports, targets: Targets, b: Machine, c: Machine, simulator: string, ca: string): string =>
  [
    edge(
      `name: http, protocol: HTTP, port: ${ports.http}`,
      `name: tcp, protocol: TCP, port: ${ports.tcp}`,
      `name: tls, protocol: TLS, port: ${ports.tls}, tls: { mode: Passthrough }`,
    ),
    `
---
apiVersion: v1
kind: Secret
metadata: { name: tailnet-lab, namespace: tailplane-system }
stringData: { client_id: simulated, client_secret: simulated }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: lab }
spec: { oauthSecretName: tailnet-lab, apiURL: "${simulator}" }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleProxyGroup
metadata: { name: egress, namespace: default }
spec: { type: egress, tailnet: lab, replicas: 2 }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ca, namespace: default }
data: ${JSON.stringify({ 'ca.crt': ca })}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: https, namespace: default }
spec:
  targetRefs: [{ group: gateway.tailscale.com, kind: TailscaleEndpoints, name: https }]
  validation: { hostname: machine.example, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }] }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: failover, namespace: default }
spec: { selector: { matchLabels: { app: failover } }, loadBalancing: { strategy: failover } }
`,
    ready('egress', proxyAddresses),
    ready('single-egress', proxyAddresses.slice(1)),
    endpoints('web', `tailscaleIP: ${b.ipv4}`, targets.one, 'HTTP'),
    endpoints('single', `tailscaleIP: ${b.ipv4}`, targets.one, 'HTTP', 'proxy: { replicas: 1 }'),
    endpoints('v6', `tailscaleIP: "${b.ipv6}"`, targets.one, 'HTTP'),
    endpoints('named', `tailscaleFQDN: ${b.fqdn}`, targets.one, 'HTTP'),
    endpoints('outside', `externalTarget: "localhost:${targets.two}"`, targets.two, 'HTTP'),
    endpoints('grpc', `tailscaleIP: ${b.ipv4}`, targets.grpc, 'GRPC'),
    endpoints('tcp', `tailscaleIP: ${b.ipv4}`, targets.tcp, 'TCP'),
    endpoints('passthrough', `tailscaleIP: ${b.ipv4}`, targets.passthrough, 'TLS'),
    endpoints('https', `tailscaleIP: ${b.ipv4}`, targets.https, 'HTTPS'),
    endpoints('failover-1', `tailscaleIP: ${b.ipv4}`, targets.one, 'HTTP', 'proxyGroup: egress', 'app: failover'),
    endpoints('failover-2', `tailscaleIP: ${c.ipv4}`, targets.one, 'HTTP', 'proxyGroup: egress', 'app: failover'),
    ...['web', 'single', 'v6', 'named'].map((name) => routeTo('HTTPRoute', name, targets.one, 'http')),
    routeTo('HTTPRoute', 'outside', targets.two, 'http'),
    routeTo('HTTPRoute', 'https', targets.https, 'http'),
    routeTo('HTTPRoute', 'failover', targets.one, 'http', 'TailscaleServices'),
    routeTo('GRPCRoute', 'grpc', targets.grpc, 'http'),
    routeTo('TCPRoute', 'tcp', targets.tcp, 'tcp'),
    routeTo('TLSRoute', 'passthrough', targets.passthrough, 'tls'),
  ].join('');
