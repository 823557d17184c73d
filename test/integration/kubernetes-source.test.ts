/** The Kubernetes source against a real API server: what it says, when, and what it does when reading is not easy. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { type KubernetesOptions, kubernetesSource } from '../../src/sources/kubernetes/kubernetes-source.ts';
import type { Objects } from '../../src/api/objects.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { isMap } from '../../src/lib/patched-map.ts';
import { controllerName, graphBuilder } from '../../src/model/build.ts';
import type { SourceState } from '../../src/sources/source.ts';
import { readDirectory } from '../../src/sources/directory/read-directory.ts';
import { authority } from '../support/certificates.ts';
import { gateway, httpRoute, tlsSecret } from '../support/gateway-api.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const subscriptions: Subscription[] = [];

const start = (api: ApiServer, options: Partial<KubernetesOptions> = {}) => {
  const { state$, observed } = kubernetesSource({ api, controllerName, ...options });
  const told: SourceState[] = [];
  const changed: ObjectKey[] = [];
  let wake = (): void => undefined;
  subscriptions.push(
    observed.changed$.subscribe((key) => {
      changed.push(key);
      wake();
    }),
    state$.subscribe((state) => {
      told.push(state);
      wake();
    }),
  );
  const last = (): SourceState => told.at(-1) as SourceState;
  const until = async (holds: (state: SourceState) => boolean): Promise<SourceState> => {
    while (told.length === 0 || !holds(last())) await new Promise<void>((resolve) => (wake = resolve));
    return last();
  };
  const synced = async (): Promise<SourceState> => until(({ health }) => health.synced);
  return { told, changed, observed, until, last, synced };
};

const routePath = (namespace: string, name: string): string =>
  `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}`;
const route = (name: string, host: string, namespace = 'default'): string =>
  httpRoute(name, '{ name: gw }', `hostnames: [${host}]`, `namespace: ${namespace}`);
const hostsOf = ({ objects }: SourceState, key: string): readonly string[] | undefined => objects.HTTPRoute.get(key)?.spec.hostnames;
const gatewayClass = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: ${controllerName} }
---
`;

describe.skipIf(!hasApiServer)('the Kubernetes source', () => {
  let server: TestApiServer;
  let folder: string;
  beforeAll(async () => {
    [server, folder] = await Promise.all([startApiServer(), mkdtemp(join(tmpdir(), 'tailplane-source-'))]);
    await server.apply(gatewayClass);
  });
  afterEach(() => {
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
  });
  afterAll(async () => {
    await Promise.all([server.stop(), rm(folder, { recursive: true, force: true })]);
  });

  it('gives the same graph as the same objects in a directory', async () => {
    await writeFile(join(folder, 'world.yaml'), gatewayClass + world);
    await server.apply(world);
    const { until } = start(server.api);
    const state = await until(
      ({ health, objects }) => health.synced && objects.EndpointSlice.has('web/shop-1') && objects.Secret.size === 2,
    );
    const build = (objects: Objects): unknown =>
      comparable(graphBuilder({ privilegedPorts: true, exclusivePorts: false, defaultAddresses: [] })(objects));
    const directory = readDirectory([folder]);
    expect(directory.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(build(state.objects)).toEqual(build(directory.objects));
    expect(JSON.stringify(build(state.objects))).toContain('10.1.2.3');
  });

  it('follows what is applied and deleted', async () => {
    const { synced, until } = start(server.api);
    await synced();
    await server.apply(route('followed', 'one.example'));
    await until((state) => hostsOf(state, 'default/followed')?.[0] === 'one.example');
    await server.apply(route('followed', 'two.example'));
    await until((state) => hostsOf(state, 'default/followed')?.[0] === 'two.example');
    await server.api.request({ method: 'DELETE', path: routePath('default', 'followed') });
    const { objects } = await until((state) => hostsOf(state, 'default/followed') === undefined);
    expect(objects.Service.has('default/kubernetes')).toBe(true);
  });

  it('does not say again what only had its status written, but shows the status', async () => {
    await server.apply(route('written', 'written.example'));
    const { synced, until, told, observed, changed } = start(server.api);
    await synced();
    const count = told.length;
    changed.length = 0;
    const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const parents = [{ parentRef: { name: 'gw' }, controllerName, conditions: [condition] }];
    await server.api.request({
      method: 'PATCH',
      path: `${routePath('default', 'written')}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { parents } },
    });
    await server.apply(route('after', 'after.example'));
    const state = await until((candidate) => candidate.objects.HTTPRoute.has('default/after'));
    expect(changed).toContain('HTTPRoute/default/written');
    expect(observed.get('HTTPRoute/default/written')?.status).toMatchObject({ parents });
    expect(told.slice(count)).toEqual([state]);
    expect(state.objects.HTTPRoute.get('default/written')).toBe(told[count - 1]?.objects.HTTPRoute.get('default/written'));
  });

  it('catches up with a server that was away, and says nothing in between but why', async () => {
    await server.apply(route('stays', 'stays.example'));
    const { synced, until, told, last } = start(server.api);
    const before = await synced();
    await server.kill();
    await until(({ health }) => health.error?.includes('does not answer') === true);
    await server.restart();
    await server.apply(route('stays', 'changed.example'));
    await until((state) => hostsOf(state, 'default/stays')?.[0] === 'changed.example');
    await until(({ health }) => health.error === undefined);
    expect(told.every(({ health, objects }) => !health.synced || objects.HTTPRoute.size >= before.objects.HTTPRoute.size)).toBe(true);
    expect(last().objects.Service).toBe(before.objects.Service);
    expect(last().objects.Namespace).toBe(before.objects.Namespace);
  });

  it('lists anew when the server has forgotten the version to go on from', async () => {
    await server.apply(route('old', 'old.example'));
    let watches = 0;
    const lists: string[] = [];
    const api: ApiServer = {
      ...server.api,
      request: async (request) => {
        if (request.path.endsWith('/httproutes')) lists.push(request.path);
        return server.api.request(request);
      },
      stream: async (request, line) => {
        const isFirst = request.path.endsWith('/httproutes') && (watches += 1) === 1;
        return server.api.stream({ ...request, query: { ...request.query, ...(isFirst && { resourceVersion: '1' }) } }, line);
      },
    };
    const { synced, until, told } = start(api);
    const before = await synced();
    await vi.waitUntil(() => watches > 1, 10_000);
    expect(lists).toHaveLength(2);
    await server.apply(route('old', 'new.example'));
    const after = await until((state) => hostsOf(state, 'default/old')?.[0] === 'new.example');
    expect(after.health.error).toBeUndefined();
    expect(told.filter(({ objects }) => objects !== before.objects && objects !== after.objects && objects.HTTPRoute.size > 0)).toEqual([]);
  });

  it('has the Secret in the very state whose Gateway names it', async () => {
    await server.apply(tlsSecret('late', 'late.example') + tlsSecret('unnamed', 'unnamed.example'));
    const { synced, until, told } = start(server.api);
    expect((await synced()).objects.Secret.has('default/late')).toBe(false);
    await server.apply(
      gateway('names', 'listeners: [{ name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: late }] } }]'),
    );
    await until(({ objects }) => objects.Gateway.has('default/names'));
    const named = told.filter(({ objects }) => objects.Gateway.has('default/names'));
    expect(named.map(({ objects }) => objects.Secret.has('default/late'))).toEqual(named.map(() => true));
    expect(named.some(({ objects }) => objects.Secret.has('default/unnamed'))).toBe(false);
  });

  it('reads a Secret as large as they come', async () => {
    const large = 'x'.repeat(900_000);
    await server.apply([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'large', namespace: 'default' },
        stringData: { 'tls.crt': large, 'tls.key': 'x' },
      },
    ] as never);
    await server.apply(
      gateway('large', 'listeners: [{ name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: large }] } }]'),
    );
    const { synced } = start(server.api);
    const { objects } = await synced();
    expect(objects.Secret.get('default/large')?.data?.['tls.crt']).toHaveLength(1_200_000);
  });

  it('takes up a kind whose CRD comes later', async () => {
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const crd = `${crds}/udproutes.gateway.networking.k8s.io`;
    const { apiVersion, kind, metadata, spec } = (await server.api.request({ path: crd })) as KubeObject;
    await server.api.request({ method: 'DELETE', path: crd });
    await vi.waitUntil(async () => {
      const { resources } = (await server.api
        .request({ path: '/apis/gateway.networking.k8s.io/v1alpha2' })
        .catch(() => ({ resources: [] }))) as {
        readonly resources: readonly { readonly name: string }[];
      };
      return resources.every(({ name }) => name !== 'udproutes');
    }, 20_000);
    const { synced, until } = start(server.api);
    expect((await synced()).problems.map(({ reason }) => reason).join()).toContain('UDPRoute');
    const { name, annotations = {} } = metadata;
    await server.api.request({ method: 'POST', path: crds, body: { apiVersion, kind, metadata: { name, annotations }, spec } });
    await until(({ problems }) => !problems.some(({ reason }) => reason.includes('UDPRoute')));
    await server.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: later, namespace: default }
spec: { parentRefs: [{ name: gw }], rules: [{ backendRefs: [{ name: dns, port: 53 }] }] }
`);
    const { objects } = await until((state) => state.objects.UDPRoute.size > 0);
    expect([...objects.UDPRoute.keys()]).toEqual(['default/later']);
  });

  it('reads what it may, and names what it may not', async () => {
    await server.apply(rbac);
    await server.apply(route('allowed', 'allowed.example'));
    const { until } = start(connect({ kubeconfig: server.kubeconfigFor('alice') }), { forbiddenGraceMs: 500 });
    const { health, objects } = await until((state) => state.health.synced && state.health.error !== undefined);
    expect(health.error).toMatch(/^Node: forbidden: nodes is forbidden: User "alice" cannot list resource "nodes"/);
    expect(objects.HTTPRoute.has('default/allowed')).toBe(true);
    expect(objects.Node.size).toBe(0);
  });

  it('names a certificate that it does not trust', async () => {
    const kubeconfig = JSON.parse(await readFile(server.kubeconfig, 'utf8')) as { clusters: [{ cluster: Record<string, string> }] };
    kubeconfig.clusters[0].cluster['certificate-authority-data'] = Buffer.from(authority().certificate).toString('base64');
    await writeFile(join(folder, 'untrusted.kubeconfig'), JSON.stringify(kubeconfig));
    const { until } = start(connect({ kubeconfig: join(folder, 'untrusted.kubeconfig') }));
    const { health } = await until((state) => state.health.error !== undefined);
    expect(health).toMatchObject({ synced: false, error: expect.stringMatching(/certificate is not trusted \(\w+\)$/) });
  });

  it('reads its token again when that is replaced', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'expired');
    const kubeconfig = JSON.parse(await readFile(server.kubeconfig, 'utf8')) as { users: { user: object }[] };
    kubeconfig.users = [{ ...kubeconfig.users[0], user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }];
    await writeFile(join(folder, 'token.kubeconfig'), JSON.stringify(kubeconfig));
    const { until } = start(connect({ kubeconfig: join(folder, 'token.kubeconfig') }));
    const { health } = await until((state) => state.health.error !== undefined);
    expect(health.error).toBe('the API server does not accept our credentials (401)');
    await writeFile(tokenFile, 'admin');
    // Tokens are held for a minute.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    try {
      await until((state) => state.health.synced && state.health.error === undefined);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps the last good version of an object that is stored invalid, and lets newer fields be', async () => {
    const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io';
    await server.apply(route('turns', 'turns.example'));
    const { synced, until } = start(server.api);
    const before = await synced();
    const { spec } = (await server.api.request({ path: crd })) as {
      readonly spec: { readonly versions: readonly { readonly schema: unknown }[] };
    };
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const versions = spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema } }));
    const contentType = 'application/merge-patch+json';
    await server.api.request({ method: 'PATCH', path: crd, contentType, body: { spec: { versions } } });
    const turn = async (hostnames: unknown): Promise<unknown> =>
      server.api.request({ method: 'PATCH', path: routePath('default', 'turns'), contentType, body: { spec: { hostnames } } });
    await vi.waitUntil(async () => turn(7).catch(() => false), { timeout: 20_000, interval: 100 });
    const invalid = await until(({ problems }) => problems.some(({ object }) => object === 'HTTPRoute/default/turns'));
    expect(invalid.objects.HTTPRoute.get('default/turns')).toBe(before.objects.HTTPRoute.get('default/turns'));
    await server.apply(route('newer', 'newer.example').replace('spec: {', 'spec: { fromTomorrow: { a: 1 },'));
    const newer = await until(({ objects }) => objects.HTTPRoute.has('default/newer'));
    expect(newer.problems.flatMap(({ object }) => object ?? [])).toEqual(['HTTPRoute/default/turns']);
    expect(newer.objects.HTTPRoute.get('default/newer')?.spec).not.toHaveProperty('fromTomorrow');
  });
});

/** What differs by where objects come from, left out; maps as lists. */
const comparable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, held: unknown) => {
      if (['uid', 'creationTimestamp', 'generation', 'observedGeneration'].includes(key)) return undefined;
      return isMap(held) ? [...held].toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)) : held;
    }),
  );

const world = `
apiVersion: v1
kind: Namespace
metadata: { name: web, labels: { team: shop } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: client-ca, namespace: web }
data: { ca.crt: ${JSON.stringify(authority('clients').certificate)} }
${tlsSecret('cert', 'shop.example', 'web')}
${tlsSecret('client', 'client.example', 'default')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: certs, namespace: default }
spec: { from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: web }], to: [{ group: '', kind: Secret }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: web }
spec:
  gatewayClassName: tailplane
  tls:
    backend: { clientCertificateRef: { name: client, namespace: default } }
    frontend: { default: { validation: { caCertificateRefs: [{ group: '', kind: ConfigMap, name: client-ca }] } } }
  listeners:
    - { name: http, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { team: shop } } } } }
    - { name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: cert }] } }
    - { name: db, port: 5432, protocol: TCP }
---
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: web }
spec: { ports: [{ name: http, port: 80, targetPort: 8080 }, { name: db, port: 5432 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: shop-1, namespace: web, labels: { kubernetes.io/service-name: shop } }
addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: db, port: 5432 }]
endpoints:
  - { addresses: [10.1.2.3], zone: a, nodeName: one, targetRef: { kind: Pod, name: p, namespace: web, uid: u } }
  - { addresses: [10.1.2.4], conditions: { ready: false } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop, namespace: web }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [shop.example]
  rules:
    - matches: [{ path: { value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }]
    - backendRefs: [{ name: shop, port: 80 }, { name: missing, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: db, namespace: web }
spec: { parentRefs: [{ name: edge, sectionName: db }], rules: [{ backendRefs: [{ name: shop, port: 5432 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: shop, namespace: web }
spec:
  targetRefs: [{ group: '', kind: Service, name: shop, sectionName: http }]
  validation: { hostname: shop.internal, caCertificateRefs: [{ group: '', kind: ConfigMap, name: client-ca }] }
`;

/** Everything but Nodes. */
const rbac = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: source-test }
rules:
  - { apiGroups: [gateway.networking.k8s.io, discovery.k8s.io, gateway.tailscale.com], resources: ['*'], verbs: [get, list, watch] }
  - { apiGroups: [''], resources: [services, namespaces, secrets, configmaps], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: source-test }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: source-test }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: alice }]
`;
