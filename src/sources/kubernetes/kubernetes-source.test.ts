import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Subscription } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../../test/support/fake-api-server.ts';
import { type Kind, kinds } from '../../api/kinds.ts';
import type { ObjectKey } from '../../lib/key.ts';
import { ApiError, UnreachableError } from '../../kubernetes/api-error.ts';
import type { ApiRequest } from '../../kubernetes/api-server.ts';
import { type Clock, systemClock } from '../../kubernetes/clock.ts';
import { pathOf, type Resource } from '../../kubernetes/resource.ts';
import type { SourceState } from '../source.ts';
import { type KubernetesOptions, kubernetesSource } from './kubernetes-source.ts';

const controllerName = 'example.com/ours';
/** Tries again after a hundredth of the time. */
const clock: Clock = { ...systemClock, wait: async (ms, signal) => sleep(ms / 100, undefined, { signal }) };

const resource = (kind: Kind): Resource => ({ ...kinds[kind], version: kinds[kind].versions[0] });
const everything = Object.values(kinds).map(({ kind }) => resource(kind));
const listPath = (kind: Kind): string => pathOf(resource(kind));

const gatewayClass = { metadata: { name: 'ours' }, spec: { controllerName } };
const gateway = (certificate: string, fields: object = {}) => ({
  metadata: { name: 'gw', namespace: 'web', generation: 1, ...fields },
  spec: {
    gatewayClassName: 'ours',
    listeners: [{ name: 'a', port: 443, protocol: 'HTTPS', tls: { mode: 'Terminate', certificateRefs: [{ name: certificate }] } }],
  },
});
const route = (name: string, host: string, fields: object = {}) => ({
  metadata: { name, namespace: 'web', ...fields },
  spec: { hostnames: [host] },
});
const service = (name: string, namespace = 'web') => ({ metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } });
const secret = (name: string, value: string, fields: object = {}) => ({
  metadata: { name, namespace: 'web', ...fields },
  type: 'Opaque',
  data: { a: Buffer.from(value).toString('base64') },
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const subscriptions: Subscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

const start = (api: FakeApiServer, options: Partial<KubernetesOptions> = {}) => {
  const { state$, observed } = kubernetesSource({ api, controllerName, clock, forbiddenGraceMs: 60, ...options });
  const told: SourceState[] = [];
  const changed: ObjectKey[] = [];
  let wake = (): void => undefined;
  subscriptions.push(
    observed.changed$.subscribe((key) => {
      changed.push(key);
      wake();
    }),
  );
  subscriptions.push(
    state$.subscribe((state) => {
      told.push(state);
      wake();
    }),
  );
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const last = (): SourceState => told.at(-1) as SourceState;
  /** The first state, looking back too, that fits. */
  const state = async (fits: (state: SourceState) => boolean): Promise<SourceState> => {
    await until(() => told.some(fits));
    return told.find(fits) as SourceState;
  };
  const synced = async (): Promise<SourceState> => state(({ health }) => health.synced);
  return { told, changed, observed, until, last, state, synced };
};

const isOf =
  (kind: Kind) =>
  ({ path }: ApiRequest): boolean =>
    path === listPath(kind);
const unreachable = (): Error => new UnreachableError('GET', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
const forbidden = (): Error => new ApiError('GET', 403, { message: 'no' });
const fetches = (api: FakeApiServer): readonly string[] => api.asked.map(({ path }) => path).filter((path) => /\/secrets\/./.test(path));

describe('the first state', () => {
  it('comes when every kind that exists was listed', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('HTTPRoute'), route('a', 'a.example'));
    api.put(resource('Service'), service('s'));
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    api.fault = async (request) => void (isOf('Service')(request) && (await gate));
    const { told, until, synced } = start(api);
    await until(() => told.length > 0);
    await sleep(50);
    expect(told.map(({ health, objects }) => [health.synced, objects.HTTPRoute.size])).toEqual([[false, 0]]);
    open();
    const { objects } = await synced();
    expect([objects.HTTPRoute.size, objects.Service.size]).toEqual([1, 1]);
  });

  it('holds the Secrets that Gateways name, and no others are ever asked for', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('GatewayClass'), gatewayClass);
    api.put(resource('Gateway'), gateway('cert'));
    for (const name of ['cert', 'other']) api.put(resource('Secret'), secret(name, name));
    const { synced, observed } = start(api);
    const { objects } = await synced();
    expect([...objects.Secret.keys()]).toEqual(['web/cert']);
    expect(fetches(api)).toEqual(['/api/v1/namespaces/web/secrets/cert']);
    expect(observed.get('Secret/web/cert')?.uid).toBe('uid-cert');
    expect(observed.get('Secret/web/other')).toBeUndefined();
  });

  it('does without a kind that stays forbidden, and names it', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('Gateway'), gateway('cert'));
    api.fault = (request) => (isOf('Node')(request) ? forbidden() : undefined);
    const { told, synced } = start(api);
    const { health, objects } = await synced();
    expect(health.error).toBe('Node: forbidden: no');
    expect(objects.Gateway.size).toBe(1);
    expect(told.filter(({ health: { synced: isSynced } }) => !isSynced).length).toBeGreaterThan(0);
  });

  it('waits for a kind that is forbidden only while the server starts', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('Gateway'), gateway('cert'));
    let faults = 0;
    api.fault = (request) => (isOf('Gateway')(request) && (faults += 1) <= 3 ? forbidden() : undefined);
    const { synced } = start(api, { forbiddenGraceMs: 60_000 });
    const { health, objects } = await synced();
    expect(health.error).toBeUndefined();
    expect(objects.Gateway.size).toBe(1);
  });

  it('tells which kinds the server does not serve, and does not wait for them', async () => {
    const { synced } = start(new FakeApiServer(everything.filter(({ kind }) => kind !== 'TCPRoute')));
    const { problems } = await synced();
    expect(problems).toEqual([{ severity: 'warning', reason: expect.stringContaining('does not serve TCPRoute:') }]);
  });
});

describe('a change', () => {
  it('of status alone changes no state, and is observed', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('HTTPRoute'), route('a', 'a.example', { generation: 1 }));
    const { told, changed, synced, until, observed } = start(api);
    await synced();
    const count = told.length;
    changed.length = 0;
    const status = { parents: [{ controllerName }] };
    api.put(resource('HTTPRoute'), { ...route('a', 'a.example', { generation: 1 }), status });
    await until(() => changed.length > 0);
    expect(changed).toEqual(['HTTPRoute/web/a']);
    expect(observed.get('HTTPRoute/web/a')).toMatchObject({ status, apiVersion: 'gateway.networking.k8s.io/v1' });
    api.put(resource('HTTPRoute'), route('b', 'b.example'));
    await until(() => told.length > count);
    expect(told.at(-1)?.objects.HTTPRoute.size).toBe(2);
    expect(told).toHaveLength(count + 1);
  });

  it('leaves the maps of other kinds, and other objects, the same', async () => {
    const api = new FakeApiServer(everything);
    for (const name of ['a', 'b']) api.put(resource('HTTPRoute'), route(name, `${name}.example`));
    const { synced, state } = start(api);
    const before = await synced();
    api.put(resource('HTTPRoute'), route('b', 'c.example'));
    const after = await state((candidate) => candidate.objects !== before.objects && candidate.health.synced);
    expect(after.objects.Service).toBe(before.objects.Service);
    expect(after.objects.HTTPRoute.get('web/a')).toBe(before.objects.HTTPRoute.get('web/a'));
    expect(before.objects.HTTPRoute.get('web/b')).toMatchObject({ spec: { hostnames: ['b.example'] } });
  });

  it('that makes an object invalid is a problem of that object, and neighbours go on', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('HTTPRoute'), route('a', 'a.example'));
    const { synced, state } = start(api);
    const before = await synced();
    api.put(resource('HTTPRoute'), route('a', 'NOT a host'));
    api.put(resource('HTTPRoute'), route('b', 'b.example'));
    const after = await state(({ problems, objects }) => problems.length > 0 && objects.HTTPRoute.size === 2);
    expect(after.problems).toMatchObject([{ severity: 'error', object: 'HTTPRoute/web/a' }]);
    expect(after.objects.HTTPRoute.get('web/a')).toBe(before.objects.HTTPRoute.get('web/a'));
  });
});

describe('a Secret', () => {
  const prepared = (): FakeApiServer => {
    const api = new FakeApiServer(everything);
    api.put(resource('GatewayClass'), gatewayClass);
    api.put(resource('Secret'), secret('cert', 'one'));
    return api;
  };

  it('is there in the first state whose Gateway names it', async () => {
    const api = prepared();
    const { told, synced, state } = start(api);
    await synced();
    api.put(resource('Gateway'), gateway('cert'));
    await state(({ objects }) => objects.Gateway.size > 0);
    expect(told.filter(({ objects }) => objects.Gateway.size > 0).map(({ objects }) => objects.Secret.size)).toEqual([1]);
  });

  it('that does not exist holds nothing up, and is there once it does', async () => {
    const api = prepared();
    api.put(resource('Gateway'), gateway('late'));
    const { synced, state } = start(api);
    expect((await synced()).objects.Secret.size).toBe(0);
    api.put(resource('Secret'), secret('late', 'x'));
    expect([...(await state(({ objects }) => objects.Secret.size > 0)).objects.Secret.keys()]).toEqual(['web/late']);
  });

  it('is read again when it changes, and leaves when it is deleted or nobody names it any more', async () => {
    const api = prepared();
    api.put(resource('Gateway'), gateway('cert'));
    const { synced, until, last } = start(api);
    await synced();
    const value = (): string => Buffer.from(last().objects.Secret.get('web/cert')?.data?.['a'] ?? '', 'base64').toString();
    expect(value()).toBe('one');
    api.put(resource('Secret'), secret('cert', 'two'));
    await until(() => value() === 'two');
    api.remove(resource('Secret'), 'web', 'cert');
    await until(() => last().objects.Secret.size === 0);
    api.put(resource('Secret'), secret('cert', 'three'));
    await until(() => value() === 'three');
    api.put(resource('Gateway'), gateway('other', { generation: 2 }));
    await until(() => last().objects.Secret.size === 0);
  });

  it('that changed only beside its data keeps its identity', async () => {
    const api = prepared();
    api.put(resource('Gateway'), gateway('cert'));
    const { synced, changed, until, last } = start(api);
    const before = await synced();
    changed.length = 0;
    api.put(resource('Secret'), secret('cert', 'one', { finalizers: ['a/b'] }));
    await until(() => changed.includes('Secret/web/cert'));
    await sleep(10);
    expect(last().objects.Secret).toBe(before.objects.Secret);
  });

  it('that cannot be read is a problem that names it, holds no neighbour up, and is tried again', async () => {
    const api = prepared();
    api.put(resource('Gateway'), gateway('cert'));
    let isBroken = true;
    api.fault = ({ path }) => (isBroken && path.includes('/secrets/') ? forbidden() : undefined);
    const { synced, state, last } = start(api);
    const first = await synced();
    expect(first.problems).toEqual([{ severity: 'error', object: 'Secret/web/cert', reason: 'cannot be read: forbidden: no' }]);
    isBroken = false;
    await state(({ objects }) => objects.Secret.size === 1);
    expect(last().problems).toEqual([]);
  });

  it('of odd content does no harm, and what it holds is not told', async () => {
    const api = prepared();
    api.put(resource('Gateway'), gateway('cert'));
    api.put(resource('Secret'), { metadata: { name: 'cert', namespace: 'web' }, type: 7, data: ['x'] });
    const { synced } = start(api);
    const { problems, objects } = await synced();
    expect(problems.map(({ object }) => object)).toContain('Secret/web/cert');
    expect(objects.Gateway.size).toBe(1);
    expect(JSON.stringify(problems)).not.toContain('"x"');
  });
});

it('what was replaced is let go, though nothing that refers to Secrets changed since', async () => {
  const api = new FakeApiServer(everything);
  api.put(resource('GatewayClass'), gatewayClass);
  api.put(resource('Gateway'), gateway('cert'));
  api.put(resource('HTTPRoute'), route('a', 'a.example'));
  const { told, synced, last, until } = start(api);
  const hostOf = ({ objects }: SourceState): string | undefined => objects.HTTPRoute.get('web/a')?.spec.hostnames?.[0];
  const former = await synced().then(({ objects }) => new WeakRef(objects.HTTPRoute.get('web/a') as object));
  api.put(resource('HTTPRoute'), route('a', 'b.example'));
  await until(() => hostOf(last()) === 'b.example');
  told.splice(0, told.length - 1);
  await sleep(0);
  collectGarbage();
  expect(former.deref()).toBeUndefined();
});

describe('an outage', () => {
  it('is told once, changes nothing, and what changed meanwhile comes as one', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('HTTPRoute'), route('a', 'a.example'));
    const { told, synced, state, until } = start(api);
    const before = await synced();
    api.fault = unreachable;
    api.endWatches('/', unreachable());
    await until(() => told.at(-1)?.health.error === 'the API server does not answer (ECONNREFUSED)');
    expect(told.at(-1)?.objects).toBe(before.objects);
    api.put(resource('HTTPRoute'), route('b', 'b.example'));
    api.put(resource('Service'), service('s'));
    const count = told.length;
    // Services are readable again later than routes.
    let faults = 0;
    api.fault = (request) => (isOf('Service')(request) && (faults += 1) <= 2 ? unreachable() : undefined);
    const after = await state(({ objects }) => objects.HTTPRoute.size === 2);
    expect(after.objects.Service.size).toBe(1);
    expect(told.slice(count).filter(({ objects }) => objects !== before.objects && objects !== after.objects)).toEqual([]);
  });

  it('that lasts for one kind holds the others up only for a while', async () => {
    const api = new FakeApiServer(everything);
    const { synced, state, last } = start(api, { holdMs: 100 });
    await synced();
    api.fault = (request) => (isOf('Service')(request) ? unreachable() : undefined);
    api.endWatches('/', unreachable());
    api.put(resource('HTTPRoute'), route('a', 'a.example'));
    await state(({ objects }) => objects.HTTPRoute.size === 1);
    api.put(resource('HTTPRoute'), route('b', 'b.example'));
    await state(({ objects }) => objects.HTTPRoute.size === 2);
    expect(last().health.error).toContain('ECONNREFUSED');
  });

  it('of permissions leaves what was read standing', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('Service'), service('s'));
    const { synced, until, last } = start(api);
    await synced();
    api.fault = (request) => (isOf('Service')(request) ? forbidden() : undefined);
    api.endWatches(listPath('Service'), unreachable());
    await until(() => last().health.error === 'Service: forbidden: no');
    expect(last()).toMatchObject({ health: { synced: true } });
    expect(last().objects.Service.size).toBe(1);
  });
});

describe('kinds', () => {
  it('are read when they come', async () => {
    const api = new FakeApiServer(everything.filter(({ kind }) => kind !== 'TCPRoute'));
    const { synced, until, last } = start(api, { discoveryMs: 500 });
    await synced();
    api.serve(everything);
    api.put(resource('TCPRoute'), {
      metadata: { name: 't', namespace: 'web' },
      spec: { rules: [{ backendRefs: [{ name: 's', port: 80 }] }] },
    });
    await until(() => last().objects.TCPRoute.size === 1);
    expect(last().problems).toEqual([]);
  });

  it('are forgotten when they go', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('HTTPRoute'), route('a', 'a.example'));
    let ahead = 0;
    const { synced, until, last, observed } = start(api, { discoveryMs: 500, clock: { ...clock, now: () => Date.now() + ahead } });
    await synced();
    api.serve(everything.filter(({ kind }) => kind !== 'HTTPRoute'));
    const count = api.asked.length;
    while (api.asked.slice(count).filter(({ path }) => path === '/apis/gateway.networking.k8s.io/v1').length < 2) await sleep(5);
    expect(last().objects.HTTPRoute.size).toBe(1);
    ahead = 11_000;
    await until(() => last().objects.HTTPRoute.size === 0);
    expect(observed.get('HTTPRoute/web/a')).toBeUndefined();
  });
});

describe('some namespaces', () => {
  it('are all that is read of namespaced kinds, and of Namespaces', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('GatewayClass'), gatewayClass);
    for (const name of ['web', 'shop', 'dark']) {
      api.put(resource('Namespace'), { metadata: { name } });
      api.put(resource('Service'), service('s', name));
    }
    const { synced, until, last } = start(api, { namespaces: ['web', 'shop'] });
    const { objects } = await synced();
    expect([...objects.Service.keys()].toSorted()).toEqual(['shop/s', 'web/s']);
    expect([...objects.Namespace.keys()].toSorted()).toEqual(['/shop', '/web']);
    expect(objects.GatewayClass.size).toBe(1);
    expect(api.asked.map(({ path }) => path)).not.toContain('/api/v1/services');
    api.endWatches('/api/v1/namespaces/web/services', unreachable());
    api.remove(resource('Service'), 'web', 's');
    await until(() => last().objects.Service.size === 1);
    expect([...last().objects.Service.keys()]).toEqual(['shop/s']);
  });

  it('are all that Secrets are read from', async () => {
    const api = new FakeApiServer(everything);
    api.put(resource('GatewayClass'), gatewayClass);
    api.put(resource('Gateway'), gateway('cert'));
    const elsewhere = gateway('cert');
    const [listener] = elsewhere.spec.listeners;
    const spec = {
      ...elsewhere.spec,
      listeners: [{ ...listener, tls: { mode: 'Terminate', certificateRefs: [{ name: 'cert', namespace: 'dark' }] } }],
    };
    api.put(resource('Gateway'), { metadata: { name: 'gw2', namespace: 'web' }, spec });
    const { synced } = start(api, { namespaces: ['web'] });
    await synced();
    expect(fetches(api)).toEqual(['/api/v1/namespaces/web/secrets/cert']);
  });
});
