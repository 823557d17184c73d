/** What the churn is made of: one Gateway, echo backends, and routes with a hostname each. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

export const namespace = 'churn';
export const gatewayName = 'churn';
export const hostOf = (route: number): string => `r${route}.churn.example`;
const routeName = (route: number): string => `r${route}`;
const serviceName = (service: number): string => `echo-${service}`;

const httpRoutes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
export const routePath = (route: number): string => `${httpRoutes}/${routeName(route)}`;
export const gatewayPath = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways/${gatewayName}`;

/** Its answers carry `revision` in the header `x-revision`. */
export const routeFrom = (route: number, services: number, revision: string): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: routeName(route), namespace },
  spec: {
    parentRefs: [{ name: gatewayName }],
    hostnames: [hostOf(route)],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-revision', value: revision }] } }],
        backendRefs: [{ name: serviceName(route % services), port: 8080 }],
      },
    ],
  },
});

/** Everything but the routes: `services` Services with the same two pods behind them. */
export const stageFrom = (gatewayClassName: string, services: number): readonly KubeObject[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: gatewayName, namespace },
    spec: { gatewayClassName, listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'echo', namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'echo' } },
      template: {
        metadata: { labels: { app: 'echo' } },
        spec: {
          containers: [
            {
              name: 'echo',
              image: 'gateway-api/echo-basic',
              env: [
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
              ],
              readinessProbe: { tcpSocket: { port: 3000 } },
            },
          ],
        },
      },
    },
  },
  ...Array.from({ length: services }, (_, service) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(service), namespace },
    spec: { selector: { app: 'echo' }, ports: [{ port: 8080, targetPort: 3000 }] },
  })),
];
