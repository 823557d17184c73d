import type { Machine } from './machine.ts';
import { matrixListeners, matrixOf } from './matrix.ts';

export const simulator = 'http://10.245.0.1:9090';
export const control = 'http://10.245.0.1:9080';
export const lab = 'http://10.245.0.1:9083';

/** A tailnet's service that `machine` hosts. */
export const vip = { service: 'svc:portal', address: '100.100.1.1', host: 'portal.tailscale.local', path: '/tailscale/portal' } as const;

/** The tailnet, a Gateway, and proxies that several share. */
const base = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Secret
metadata: { name: tailnet-lab, namespace: tailplane-system }
stringData: { client_id: simulated, client_secret: simulated }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleTailnet
metadata: { name: lab }
spec: { oauthSecretName: tailnet-lab, tags: ['tag:k8s'], apiURL: "${simulator}", controlURL: "${control}" }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleProxyGroup
metadata: { name: exits, namespace: shop }
spec: { type: egress, tailnet: lab, replicas: 1 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  gatewayClassName: tailplane
  listeners:
    - { name: http, protocol: HTTP, port: 80 }
    - { name: tls, protocol: TLS, port: 443, tls: { mode: Passthrough } }
    ${matrixListeners.map((listener) => `- ${listener}`).join('\n    ')}
`;

const httpRoute = (name: string, port: number): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [{ name: shop, sectionName: http }]
  hostnames: [${name}.example.com]
  rules:
    - backendRefs: [{ group: gateway.tailscale.com, kind: TailscaleServices, name: ${name}, port: ${port} }]
`;

/** Its machine is known by port 80. */
const stage = (name: string, { ipv4, ports }: Machine): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: ${name}, namespace: shop, labels: { app: failover } }
spec:
  tailnet: lab
  proxyGroup: exits
  ports: [{ port: 80, targetPort: ${ports.http} }]
  endpoints: [{ name: machine, tailscaleIP: ${ipv4}, port: ${ports.http}, protocol: HTTP }]
`;

const failover = (machine: Machine, spare: Machine): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: failover, namespace: shop }
spec: { selector: { matchLabels: { app: failover } }, loadBalancing: { strategy: failover } }
${stage('failover-1', machine)}${stage('failover-2', spare)}${httpRoute('failover', 80)}`;

/** No TailscaleEndpoints: the template makes one, and discovery finds the machine. */
const made = ({ ports }: Machine): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: made, namespace: shop }
spec:
  selector: { matchLabels: { app: made } }
  serviceDiscovery: { patterns: [machine] }
  endpointTemplate: { tailnet: lab, proxy: { replicas: 1 } }
${httpRoute('made', ports.http)}`;

const generated = `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: shared, namespace: shop }
spec:
  gatewayRef: { name: shop }
  tailnets: [{ name: lab, tailscaleTailnetRef: { name: lab }, routeGeneration: { egress: {} } }]
`;

/** What users write. */
export const worldOf = (machine: Machine, spare: Machine): string =>
  [base, matrixOf(machine), failover(machine, spare), made(machine), generated].join('');
