import { filter, firstValueFrom, type Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventRecorder } from '../../controllers/events/recorder.ts';
import type { StatusLimits } from '../../controllers/status/term.ts';
import { StatusWriter } from '../../controllers/status/writer.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { controllerName, graphBuilder } from '../../src/model/build.ts';
import type { Condition, Status } from '../../src/model/status.ts';
import { type KubernetesSource, kubernetesSource } from '../../src/sources/kubernetes/kubernetes-source.ts';
import type { SourceState } from '../../src/sources/source.ts';
import { DecidedElection } from '../support/election.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const ourWorld = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: ours }
spec: { controllerName: ${controllerName} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: ours
  allowedListeners: { namespaces: { from: Same } }
  listeners:
    - { name: http, port: 80, protocol: HTTP }
    - { name: tls, port: 8443, protocol: TLS, hostname: a.example.com, tls: { mode: Passthrough } }
    - { name: tcp, port: 9000, protocol: TCP }
    - { name: udp, port: 9000, protocol: UDP }
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: more, namespace: default }
spec:
  parentRef: { name: edge }
  listeners: [{ name: http, port: 81, protocol: HTTP }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { ports: [{ name: tcp, port: 80 }, { name: udp, port: 80, protocol: UDP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop, namespace: default }
spec:
  hostnames: [shop.example.com]
  parentRefs: [{ name: edge, sectionName: http }]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: broken, namespace: default }
spec:
  hostnames: [broken.example.com]
  parentRefs: [{ name: edge, sectionName: http }]
  rules: [{ backendRefs: [{ name: missing, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: shop, namespace: default }
spec:
  hostnames: [grpc.example.com]
  parentRefs: [{ name: edge, sectionName: http }]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: shop, namespace: default }
spec:
  parentRefs: [{ name: edge, sectionName: tls }]
  hostnames: [a.example.com]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: shop, namespace: default }
spec:
  parentRefs: [{ name: edge, sectionName: tcp }]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: shop, namespace: default }
spec:
  parentRefs: [{ name: edge, sectionName: udp }]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: tls, namespace: default }
spec:
  targetRefs: [{ group: '', kind: Service, name: web }]
  validation: { wellKnownCACertificates: System, hostname: web.example.com }
`;

const condition = (message: string, fields: Partial<Condition> = {}): Condition => ({
  type: 'Accepted',
  status: 'True',
  reason: 'Accepted',
  message,
  observedGeneration: 1,
  ...fields,
});

const routeStatus = (controller: string, ...conditions: readonly Condition[]): Status => ({
  kind: 'HTTPRoute',
  parents: [{ parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'none' }, controllerName: controller, conditions }],
});

const gatewayStatus = (...conditions: readonly Condition[]): Status => ({
  kind: 'Gateway',
  conditions,
  addresses: [],
  listeners: [],
  attachedListenerSets: 0,
});

/** An API server that can be slow for whoever speaks through it, and remembers what was said. */
const line = (api: ApiServer): { readonly api: ApiServer; readonly said: ApiRequest[]; slow: Promise<void> | undefined } => {
  const through: ReturnType<typeof line> = {
    said: [],
    slow: undefined,
    api: {
      ...api,
      request: async (request) => {
        through.said.push(request);
        await through.slow;
        return api.request(request);
      },
    },
  };
  return through;
};

describe.skipIf(!hasApiServer)('statuses on a real API server', () => {
  let server: TestApiServer;
  let source: KubernetesSource;
  let following: Subscription;
  let state: SourceState | undefined;
  const objects = (): SourceState['objects'] => {
    if (state === undefined) throw new Error('unreachable: nothing was read');
    return state.objects;
  };
  const open: { stop: () => void }[] = [];

  beforeAll(async () => {
    server = await startApiServer();
    source = kubernetesSource({ api: connect({ kubeconfig: server.kubeconfig }), controllerName });
    following = source.state$.subscribe((next) => void (state = next));
    await firstValueFrom(source.state$.pipe(filter(({ health }) => health.synced)));
  });
  afterAll(async () => {
    following.unsubscribe();
    await server.stop();
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.stop();
  });

  const until = (holds: () => void | Promise<void>): Promise<void> => vi.waitFor(holds, { timeout: 30_000, interval: 20 });

  type Options = { api?: ApiServer; as?: string; limits?: Partial<StatusLimits>; lead?: boolean };
  const begin = ({ api = server.api, as = controllerName, limits = {}, lead = true }: Options = {}) => {
    const election = new DecidedElection();
    election.lead(lead);
    const logged: string[] = [];
    const log = {
      info: () => undefined,
      warn: (fields: object, message: string) => void logged.push(`${'object' in fields ? String(fields.object) : ''} ${message}`),
    };
    const common = { api, election, now: () => new Date(), log };
    const recorder = new EventRecorder({ ...common, reporter: { controllerName: as, instance: 'test' } });
    const events = recorder.record.bind(recorder);
    const writer = new StatusWriter({ ...common, observed: source.observed, controllerName: as, events, limits });
    open.push(writer, recorder);
    return { writer, recorder, election, logged };
  };
  const idle = ({ writer }: Pick<ReturnType<typeof begin>, 'writer'>): Promise<void> =>
    until(() => expect(writer.stats).toMatchObject({ ready: 0, waiting: 0, writing: 0 }));

  let names = 0;
  /** Some routes that nobody but the test cares for, as the writers observe them. */
  const routes = async (count: number): Promise<readonly ObjectKey[]> => {
    const group = `group-${names++}`;
    const keys = Array.from({ length: count }, (_, index): ObjectKey => `HTTPRoute/default/${group}-${index}`);
    await server.apply(
      keys.map((key) => ({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name: key.split('/')[2] ?? '', namespace: 'default' },
        spec: { parentRefs: [{ name: 'none' }] },
      })),
    );
    await until(() => expect(keys.filter((key) => source.observed.get(key) === undefined)).toEqual([]));
    return keys;
  };
  const pathTo = (key: ObjectKey): string =>
    pathOf({ ...kinds.HTTPRoute, version: 'v1' }, { namespace: 'default', name: key.split('/')[2] ?? '' });
  const parentsOf = (key: ObjectKey): readonly { readonly controllerName: string; readonly conditions: readonly Condition[] }[] =>
    (source.observed.get(key)?.status?.['parents'] ?? []) as never;
  const messages = (key: ObjectKey): readonly string[] => parentsOf(key).map(({ conditions }) => conditions[0]?.message ?? '');

  it('are written for every kind, with Events of what is wrong, and not once more by a successor', async () => {
    await server.apply(ourWorld);
    const build = graphBuilder({ privilegedPorts: true, exclusivePorts: false, defaultAddresses: ['192.0.2.1'] });
    const wanted = (): ReadonlyMap<ObjectKey, Status> => build(objects()).statuses;
    await until(() => expect(wanted().size).toBe(10));
    await until(() => expect(wanted().get('BackendTLSPolicy/default/tls')).toBeDefined());
    const first = begin();
    first.writer.want(wanted());
    await until(() => expect(first.writer.stats.written).toBe(10));
    await idle(first);
    expect(first.writer.stats).toMatchObject({ written: 10, refused: 0, conflicts: 0, failed: 0 });
    expect(first.logged).toEqual([]);
    const versions = [...wanted().keys()].map((key) => source.observed.get(key)?.resourceVersion);
    expect(source.observed.get('GatewayClass//ours')?.status?.['supportedFeatures']).toContainEqual({ name: 'HTTPRoute' });
    expect(source.observed.get('Gateway/default/edge')?.status).toMatchObject({
      addresses: [{ type: 'IPAddress', value: '192.0.2.1' }],
      attachedListenerSets: 1,
    });

    await until(async () => {
      const { items } = (await server.api.request({ path: '/apis/events.k8s.io/v1/namespaces/default/events' })) as {
        readonly items: readonly { readonly type: string; readonly reason: string; readonly regarding: { readonly name: string } }[];
      };
      const told = items.map(({ type, reason, regarding }) => `${type} ${reason} ${regarding.name}`);
      expect(told).toContain('Warning BackendNotFound broken');
      expect(told).toContain('Normal Programmed edge');
      expect(told.filter((one) => one.endsWith(' shop'))).toEqual([]);
    });
    first.writer.stop();

    const said = line(server.api);
    const second = begin({ api: said.api });
    second.writer.want(build(objects()).statuses);
    await idle(second);
    expect(said.said).toEqual([]);
    expect([...wanted().keys()].map((key) => source.observed.get(key)?.resourceVersion)).toEqual(versions);
  });

  it('of two controllers stand side by side, however they meet', async () => {
    const keys = await routes(20);
    const one = begin({ as: 'example.com/one' });
    const other = begin({ as: 'example.com/other' });
    for (const message of ['a', 'b', 'c']) {
      one.writer.want(new Map(keys.map((key) => [key, routeStatus('example.com/one', condition(`one ${message}`))])));
      other.writer.want(new Map(keys.map((key) => [key, routeStatus('example.com/other', condition(`other ${message}`))])));
    }
    await until(() => {
      for (const key of keys) expect(messages(key).toSorted()).toEqual(['one c', 'other c']);
    });
    await Promise.all([idle(one), idle(other)]);
    expect(one.writer.stats.conflicts + other.writer.stats.conflicts).toBeGreaterThan(0);
    one.writer.want(new Map());
    await until(() => {
      for (const key of keys) expect(messages(key)).toEqual(['other c']);
    });
  });

  it('lose what is no longer said, and keep what others say', async () => {
    await server.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: plain, namespace: default }
spec: { gatewayClassName: none, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`);
    const key: ObjectKey = 'Gateway/default/plain';
    await until(() => expect(source.observed.get(key)).toBeDefined());
    const types = (): readonly string[] =>
      ((source.observed.get(key)?.status?.['conditions'] ?? []) as Condition[]).map(({ type }) => type).toSorted();
    const through = line(server.api);
    const { writer } = begin({ api: through.api });
    writer.want(
      new Map([[key, gatewayStatus(condition('a'), condition('a', { type: 'Programmed' }), condition('a', { type: 'ResolvedRefs' }))]]),
    );
    await until(() => expect(types()).toEqual(['Accepted', 'Programmed', 'ResolvedRefs']));
    await server.api.request({
      method: 'PATCH',
      path: `${pathOf({ ...kinds.Gateway, version: 'v1' }, { namespace: 'default', name: 'plain' })}/status`,
      query: { fieldManager: 'auditor' },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'plain', namespace: 'default' },
        status: { conditions: [{ ...condition('x', { type: 'example.com/Audited' }), lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
    });
    await until(() => expect(types()).toContain('example.com/Audited'));
    writer.want(new Map([[key, gatewayStatus(condition('b'), condition('b', { type: 'Programmed' }))]]));
    await until(() => expect(types()).toEqual(['Accepted', 'Programmed', 'example.com/Audited']));
    const writes = through.said.filter(({ method }) => method === 'PATCH');
    expect(new Set(writes.map(({ contentType }) => contentType))).toEqual(new Set(['application/apply-patch+yaml']));
  });

  it('that may not be written are reported, others go on, and they follow when they may', async () => {
    const keys = await routes(5);
    const role = (name: string, resource: string) => [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name },
        rules: [{ apiGroups: ['gateway.networking.k8s.io'], resources: [resource], verbs: ['patch'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name },
        subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }],
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      },
    ];
    await server.apply(role('gateways', 'gateways/status'));
    const alice = connect({ kubeconfig: server.kubeconfigFor('alice') });
    await server.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: alices, namespace: default }
spec: { gatewayClassName: none, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`);
    await until(() => expect(source.observed.get('Gateway/default/alices')).toBeDefined());
    const world = begin({ api: alice, as: 'example.com/alice', limits: { forbiddenMs: 500 } });
    const wanted = new Map(keys.map((key): [ObjectKey, Status] => [key, routeStatus('example.com/alice', condition('a'))]));
    world.writer.want(wanted.set('Gateway/default/alices', gatewayStatus(condition('a'))));
    await until(() =>
      expect(source.observed.get('Gateway/default/alices')?.status?.['conditions']).toContainEqual(
        expect.objectContaining({ message: 'a' }),
      ),
    );
    await until(() => expect(world.writer.stats.refused).toBeGreaterThan(0));
    expect(world.logged.filter((one) => one.includes('may not be written'))).toHaveLength(1);
    expect(keys.flatMap(messages)).toEqual([]);
    await server.apply(role('routes', 'httproutes/status'));
    await until(() => expect(keys.flatMap(messages)).toEqual(keys.map(() => 'a')));
  });

  it('that the API server finds wrong are reported once, and hold up nobody', async () => {
    const keys = await routes(3);
    const as = 'example.com/wrong';
    const world = begin({ as });
    const [wrong] = keys;
    world.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('a', key === wrong ? { reason: 'not a reason' } : {}))])));
    await until(() => expect(keys.flatMap(messages)).toEqual(['a', 'a']));
    await until(() => expect(world.writer.stats).toMatchObject({ written: 2, refused: 1, waiting: 1 }));
    expect(world.logged).toEqual([`${wrong} the API server refuses a status`]);
    world.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('b'))])));
    await until(() => expect(keys.flatMap(messages)).toEqual(['b', 'b', 'b']));
  });

  it('of objects that are deleted meanwhile are forgotten', async () => {
    const keys = await routes(20);
    const as = 'example.com/deleted';
    const gone = keys.filter((_, index) => index % 2 === 0);
    const world = begin({ as });
    const deleting = gone.map((key) => server.api.request({ method: 'DELETE', path: pathTo(key) }));
    for (const message of ['a', 'b', 'c']) {
      world.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition(message))])));
      await Promise.race(deleting);
    }
    await Promise.all(deleting);
    await until(() => expect(keys.flatMap(messages)).toEqual(Array.from({ length: 10 }, () => 'c')));
    await idle(world);
    expect(world.writer.stats).toMatchObject({ refused: 0, failed: 0 });
    expect(world.logged).toEqual([]);
  });

  it('are not written any more by who lost the Lease, and not twice by who has it', async () => {
    const keys = await routes(20);
    const as = 'example.com/leader';
    const through = line(server.api);
    let release = (): void => undefined;
    through.slow = new Promise((resolve) => (release = resolve));
    const old = begin({ as, api: through.api, limits: { concurrency: 8 } });
    const heir = begin({ as, lead: false });
    old.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('old'))])));
    heir.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('new'))])));
    expect(through.said).toHaveLength(8);
    old.election.lead(false);
    heir.election.lead(true);
    await until(() => expect(keys.flatMap(messages)).toEqual(keys.map(() => 'new')));
    const versions = keys.map((key) => source.observed.get(key)?.resourceVersion);
    release();
    await idle(heir);
    expect(through.said).toHaveLength(8);
    expect(old.writer.stats.written).toBe(0);
    expect(heir.writer.stats).toMatchObject({ written: 20, conflicts: 0 });
    expect(keys.map((key) => source.observed.get(key)?.resourceVersion)).toEqual(versions);
  });

  it('cannot be written over by who does not know yet that the Lease is lost', async () => {
    const [key] = (await routes(1)) as [ObjectKey];
    const as = 'example.com/late';
    const through = line(server.api);
    let release = (): void => undefined;
    through.slow = new Promise((resolve) => (release = resolve));
    const late = begin({ as, api: through.api });
    late.writer.want(new Map([[key, routeStatus(as, condition('old'))]]));
    const heir = begin({ as });
    heir.writer.want(new Map([[key, routeStatus(as, condition('new'))]]));
    await until(() => expect(messages(key)).toEqual(['new']));
    late.writer.want(new Map([[key, routeStatus(as, condition('new'))]]));
    release();
    await until(() => expect(late.writer.stats.conflicts).toBe(1));
    await Promise.all([idle(late), idle(heir)]);
    expect(late.writer.stats.written + heir.writer.stats.written).toBe(1);
  });

  it('follow after the API server was away', async () => {
    const keys = await routes(30);
    const as = 'example.com/patient';
    const world = begin({ as });
    world.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('before'))])));
    await until(() => expect(world.writer.stats.written).toBeGreaterThan(0));
    await server.kill();
    world.writer.want(new Map(keys.map((key) => [key, routeStatus(as, condition('after'))])));
    await until(() => expect(world.writer.stats.failed).toBeGreaterThan(0));
    await server.restart();
    await until(() => expect(keys.flatMap(messages)).toEqual(keys.map(() => 'after')));
    await idle(world);
    expect(world.logged.filter((one) => one.includes('wait for the API server'))).toHaveLength(1);
  });
});
