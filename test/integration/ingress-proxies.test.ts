import {
  asyncScheduler,
  BehaviorSubject,
  filter,
  firstValueFrom,
  map,
  merge,
  type SchedulerAction,
  type SchedulerLike,
  Subject,
  type Subscription,
} from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ProxiesController, proxiesController } from '../../controllers/proxies/controller.ts';
import { hostedFor, proxySetFor } from '../../controllers/proxies/fixtures.ts';
import { filesAnnotation } from '../../controllers/proxies/nudge.ts';
import { finalizer, setLabel } from '../../controllers/proxies/objects/metadata.ts';
import { readServeConfig } from '../../controllers/proxies/objects/serve-config.ts';
import { objectResources, ownerResources, podResource } from '../../controllers/proxies/resources.ts';
import type { TailnetApi } from '../../controllers/proxies/tailnet.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import type { ObservedProxies } from '../../src/api/observations.ts';
import type { ApiRequest, ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import type { HostedService, ProxySet } from '../../src/model/proxy-set.ts';
import { initialWorld } from '../../src/simulator/initial.ts';
import { type Simulator, simulator } from '../../src/simulator/simulator.ts';
import { tailscaleClient } from '../../src/tailscale/client.ts';
import { DecidedElection } from '../support/election.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { ProxyPods } from '../support/proxy-pods.ts';
import { livesFrom, shortLived } from '../support/short-lives.ts';

/** Waits are real ones, and time is not. */
const speed = 20;
const fast: SchedulerLike = {
  now: () => Date.now() * speed,
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return asyncScheduler.schedule(work, delay / speed, state);
  },
};

const quiet = { info: () => undefined, warn: () => undefined };
const services = ['svc:db', 'svc:web'] as const;
const name = 'edge-corp-ingress';

describe.skipIf(!hasApiServer)('ingress proxies on a real API server, in a simulated tailnet', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server.stop());

  let namespace = '';
  let count = 0;
  let simulated: Simulator;
  let tailnet: TailnetApi;
  let pods: ProxyPods;
  let sets$: BehaviorSubject<ReadonlyMap<string, ProxySet>>;
  let election: DecidedElection;
  let controller: ProxiesController;
  let running: Subscription;
  let observed$: BehaviorSubject<ReadonlyMap<string, ObservedProxies>>;
  let uid = '';
  const ready = { addresses: new Set<string>(), listeners: new Set<string>(), changes$: new Subject<void>() };
  /** What was written about services, and by the pods, each when it differs from before. */
  let written: string[] = [];

  beforeEach(async () => {
    namespace = `ingress-${++count}`;
    await server.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
    simulated = simulator({ address: '127.0.0.1:0', state: initialWorld('ingress', Date.now()) });
    const { url } = await simulated.listen();
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
    ready.addresses.clear();
    ready.listeners.clear();
    written = pods.served;
    election = new DecidedElection();
    election.lead(true);
    run(server.api, tailnet);
    uid = await createOwner();
  });
  afterEach(async () => {
    running.unsubscribe();
    await pods.stop();
    await simulated.close();
    if (pods.errors.length > 0) throw pods.errors[0];
  });

  const run = (api: ApiServer, client: TailnetApi): void => {
    controller = proxiesController({
      api: { ...api, url: api.url, stream: api.stream, request: (request) => recorded(api, request) },
      namespaces: [namespace],
      sets$,
      clientOf: () => client,
      tailnetExists: () => true,
      hosting: {
        hasAddresses: (corp, service) => corp === 'corp' && ready.addresses.has(service),
        isTaken: (gateway, listener) => gateway === 'infra/edge' && ready.listeners.has(listener),
        changes$: ready.changes$,
      },
      leading$: election.leading$,
      log: quiet,
      scheduler: fast,
    });
    running = merge(controller.observed$, controller.work$).subscribe((observed) => observed$.next(observed));
  };

  const recorded = async (api: ApiServer, request: ApiRequest): Promise<unknown> => {
    const { kind, metadata, binaryData, data } = (request.body ?? {}) as Partial<KubeObject> & Record<string, Record<string, string>>;
    const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
    const tell = (what: string): void =>
      void (written.findLast((line) => line.startsWith(what.split(':', 1)[0] ?? '')) !== what && written.push(what));
    if (kind === 'ConfigMap') tell(`serve: ${[...readServeConfig(text(binaryData?.['serve-config.json'])).keys()].join()}`);
    if (kind === 'Secret' && metadata?.name?.endsWith('-config') === true && data !== undefined) {
      const { AdvertiseServices = [] } = JSON.parse(text(data['cap-106.hujson'])) as { readonly AdvertiseServices?: readonly string[] };
      tell(`advertise ${metadata.name.replace('-config', '')}: ${AdvertiseServices.join()}`);
    }
    // What is written is noted before pods can act on it.
    return api.request(request);
  };

  const list = async (resource: Resource, labelled = true): Promise<readonly KubeObject[]> => {
    const query = labelled ? { labelSelector: setLabel } : {};
    const { items } = (await server.api.request({ path: pathOf(resource, { namespace }), query })) as { readonly items: KubeObject[] };
    return items.map((item) => ({ ...item, kind: resource.kind }));
  };
  const leftOvers = async (): Promise<readonly string[]> => {
    const all = await Promise.all([...objectResources, managedResources.Secret, podResource].map((resource) => list(resource)));
    const owners = await list(ownerResources.TailscaleGateway, false);
    return [
      ...all.flat().map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ...owners.filter(({ metadata }) => metadata.finalizers?.includes(finalizer)).map(({ metadata }) => `held ${metadata.name}`),
    ];
  };
  const createOwner = async (): Promise<string> => {
    const { metadata } = (await server.api.request({
      method: 'POST',
      path: pathOf(ownerResources.TailscaleGateway, { namespace }),
      body: {
        apiVersion: 'gateway.tailscale.com/v1alpha1',
        kind: 'TailscaleGateway',
        metadata: { name: 'edge', namespace },
        spec: { gatewayRef: { name: 'edge' }, tailnets: [{ name: 'corp', tailscaleTailnetRef: { name: 'corp' } }] },
      },
    })) as KubeObject;
    return metadata.uid ?? '';
  };
  const deleteOwner = (): Promise<unknown> =>
    server.api.request({ method: 'DELETE', path: pathOf(ownerResources.TailscaleGateway, { namespace, name: 'edge' }) });
  const host = (hosted: readonly (readonly [string, HostedService])[], more: Partial<ProxySet> = {}): void => {
    const set = proxySetFor({
      namespace,
      owner: `TailscaleGateway/${namespace}/edge`,
      uid,
      name,
      direction: 'ingress',
      hostnamePrefix: 'edge',
      services: new Map(hosted),
      ...more,
    });
    sets$.next(new Map([[`${namespace}/${name}`, set]]));
  };
  const make = (service: string, what: { readonly addresses?: true; readonly listener?: true }): void => {
    if (what.addresses) ready.addresses.add(service);
    if (what.listener) ready.listeners.add(`tailnet/corp/${service}/443`);
    ready.changes$.next();
  };
  const until = (holds: (observed: ObservedProxies) => boolean): Promise<ObservedProxies> =>
    firstValueFrom(
      observed$.pipe(
        map((all) => all.get(`${namespace}/${name}`)),
        filter((one) => one !== undefined),
        filter(holds),
      ),
    );
  const eventually = (holds: () => Promise<boolean> | boolean): Promise<unknown> =>
    expect.poll(holds, { timeout: 40_000, interval: 50 }).toBe(true);
  const allJoined = ({ desired, pods: all, ready: are }: ObservedProxies): boolean =>
    are === desired && all.length === desired && all.every(({ joined }) => joined);
  const isServing = ({ served }: ObservedProxies, wanted: readonly string[]): boolean =>
    [...(served?.keys() ?? ['unknown'])].toSorted().join() === wanted.join();
  const areAdvertising = ({ pods: all }: ObservedProxies, wanted: readonly string[]): boolean =>
    all.every(({ advertised }) => advertised?.join() === wanted.join());
  const hosting = (wanted: readonly string[]) => (observed: ObservedProxies) =>
    allJoined(observed) && isServing(observed, wanted) && areAdvertising(observed, wanted);
  /** What happened, from `from` on, of what has to do with `words`. */
  const orderOf = (from: number, ...words: readonly RegExp[]): readonly number[] => {
    const rest = written.slice(from);
    return words.map((word) => rest.findIndex((line) => word.test(line)));
  };

  it('serves nothing at first, then what Envoys and the tailnet are ready for, then advertises it', async () => {
    host(services.map((service) => hostedFor(service)));
    const none = await until(allJoined);
    expect([none.served, none.pods.map(({ advertised }) => advertised)]).toEqual([new Map(), [[], []]]);
    make('svc:web', { addresses: true });
    make('svc:db', { listener: true });
    make('svc:web', { listener: true });
    const one = await until(hosting(['svc:web']));
    expect(one.served).toEqual(new Map([['svc:web', new Map([[443, 20_001]])]]));
    make('svc:db', { addresses: true });
    await until(hosting(services));
    for (const pod of [`${name}-0`, `${name}-1`]) {
      const order = orderOf(0, /^serve: svc:web$/, new RegExp(`^${pod} serves svc:web$`), new RegExp(`^advertise ${pod}: svc:web$`));
      expect(order).toEqual(order.toSorted((earlier, later) => earlier - later));
      expect(order).not.toContain(-1);
    }
    expect(written.find((line) => line.includes('svc:db'))).toBe('serve: svc:db,svc:web');
  });

  it.each(['asked for', 'wanted'])(
    'stops advertising a service that is no longer %s, and serving it only when that has settled',
    async (what) => {
      for (const service of services) make(service, { addresses: true, listener: true });
      host(services.map((service) => hostedFor(service)));
      await until(hosting(services));
      const from = written.length;
      host(what === 'wanted' ? [hostedFor('svc:db'), hostedFor('svc:web', { wanted: false })] : [hostedFor('svc:db')]);
      await until((observed) => areAdvertising(observed, ['svc:db']));
      expect(controller.mayRelease('corp', 'svc:web')).toBe(false);
      await until(hosting(['svc:db']));
      expect([controller.mayRelease('corp', 'svc:web'), controller.mayRelease('corp', 'svc:db')]).toEqual([true, false]);
      const ended = [`${name}-0`, `${name}-1`].map((pod) => new RegExp(`^${pod} advertises svc:db$`));
      const [served = -1, ...advertised] = orderOf(from, /^serve: svc:db$/, ...ended);
      expect(advertised.every((at) => at >= 0 && at < served)).toBe(true);
    },
  );

  it('annotates pods when their files change, so that kubelets look at them', async () => {
    make('svc:web', { addresses: true, listener: true });
    host([hostedFor('svc:web')]);
    await until(hosting(['svc:web']));
    const files = async (): Promise<readonly (string | undefined)[]> =>
      (await list(podResource)).map(({ metadata }) => metadata.annotations?.[filesAnnotation]);
    await expect.poll(async () => new Set(await files()).size, { timeout: 40_000 }).toBe(2);
    const before = await files();
    host([]);
    await until(hosting([]));
    const changed = async (): Promise<boolean> => (await files()).every((mark, at) => mark !== undefined && mark !== before[at]);
    await expect.poll(changed, { timeout: 40_000 }).toBe(true);
  });

  it('begins with nothing for a pod that takes the place of another, and leaves the other proxies alone', async () => {
    make('svc:web', { addresses: true, listener: true });
    host([hostedFor('svc:web')]);
    await until(hosting(['svc:web']));
    const from = written.length;
    // As nodes that take seconds to start one: a pod that is there again before anybody looks was never gone.
    pods.absent.add(`${name}-0`);
    await server.api.request({
      method: 'DELETE',
      path: pathOf(podResource, { namespace, name: `${name}-0` }),
      body: { gracePeriodSeconds: 0 },
    });
    await eventually(() => written.slice(from).includes(`advertise ${name}-0: `));
    pods.absent.clear();
    pods.look();
    await eventually(() => written.slice(from).includes(`advertise ${name}-0: svc:web`));
    await until(hosting(['svc:web']));
    expect(written.slice(from).filter((line) => line.startsWith(`advertise ${name}-1`) || line.startsWith('serve:'))).toEqual([]);
    const order = orderOf(
      from,
      new RegExp(`^advertise ${name}-0: $`),
      new RegExp(`^${name}-0 serves svc:web$`),
      new RegExp(`^advertise ${name}-0: svc:web$`),
    );
    expect(order).toEqual(order.toSorted((earlier, later) => earlier - later));
  });

  it('makes the Secret of a certificate once, leaves what a proxy writes to it, and takes it away when it is not served any more', async () => {
    const certificate = 'web.tail1234.ts.net';
    const path = pathOf(managedResources.Secret, { namespace, name: certificate });
    make('svc:web', { addresses: true, listener: true });
    host([hostedFor('svc:web', { certificate })]);
    const { served } = await until(hosting(['svc:web']));
    expect(served?.get('svc:web')).toEqual(new Map([[443, 20_001]]));
    const body = { data: { 'tls.crt': 'YQ==', 'tls.key': 'Yg==' } };
    await server.api.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    host([hostedFor('svc:web', { certificate }), hostedFor('svc:db')]);
    make('svc:db', { addresses: true, listener: true });
    await until(hosting(services));
    expect(((await server.api.request({ path })) as KubeObject)['data']).toEqual(body.data);
    host([hostedFor('svc:db')]);
    await until(hosting(['svc:db']));
    await eventually(async () => !(await leftOvers()).includes(`Secret ${certificate}`));
  });

  it('serves what obtains a certificate for a service, and offers the service once it has ports', async () => {
    const certificate = 'web.tail1234.ts.net';
    make('svc:web', { addresses: true, listener: true });
    host([hostedFor('svc:web', { certificate, ports: new Map() })]);
    await until(({ served }) => served?.has('svc:web') === true);
    await eventually(async () => (await leftOvers()).includes(`Secret ${certificate}`));
    expect(written.filter((line) => /^advertise .*svc:/.test(line))).toEqual([]);
    host([hostedFor('svc:web', { certificate })]);
    await until((observed) => hosting(['svc:web'])(observed) && observed.served?.get('svc:web')?.get(443) === 20_001);
  });

  it('says what cannot be served and why, and hosts the rest', async () => {
    for (const service of services) make(service, { addresses: true, listener: true });
    host([hostedFor('svc:Nope'), hostedFor('svc:web')]);
    await until(hosting(['svc:web']));
    const { failure } = await until(({ failure: told }) => told !== undefined);
    expect(failure).toEqual({ reason: 'ServiceInvalid', message: expect.stringContaining('svc:Nope is no name of a service') as string });
  });

  it.each([1, 2, 3])('ends as wanted however often it dies between two writes, and leaves nothing behind (%i)', async (seed) => {
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
    for (const service of services) make(service, { addresses: true, listener: true });
    host([hostedFor('svc:web', { certificate: 'web.tail1234.ts.net' })]);
    await until(hosting(['svc:web']));
    host([hostedFor('svc:db')]);
    await until(hosting(['svc:db']));
    host(
      services.map((service) => hostedFor(service)),
      { replicas: 1 },
    );
    await until(hosting(services));
    await deleteOwner();
    await eventually(async () => (await leftOvers()).length === 0);
    await eventually(() => controller.mayRelease('corp', 'svc:web'));
    expect((simulated.state().tailnets[0]?.devices ?? []).filter(({ hostname }) => hostname !== 'demo')).toEqual([]);
    expect(deaths).toBeGreaterThan(8);
  });
});
