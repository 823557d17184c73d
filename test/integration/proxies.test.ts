import { BehaviorSubject, filter, firstValueFrom, map, merge, type Subscription } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { proxySetFor } from '../../controllers/proxies/fixtures.ts';
import { type ProxiesController, proxiesController } from '../../controllers/proxies/controller.ts';
import { finalizer, setLabel } from '../../controllers/proxies/objects/metadata.ts';
import { objectResources, ownerResources, podResource } from '../../controllers/proxies/resources.ts';
import type { TailnetApi } from '../../controllers/proxies/tailnet.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { type Simulator, simulator } from '../../src/simulator/simulator.ts';
import { tailscaleClient } from '../../src/tailscale/client.ts';
import { DecidedElection } from '../support/election.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { livesFrom, shortLived } from '../support/short-lives.ts';
import { ProxyPods } from '../support/proxy-pods.ts';

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
  let hasClient = true;
  let exists = true;
  let controller: ProxiesController;
  let running: Subscription;
  let observed$: BehaviorSubject<ReadonlyMap<string, ObservedProxies>>;

  beforeEach(async () => {
    namespace = `proxies-${++count}`;
    await server.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
    simulated = simulator({ address: '127.0.0.1:0' });
    ({ url } = await simulated.listen());
    tailnet = tailscaleClient({
      apiURL: url,
      tailnet: '-',
      credentials: { clientId: 'simulated', clientSecret: 'simulated' },
      userAgent: 'test',
      limits: { perSecond: 1000, burst: 1000 },
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
});
