import { BehaviorSubject, filter, firstValueFrom, map, merge, NEVER, Subject, type Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { proxySetFor } from '../../controllers/proxies/fixtures.ts';
import { type ProxiesController, proxiesController } from '../../controllers/proxies/controller.ts';
import { abandonAnnotation, finalizer, setLabel, tailnetAnnotation } from '../../controllers/proxies/objects/metadata.ts';
import { objectResources, ownerResources, podResource } from '../../controllers/proxies/resources.ts';
import type { TailnetApi } from '../../controllers/proxies/tailnet.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { initialWorld } from '../../src/simulator/initial.ts';
import type { World } from '../../src/simulator/state.ts';
import { type Simulator, simulator } from '../../src/simulator/simulator.ts';
import { tailscaleClient } from '../../src/tailscale/client.ts';
import { DecidedElection } from '../support/election.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { livesFrom, shortLived } from '../support/short-lives.ts';
import { ProxyPods } from '../support/proxy-pods.ts';

/** A tailnet whose policy lets its first OAuth client give out another tag. */
const world: World = {
  tailnets: initialWorld('proxies', Date.now()).tailnets.map((tailnet) => ({
    ...tailnet,
    policy: { ...tailnet.policy, tagOwners: { ...tailnet.policy.tagOwners, 'tag:more': ['tag:k8s-operator'] } },
  })),
};

/** What the chart must allow. */
const manage = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
const rules = [
  { apiGroups: ['apps'], resources: ['statefulsets'], verbs: manage },
  { apiGroups: [''], resources: ['serviceaccounts', 'configmaps', 'services'], verbs: manage },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: manage },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: manage },
  { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: manage },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] },
  {
    apiGroups: ['gateway.tailscale.com'],
    resources: ['tailscaleendpoints', 'tailscalegateways', 'tailscaleproxygroups'],
    verbs: ['get', 'list', 'watch', 'patch'],
  },
  {
    apiGroups: ['gateway.tailscale.com'],
    resources: ['tailscaleendpoints/finalizers', 'tailscalegateways/finalizers', 'tailscaleproxygroups/finalizers'],
    verbs: ['update'],
  },
  // `update`, and all of events: only who has a right may give it to proxies.
  { apiGroups: [''], resources: ['secrets'], verbs: [...manage, 'update'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'get', 'patch'] },
];

const quiet = { info: () => undefined, warn: () => undefined };

describe.skipIf(!hasApiServer)('proxies on a real API server, in a simulated tailnet', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server.stop());

  let namespace = '';
  let count = 0;
  let simulated: Simulator;
  let tailnet: TailnetApi;
  let url = '';
  let pods: ProxyPods;
  let sets$: BehaviorSubject<ReadonlyMap<string, ProxySet>>;
  let election: DecidedElection;
  const retry$ = new Subject<void>();
  let hasClient = true;
  let exists = true;
  let controller: ProxiesController;
  let running: Subscription;
  let observed$: BehaviorSubject<ReadonlyMap<string, ObservedProxies>>;

  beforeEach(async () => {
    namespace = `proxies-${++count}`;
    await server.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
    simulated = simulator({ address: '127.0.0.1:0', state: world });
    ({ url } = await simulated.listen());
    tailnet = tailscaleClient({
      apiURL: url,
      tailnet: '-',
      credentials: { clientId: 'simulated', clientSecret: 'simulated' },
      userAgent: 'test',
      limits: { perSecond: 1000, burst: 1000, tries: 1 },
    });
    pods = new ProxyPods({ api: server.api, namespace, simulated, url });
    sets$ = new BehaviorSubject<ReadonlyMap<string, ProxySet>>(new Map());
    observed$ = new BehaviorSubject<ReadonlyMap<string, ObservedProxies>>(new Map());
    hasClient = true;
    exists = true;
    election = new DecidedElection();
    election.lead(true);
    run(server.api, tailnet);
  });
  afterEach(async () => {
    running.unsubscribe();
    await pods.stop();
    await simulated.close();
    if (pods.errors.length > 0) throw pods.errors[0];
  });

  const run = (api: ApiServer, client: TailnetApi): void => {
    controller = proxiesController({
      api,
      namespaces: [namespace],
      sets$,
      clientOf: () => (hasClient ? client : undefined),
      tailnetExists: () => exists,
      retry$,
      hosting: { hasAddresses: () => false, isTaken: () => false, changes$: NEVER },
      leading$: election.leading$,
      log: quiet,
    });
    running = merge(controller.observed$, controller.work$).subscribe((observed) => observed$.next(observed));
  };

  const list = async (resource: Resource, labelled = true): Promise<readonly KubeObject[]> => {
    const query = labelled ? { labelSelector: setLabel } : {};
    const { items } = (await server.api.request({ path: pathOf(resource, { namespace }), query })) as { readonly items: KubeObject[] };
    return items.map((item) => ({ ...item, kind: resource.kind }));
  };
  const names = async (resource: Resource): Promise<readonly string[]> => (await list(resource)).map(({ metadata }) => metadata.name);
  const leftOvers = async (): Promise<readonly string[]> => {
    const all = await Promise.all([...objectResources, managedResources.Secret, podResource].map((resource) => list(resource)));
    const owners = await Promise.all(Object.values(ownerResources).map((resource) => list(resource, false)));
    return [
      ...all.flat().map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ...owners
        .flat()
        .filter(({ metadata }) => metadata.finalizers?.includes(finalizer))
        .map(({ metadata }) => `held ${metadata.name}`),
    ];
  };
  const devices = (): readonly string[] =>
    (simulated.state().tailnets[0]?.devices ?? []).map(({ hostname }) => hostname).filter((name) => name !== 'demo');
  const usableKeys = (): readonly string[] =>
    (simulated.state().tailnets[0]?.keys ?? [])
      .filter(({ uses, revoked }) => uses === 0 && revoked === undefined)
      .map(({ description }) => description);

  const createOwner = async (name = 'db'): Promise<string> => {
    const { metadata } = (await server.api.request({
      method: 'POST',
      path: pathOf(ownerResources.TailscaleEndpoints, { namespace }),
      body: {
        apiVersion: 'gateway.tailscale.com/v1alpha1',
        kind: 'TailscaleEndpoints',
        metadata: { name, namespace },
        spec: { tailnet: 'corp', proxy: {} },
      },
    })) as KubeObject;
    return metadata.uid ?? '';
  };
  const ownerPath = (name = 'db'): string => pathOf(ownerResources.TailscaleEndpoints, { namespace, name });
  const setFor = (uid: string, more: Partial<ProxySet> = {}): ProxySet =>
    proxySetFor({ namespace, owner: `TailscaleEndpoints/${namespace}/db`, uid, ...more });
  const want = (...sets: readonly ProxySet[]): void => sets$.next(new Map(sets.map((set) => [`${namespace}/${set.name}`, set])));
  const key = (name = 'db-egress'): string => `${namespace}/${name}`;

  const until = (holds: (observed: ObservedProxies) => boolean, name = 'db-egress'): Promise<ObservedProxies> =>
    firstValueFrom(
      observed$.pipe(
        map((all) => all.get(key(name))),
        filter((one) => one !== undefined),
        filter(holds),
      ),
    );
  /** For what is told nowhere but on the API server and in the tailnet. */
  const eventually = (holds: () => Promise<boolean> | boolean): Promise<unknown> =>
    expect.poll(holds, { timeout: 40_000, interval: 50 }).toBe(true);
  const allJoined = ({ desired, pods: all, ready }: ObservedProxies): boolean =>
    ready === desired && all.length === desired && all.every(({ joined }) => joined);
  const isGone = async (): Promise<boolean> => (await leftOvers()).length === 0;

  it('brings every replica into the tailnet with one key each, and drops the keys after that', async () => {
    want(setFor(await createOwner()));
    const { pods: all } = await until(allJoined);
    expect(all.map(({ pod, fqdn, nodeId }) => [pod, fqdn, nodeId === undefined])).toEqual([
      ['db-egress-0', 'shop-db-egress-0.simulated.ts.net', false],
      ['db-egress-1', 'shop-db-egress-1.simulated.ts.net', false],
    ]);
    await eventually(async () => !JSON.stringify((await list(managedResources.Secret)).map(configText)).includes('AuthKey'));
    expect(simulated.state().tailnets[0]?.keys).toHaveLength(2);
    expect(devices()).toEqual(['shop-db-egress-0', 'shop-db-egress-1']);
  });

  const configText = (secret: KubeObject): string =>
    Buffer.from((secret['data'] as Record<string, string> | undefined)?.['cap-106.hujson'] ?? '', 'base64').toString();

  it('takes everything away when the owner goes: pods, then devices, then Secrets', async () => {
    const set = setFor(await createOwner());
    want(set);
    await until(allJoined);
    pods.lingering.add('db-egress-1');
    await server.api.request({ method: 'DELETE', path: ownerPath() });
    want({ ...set, going: true });
    await eventually(async () => (await names(podResource)).join() === 'db-egress-1');
    expect(devices()).toHaveLength(2);
    expect(await names(managedResources.Secret)).toHaveLength(4);
    pods.lingering.clear();
    pods.look();
    await eventually(isGone);
    expect(devices()).toEqual([]);
    expect(usableKeys()).toEqual([]);
    expect(await list(ownerResources.TailscaleEndpoints, false)).toEqual([]);
  });

  it('takes away what a smaller set has no more, once its pod is gone, and nothing else', async () => {
    const uid = await createOwner();
    want(setFor(uid));
    await until(allJoined);
    pods.lingering.add('db-egress-1');
    want(setFor(uid, { replicas: 1 }));
    await eventually(async () =>
      JSON.stringify((await list(managedResources.StatefulSet)).map((one) => one['spec'])).includes('"replicas":1'),
    );
    expect(devices()).toHaveLength(2);
    pods.lingering.clear();
    pods.look();
    await eventually(async () => (await names(managedResources.Secret)).length === 2);
    expect(devices()).toEqual(['shop-db-egress-0']);
    want(setFor(uid, { replicas: 3 }));
    await until(allJoined);
    expect(devices()).toEqual(['shop-db-egress-0', 'shop-db-egress-1', 'shop-db-egress-2']);
  });

  it('gives a proxy whose device was removed by hand another key, and its device back', async () => {
    want(setFor(await createOwner()));
    const before = await until(allJoined);
    const lost = before.pods[0]?.nodeId ?? '';
    await tailnet.deleteDevice(lost);
    pods.look();
    await until((one) => allJoined(one) && one.pods[0]?.nodeId !== lost);
    expect(devices().toSorted()).toEqual(['shop-db-egress-0', 'shop-db-egress-1']);
    expect(usableKeys()).toEqual([]);
  });
  it.each([1, 2, 3])('leaves nothing behind however often it dies between two writes (%i)', async (seed) => {
    const lifeFrom = livesFrom(seed);
    let deaths = 0;
    const live = (): void => {
      running.unsubscribe();
      const life = deaths < 60 ? lifeFrom() : { writes: Number.POSITIVE_INFINITY, isSent: true };
      const process = shortLived(life, server.api, tailnet, () => {
        deaths++;
        setImmediate(live);
      });
      run(process.api, process.tailnet);
    };
    live();
    const uid = await createOwner();
    want(setFor(uid), setFor(uid, { name: 'db-ingress', direction: 'ingress', replicas: 1, hostnamePrefix: 'shop-db-ingress' }));
    await until(allJoined);
    await until(allJoined, 'db-ingress');
    expect(devices().toSorted()).toEqual(['shop-db-egress-0', 'shop-db-egress-1', 'shop-db-ingress-0']);
    expect(usableKeys()).toEqual([]);
    want(setFor(uid, { replicas: 1 }));
    await eventually(async () => (await names(managedResources.Secret)).join() === 'db-egress-0,db-egress-0-config');
    expect(devices()).toEqual(['shop-db-egress-0']);
    await server.api.request({ method: 'DELETE', path: ownerPath() });
    await eventually(isGone);
    expect([devices(), usableKeys(), await list(ownerResources.TailscaleEndpoints, false)]).toEqual([[], [], []]);
    expect(deaths).toBeGreaterThan(8);
  });

  const simulate = (path: string, body: object, method = 'POST'): Promise<Response> =>
    fetch(`${url}/simulator/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const failing = (reason: string, name?: string): Promise<ObservedProxies> => until(({ failure }) => failure?.reason === reason, name);

  it.each([
    ['Billing', { status: 402, message: 'too many devices' }],
    ['MissingScopes', { status: 403, message: 'calling actor does not have enough permissions' }],
    ['TagsNotOwned', { status: 400, message: 'requested tags [tag:k8s] are invalid or not permitted' }],
    ['KeyRefused', { status: 409, message: 'no' }],
    ['ApiUnreachable', { status: 500, message: 'oops' }],
    ['ApiUnreachable', { status: 429, message: 'slow down', retryAfterSeconds: 0 }],
    ['ApiUnreachable', { drop: true }],
  ])('tells %s when the tailnet answers %j, runs nothing without a key, and goes on when it can', async (reason, fault) => {
    await simulate('faults', { path: '*/keys', method: 'POST', ...fault });
    want(setFor(await createOwner()));
    const { failure, desired, pods: none } = await failing(reason);
    expect([desired, none]).toEqual([2, []]);
    expect(failure?.message).toContain('TailscaleTailnet corp');
    expect(failure?.message).not.toContain('tskey');
    await simulate('faults', {}, 'DELETE');
    expect((await until(allJoined)).failure).toBeUndefined();
    expect(usableKeys()).toEqual([]);
  });

  it('tells whose credentials are refused, or not there, and goes on when they are', async () => {
    hasClient = exists = false;
    want(setFor(await createOwner()));
    await failing('TailnetNotFound');
    exists = true;
    retry$.next();
    await failing('TailnetNotReady');
    await simulate('credentials/simulated', {}, 'DELETE');
    hasClient = true;
    retry$.next();
    await failing('CredentialsRefused');
    await simulate('credentials', { id: 'simulated', secret: 'simulated', tags: ['tag:k8s-operator'] });
    retry$.next();
    expect((await until(allJoined)).failure).toBeUndefined();
  });

  it('refuses tags that the credentials do not own, by the policy of the tailnet', async () => {
    want(setFor(await createOwner(), { tags: ['tag:elsewhere'] }));
    expect((await failing('TagsNotOwned')).failure?.message).toContain('tag:elsewhere');
  });

  it('leaves a Secret of somebody else as it is, and makes no key for what cannot be', async () => {
    const foreign = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db-egress-0', namespace }, stringData: { a: 'b' } };
    await server.apply([foreign]);
    want(setFor(await createOwner(), { replicas: 1 }));
    expect((await failing('NameTaken')).failure?.message).toContain('db-egress-0');
    expect(usableKeys()).toEqual([]);
    const secret = (await server.api.request({ path: pathOf(managedResources.Secret, { namespace, name: 'db-egress-0' }) })) as KubeObject;
    expect(secret['data']).toEqual({ a: 'Yg==' });
    expect(secret.metadata.labels).toBeUndefined();
  });

  it('does not run an image that could not ask for another key', async () => {
    want(setFor(await createOwner(), { pod: { image: 'tailscale/tailscale:v1.90.0' } }));
    await failing('ImageTooOld');
    expect(await leftOvers()).toEqual([]);
  });

  it('takes the device away with a state Secret that somebody deletes, and makes both anew', async () => {
    want(setFor(await createOwner(), { replicas: 1 }));
    const before = await until(allJoined);
    await server.api.request({ method: 'DELETE', path: pathOf(managedResources.Secret, { namespace, name: 'db-egress-0' }) });
    await until((one) => allJoined(one) && one.pods[0]?.nodeId !== before.pods[0]?.nodeId);
    expect(devices()).toEqual(['shop-db-egress-0']);
    expect(usableKeys()).toEqual([]);
  });

  it('starts over in another tailnet, and leaves no device in the first', async () => {
    const uid = await createOwner();
    want(setFor(uid, { replicas: 1 }));
    const before = await until(allJoined);
    want(setFor(uid, { replicas: 1, tailnet: 'other' }));
    await until((one) => allJoined(one) && one.pods[0]?.nodeId !== before.pods[0]?.nodeId);
    expect(devices()).toEqual(['shop-db-egress-0']);
    const state = (await list(managedResources.Secret)).find(({ metadata }) => metadata.name === 'db-egress-0');
    expect(state?.metadata.annotations?.[tailnetAnnotation]).toBe('other');
  });

  it('gives devices other tags without another key', async () => {
    const uid = await createOwner();
    want(setFor(uid, { replicas: 1 }));
    await until(allJoined);
    want(setFor(uid, { replicas: 1, tags: ['tag:k8s', 'tag:more'] }));
    await eventually(() => simulated.state().tailnets[0]?.devices.some(({ tags }) => tags.join() === 'tag:k8s,tag:more') === true);
    expect(simulated.state().tailnets[0]?.keys).toHaveLength(1);
  });

  it('keeps what a proxy advertises, whoever wrote it', async () => {
    const uid = await createOwner();
    want(setFor(uid, { replicas: 1 }));
    await until(allJoined);
    const config = async (): Promise<string> => (await list(managedResources.Secret)).map(configText).join('');
    await eventually(async () => !(await config()).includes('AuthKey'));
    const advertising = JSON.stringify({ ...JSON.parse(await config()), AdvertiseServices: ['svc:web'] });
    await server.api.request({
      method: 'PATCH',
      path: pathOf(managedResources.Secret, { namespace, name: 'db-egress-0-config' }),
      contentType: 'application/merge-patch+json',
      body: { data: { 'cap-106.hujson': Buffer.from(advertising).toString('base64') } },
    });
    want(setFor(uid, { replicas: 1, hostnamePrefix: 'renamed' }));
    await eventually(async () => (await config()).includes('renamed-0'));
    expect(await config()).toContain('"AdvertiseServices":["svc:web"]');
  });

  it.each([true, false])(
    'keeps the proxies of a tailnet that is no longer configured, until their owner goes (told so: %s)',
    async (isTold) => {
      const set = setFor(await createOwner());
      want(set);
      await until(allJoined);
      hasClient = exists = false;
      if (isTold) want({ ...set, going: true });
      else want();
      expect((await failing('TailnetNotFound')).pods).toHaveLength(2);
      expect(await names(podResource)).toHaveLength(2);
      await server.api.request({ method: 'DELETE', path: ownerPath() });
      const { failure } = await until(({ failure: told }) => told?.message.includes(abandonAnnotation) === true);
      expect(failure?.message).toContain(simulated.state().tailnets[0]?.devices.at(-1)?.nodeId);
      expect(await names(podResource)).toEqual([]);
      await server.api.request({
        method: 'PATCH',
        path: ownerPath(),
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations: { [abandonAnnotation]: 'true' } } },
      });
      await eventually(isGone);
      expect(devices()).toHaveLength(2);
    },
  );

  it('removes devices once the tailnet can be asked again', async () => {
    want(setFor(await createOwner()));
    await until(allJoined);
    await simulate('faults', { path: '*/device/*', method: 'DELETE', status: 503 });
    await server.api.request({ method: 'DELETE', path: ownerPath() });
    await failing('ApiUnreachable');
    expect(await names(managedResources.Secret)).toHaveLength(4);
    await simulate('faults', {}, 'DELETE');
    await eventually(isGone);
    expect(devices()).toEqual([]);
  });

  it('cleans up after an owner whose finalizer was removed by hand', async () => {
    want(setFor(await createOwner()));
    await until(allJoined);
    election.lead(false);
    await server.api.request({ method: 'DELETE', path: ownerPath() });
    const body = { metadata: { finalizers: null } };
    await server.api.request({ method: 'PATCH', path: ownerPath(), contentType: 'application/merge-patch+json', body });
    want();
    election.lead(true);
    await eventually(isGone);
    expect(devices()).toEqual([]);
  });

  it('writes nothing when everything is as it is wanted, nor while somebody else leads', async () => {
    const uid = await createOwner();
    want(setFor(uid));
    await until(allJoined);
    await eventually(async () => !(await list(managedResources.Secret)).map(configText).join('').includes('AuthKey'));
    let writes = 0;
    const counting = shortLived({ writes: 0, isSent: false }, server.api, tailnet, () => {
      writes++;
    });
    const observe = async (desired: number): Promise<void> => {
      running.unsubscribe();
      observed$.next(new Map());
      run(counting.api, counting.tailnet);
      await until((one) => one.desired === desired && one.pods.every(({ joined }) => joined));
    };
    await observe(2);
    election.lead(false);
    want(setFor(uid, { replicas: 5 }));
    await observe(5);
    expect(writes).toBe(0);
  });

  it('needs no rights but those that the chart gives', async () => {
    const name = 'proxies';
    const rbac = 'rbac.authorization.k8s.io';
    const user = 'system:serviceaccount:tailplane-system:tailplane' as const;
    await server.apply([
      { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
        subjects: [{ kind: 'User', apiGroup: rbac, name: user }],
      },
    ]);
    running.unsubscribe();
    run(connect({ kubeconfig: server.kubeconfigFor(user) }), tailnet);
    want(setFor(await createOwner(), { mode: 'forward' }));
    await until(allJoined);
    await server.api.request({ method: 'DELETE', path: ownerPath() });
    await eventually(isGone);
    expect(devices()).toEqual([]);
  });
});
