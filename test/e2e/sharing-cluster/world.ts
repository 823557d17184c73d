/** Where things are in the network of the lab's cluster, and what users write there. */
import type { Certificate } from '../../support/certificates.ts';
import { ports } from './servers.ts';

export const simulator = 'http://10.245.0.1:9090';
export const control = 'http://10.245.0.1:9080';
export const admin = 'http://10.245.0.1:9083';
/** What pods of another cluster need of all this. */
export const shared = [9080, 9081, 9090] as const;

/** The tailnet's MagicDNS suffix. */
export const suffix = 'simulated.ts.net';

/** Machines of the tailnet, their HTTP proxies, and who they are. */
export const peers = {
  anna: { proxy: '127.0.0.1:1051', identity: { user: 'anna@example.com' } },
  bob: { proxy: '127.0.0.1:1052', identity: { user: 'bob@example.com' } },
  ci: { proxy: '127.0.0.1:1053', identity: { tags: ['tag:ci'] } },
  cider: { proxy: '127.0.0.1:1054', identity: { tags: ['tag:ci2'] } },
} as const;

const indented = (pem: string): string => pem.trimEnd().replaceAll('\n', '\n    ');

/** The tailnet, an application whose servers all say `name`, and a Gateway that nothing is attached to. */
export const worldOf = (name: string, { certificate, privateKey }: Certificate): string => `
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
apiVersion: v1
kind: Secret
metadata: { name: shop-tls, namespace: shop }
type: kubernetes.io/tls
stringData:
  tls.crt: |
    ${indented(certificate)}
  tls.key: |
    ${indented(privateKey)}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop-servers, namespace: shop }
spec:
  selector: { matchLabels: { app: servers } }
  template:
    metadata: { labels: { app: servers } }
    spec:
      containers:
        - name: servers
          image: example/servers
          args: ["${name}", /tls]
          readinessProbe: { tcpSocket: { port: ${ports.tls} }, periodSeconds: 1 }
          volumeMounts: [{ name: tls, mountPath: /tls }]
      volumes: [{ name: tls, secret: { secretName: shop-tls } }]
---
apiVersion: v1
kind: Service
metadata: { name: servers, namespace: shop }
spec:
  selector: { app: servers }
  ports:
    ${Object.entries(ports)
      .map(([protocol, port]) => `- { name: ${protocol}, port: ${port} }`)
      .join('\n    ')}
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: GatewayParameters
metadata: { name: shop, namespace: shop }
spec: { replicas: 2, shutdown: { drainTime: 10s } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  gatewayClassName: tailplane
  infrastructure: { parametersRef: { group: gateway.tailscale.com, kind: GatewayParameters, name: shop } }
  listeners:
    - { name: http, protocol: HTTP, port: 80 }
    - { name: https, protocol: HTTPS, port: 443, tls: { certificateRefs: [{ name: shop-tls }] } }
    - { name: passthrough, protocol: TLS, port: 8443, tls: { mode: Passthrough } }
    - { name: ssh, protocol: TCP, port: 22 }
`;

/** What shares the Gateway: all that it takes. */
export const sharedGateway = `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: shared, namespace: shop }
spec:
  gatewayRef: { name: shop }
  tailnets: [{ name: lab, tailscaleTailnetRef: { name: lab }, routeGeneration: { ingress: {} } }]
`;

export type RouteOptions = {
  readonly kind?: 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute';
  readonly section?: string;
  readonly port?: number;
  readonly hostnames?: readonly string[];
  /** Name of its service, where that is not its own. */
  readonly service?: string;
};

/** A route to the application; of HTTP and to `https` unless said otherwise. */
export const routeOf = (
  name: string,
  { kind = 'HTTPRoute', section = 'https', port = ports.http, hostnames = [], service }: RouteOptions = {},
): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop${service === undefined ? '' : `, annotations: { gateway.tailscale.com/service-name: ${service} }`} }
spec:
  parentRefs: [{ name: shop, sectionName: ${section} }]
  ${hostnames.length === 0 ? '' : `hostnames: [${hostnames.join(', ')}]`}
  rules: [{ backendRefs: [{ name: servers, port: ${port} }] }]
`;

/** Lets those through a route who are in `allow`, and not in `deny`; both in flow style. */
export const policyOf = (name: string, route: string, allow: string, deny = ''): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: ${name}, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: ${route} }]
  rules: [{ actions: { identity: { allow: ${allow}${deny === '' ? '' : `, deny: ${deny}`} } } }]
`;
