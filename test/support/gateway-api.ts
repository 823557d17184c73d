/** Gateway API YAML to graph, as `serve` does it: every document admitted, so that tests say only what users would. */
import { parseAllDocuments } from 'yaml';
import { allKinds, type AnyObject } from '../../src/api/kinds.ts';
import type { Objects } from '../../src/api/objects.ts';
import { localKeyOf, type ObjectKey } from '../../src/lib/key.ts';
import { controllerName, graphBuilder, type ModelOptions } from '../../src/model/build.ts';
import type { Gateway, Graph, Listener, Socket } from '../../src/model/graph.ts';
import type { Condition, ListenerStatus, Status } from '../../src/model/status.ts';
import { admit } from '../../src/sources/admission/admit.ts';
import { type Certificate, certificateFor } from './certificates.ts';

export type Options = Partial<ModelOptions>;

/** Documents of a YAML text, admitted. Throws on one that an API server would refuse: a test meant another. */
export const objectsIn = (yaml: string): readonly AnyObject[] =>
  parseAllDocuments(yaml).flatMap((document) => {
    const raw: unknown = document.toJS();
    if (raw === null) return [];
    const admitted = admit(raw);
    if (!admitted.ok) throw new Error(`not admitted: ${JSON.stringify(admitted.problem)}\n${String(document)}`);
    return [admitted.value];
  });

export const objectsOf = (objects: readonly AnyObject[]): Objects => {
  const byKind = new Map<string, Map<string, AnyObject>>(allKinds.map((kind) => [kind, new Map()]));
  for (const object of objects) byKind.get(object.kind)?.set(localKeyOf(object), object);
  return Object.fromEntries(byKind) as unknown as Objects;
};

/** A function from YAML to graph, standalone as `serve` is, that remembers as the builder does. */
const builder = (options: Options = {}): ((yaml: string) => Graph) => {
  const build = graphBuilder({ privilegedPorts: true, exclusivePorts: true, defaultAddresses: [], ...options });
  return (yaml) => build(objectsOf([...prelude, ...objectsIn(yaml)]));
};

export const graphFrom = (yaml: string, options?: Options): Graph => builder(options)(yaml);

/** A class of ours and one of somebody else's, and Services that routes may use. */
export const prelude = objectsIn(`
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: ${controllerName} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: foreign }
spec: { controllerName: example.com/other }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: dns, namespace: default }
spec: { ports: [{ port: 53, protocol: UDP }] }
`);

type OfKind<S, K> = S extends { readonly kind: infer Kinds } ? (K extends Kinds ? S : never) : never;

export const statusOf = <K extends Status['kind']>(graph: Graph, kind: K, name: string): OfKind<Status, K> => {
  const status = graph.statuses.get(`${kind}/${name.includes('/') ? name : `default/${name}`}` as ObjectKey);
  if (status?.kind !== kind) throw new Error(`no status of ${kind} ${name}; there are ${[...graph.statuses.keys()].join(', ')}`);
  return status as OfKind<Status, K>;
};

/** `True Accepted`, or `(none)`: a condition in the form tests compare. */
export const shown = (conditions: readonly Condition[], type: string): string => {
  const condition = conditions.find((candidate) => candidate.type === type);
  return condition === undefined ? '(none)' : `${condition.status} ${condition.reason}`;
};

export const messageOf = (conditions: readonly Condition[], type: string): string =>
  conditions.find((candidate) => candidate.type === type)?.message ?? '(none)';

export const listenerStatus = (graph: Graph, kind: 'Gateway' | 'ListenerSet', name: string, listener: string): ListenerStatus => {
  const found = statusOf(graph, kind, name).listeners.find((candidate) => candidate.name === listener);
  if (found === undefined) throw new Error(`no status of listener ${listener}`);
  return found;
};

/** Accepted of each parent of a route, in order. */
export const acceptance = (
  graph: Graph,
  kind: 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute',
  name: string,
): readonly string[] => statusOf(graph, kind, name).parents.map(({ conditions }) => shown(conditions, 'Accepted'));

export const gatewayIn = (graph: Graph, name: string): Gateway => {
  const gateway = graph.gateways.get(`default/${name}`);
  if (gateway === undefined) throw new Error(`no Gateway ${name}`);
  return gateway;
};

export const socketIn = (graph: Graph, name: string, port: number): Socket => {
  const socket = gatewayIn(graph, name).sockets.find((candidate) => candidate.port === port);
  if (socket === undefined) throw new Error(`Gateway ${name} has no socket for port ${port}`);
  return socket;
};

type OfProtocol<L, P> = L extends { readonly protocol: infer Protocols } ? (P extends Protocols ? L : never) : never;

export const listenerIn = <P extends Listener['protocol']>(
  graph: Graph,
  name: string,
  listener: string,
  protocol: P,
): OfProtocol<Listener, P> => {
  const found = gatewayIn(graph, name)
    .sockets.flatMap(({ listeners }) => listeners)
    .find((candidate) => candidate.name === listener);
  if (found?.protocol !== protocol) throw new Error(`Gateway ${name} has no ${protocol} listener ${listener}`);
  return found as OfProtocol<Listener, P>;
};

const keyPairs = new Map<string, Certificate>();

/** A TLS Secret for a DNS name, the same for the same name. */
export const tlsSecret = (name: string, dnsName = 'a.example', namespace = 'default'): string => {
  const pair = keyPairs.get(dnsName) ?? certificateFor([dnsName]);
  keyPairs.set(dnsName, pair);
  return `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(pair.certificate)}, tls.key: ${JSON.stringify(pair.privateKey)} }
---
`;
};

/** A Gateway of our class; `spec` is YAML in flow style below `spec`. */
export const gateway = (name: string, spec: string, more = ''): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default${more} }
spec: { gatewayClassName: tailplane, ${spec} }
---
`;

/** A route to \`parents\` (flow YAML); \`more\` are further fields of its spec. */
export const httpRoute = (name: string, parents: string, more = '', metadata = 'namespace: default'): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, ${metadata} }
spec: { parentRefs: [${parents}], rules: [{ backendRefs: [{ name: web, port: 80 }] }]${more === '' ? '' : `, ${more}`} }
---
`;

export const streamRoute = (
  kind: 'TCPRoute' | 'TLSRoute' | 'UDPRoute',
  name: string,
  parents: string,
  more = '',
  metadata = '',
): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: default${metadata} }
spec: { parentRefs: [${parents}], rules: [{ backendRefs: [${kind === 'UDPRoute' ? '{ name: dns, port: 53 }' : '{ name: web, port: 80 }'}] }]${more === '' ? '' : `, ${more}`} }
---
`;

export const listenerSet = (name: string, parent: string, listeners: string, metadata = 'namespace: default'): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: ${name}, ${metadata} }
spec: { parentRef: { name: ${parent}, namespace: default }, listeners: [${listeners}] }
---
`;
