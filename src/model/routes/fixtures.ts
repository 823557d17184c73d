/** Objects as admission leaves them, for the tests of this folder. */
import type { ConfigMap, EndpointSlice, Service, ServicePort } from '../../api/core.ts';
import type {
  BackendTLSPolicy,
  GRPCRoute,
  GRPCRouteRule,
  BackendRef,
  HTTPRoute,
  HTTPRouteFilter,
  HTTPRouteMatch,
  HTTPRouteRule,
  ReferenceGrant,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../../api/generated/gateway-api.ts';
import { allKinds, type AnyObject } from '../../api/kinds.ts';
import type { Objects } from '../../api/objects.ts';
import { localKeyOf } from '../../lib/key.ts';
import type { Verdict } from '../route-node.ts';
import { tablesBuilder, type ModelTables } from '../tables.ts';

/** One for all calls, as in one process: what two calls have in common keeps its identity from one to the next. */
const build = tablesBuilder();

export const tablesOf = (...objects: readonly AnyObject[]): ModelTables => {
  const byKind = new Map<string, Map<string, AnyObject>>(allKinds.map((kind) => [kind, new Map()]));
  for (const object of objects) byKind.get(object.kind)?.set(localKeyOf(object), object);
  return build(Object.fromEntries(byKind) as unknown as Objects);
};

const meta = (name: string, namespace = 'default') => ({ name, namespace, generation: 1 });

export const portOf = (port: number, more: Partial<ServicePort> = {}): ServicePort => ({
  port,
  targetPort: port,
  protocol: 'TCP',
  ...more,
});

export const serviceOf = (name: string, ports: readonly ServicePort[] = [portOf(80)], namespace = 'default'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name, namespace),
  spec: { type: 'ClusterIP', ports },
});

export const sliceOf = (service: string, more: Partial<EndpointSlice>, name = `${service}-1`): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { ...meta(name), labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  endpoints: [],
  ...more,
});

export const refTo = (name: string, more: Partial<BackendRef> = {}): BackendRef => ({
  group: '',
  kind: 'Service',
  name,
  port: 80,
  weight: 1,
  ...more,
});

export const everything: HTTPRouteMatch = { path: { type: 'PathPrefix', value: '/' } };

export const ruleOf = (more: Partial<HTTPRouteRule> = {}): HTTPRouteRule => ({
  matches: [everything],
  backendRefs: [refTo('web')],
  ...more,
});

const gatewayApi = 'gateway.networking.k8s.io/v1';

export const httpRouteOf = (...rules: readonly HTTPRouteRule[]): HTTPRoute => ({
  apiVersion: gatewayApi,
  kind: 'HTTPRoute',
  metadata: meta('web'),
  spec: { rules },
});

/** An HTTPRoute to `web` with these filters on its one rule. */
export const filteredRouteOf = (...filters: readonly HTTPRouteFilter[]): HTTPRoute => httpRouteOf(ruleOf({ filters }));

export const grpcRouteOf = (...rules: readonly GRPCRouteRule[]): GRPCRoute => ({
  apiVersion: gatewayApi,
  kind: 'GRPCRoute',
  metadata: meta('rpc'),
  spec: { rules },
});

export const streamRouteOf = <K extends 'TCPRoute' | 'TLSRoute' | 'UDPRoute'>(
  kind: K,
  backendRefs: readonly BackendRef[],
): { TCPRoute: TCPRoute; TLSRoute: TLSRoute; UDPRoute: UDPRoute }[K] => {
  const route = {
    apiVersion: gatewayApi,
    kind,
    metadata: meta('bytes'),
    spec: { hostnames: ['db.example.com'], rules: [{ backendRefs }] },
  };
  return route as unknown as { TCPRoute: TCPRoute; TLSRoute: TLSRoute; UDPRoute: UDPRoute }[K];
};

export const grantOf = (kind: string, to: string, more: Partial<ReferenceGrant['spec']['to'][number]> = {}): ReferenceGrant => ({
  apiVersion: gatewayApi,
  kind: 'ReferenceGrant',
  metadata: meta('grant', to),
  spec: {
    from: [{ group: 'gateway.networking.k8s.io', kind, namespace: 'default' }],
    to: [{ group: '', kind: 'Service', ...more }],
  },
});

type PolicyParts = { readonly service?: string; readonly sectionName?: string; readonly created?: string };

export const policyOf = (
  name: string,
  validation: Partial<BackendTLSPolicy['spec']['validation']> = { wellKnownCACertificates: 'System' },
  { service = 'web', sectionName, created }: PolicyParts = {},
): BackendTLSPolicy => ({
  apiVersion: gatewayApi,
  kind: 'BackendTLSPolicy',
  metadata: { ...meta(name), ...(created === undefined ? {} : { creationTimestamp: created }) },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name: service, ...(sectionName === undefined ? {} : { sectionName }) }],
    validation: { hostname: 'web.example.com', ...validation },
  },
});

export const configMapOf = (name: string, data: { readonly [key: string]: string }): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: meta(name),
  data,
});

export const toConfigMap = (name: string) => ({ group: '', kind: 'ConfigMap', name });

/** The message of a verdict that must be there. */
export const messageOf = (verdict: Verdict | undefined): string => verdict?.message ?? '(no verdict)';
