/** What users write for a service that the kernels of proxies lead to an application. */
import { control, simulator } from '../sharing-cluster/world.ts';
import { ports } from './servers.ts';

/** The tailnet, an application with three ports of two protocols, and proxies of mode forward that host nothing yet. */
export const world = `
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
apiVersion: apps/v1
kind: Deployment
metadata: { name: echo, namespace: shop }
spec:
  selector: { matchLabels: { app: echo } }
  template:
    metadata: { labels: { app: echo } }
    spec:
      containers:
        - name: echo
          image: example/servers
          command: [/app/node_modules/node/bin/node, /app/test/e2e/sharing-kernel/servers.ts]
          readinessProbe: { tcpSocket: { port: ${ports.tcp} }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: shop }
spec:
  selector: { app: echo }
  ports:
    - { name: tcp, port: 80, targetPort: ${ports.tcp} }
    - { name: other, port: 7000, targetPort: ${ports.other} }
    - { name: udp, port: 53, targetPort: ${ports.udp}, protocol: UDP }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: hosts, namespace: shop }
spec: { tailnet: lab, proxy: { connectionType: ingress, mode: forward, replicas: 2 } }
`;

/** A service of all the application's ports. */
export const serviceOf = (name: string): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: ${name}, namespace: shop }
spec:
  selector: {}
  backends: [{ kubernetes: { name: echo, port: 80 } }]
  vipService: { ports: [tcp:80, tcp:7000, udp:53], autoApprove: true }
`;
