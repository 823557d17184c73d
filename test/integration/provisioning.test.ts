import { BehaviorSubject, combineLatest, filter, firstValueFrom, map, type Observable, type Subscription, timeout } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayContext } from '../../controllers/gateway/context.ts';
import { desiredFor } from '../../controllers/gateway/desired.ts';
import { contextInPlainText, contextWithTls, infrastructureFor, variants } from '../../controllers/gateway/fixtures.ts';
import { selectorOf } from '../../controllers/gateway/metadata.ts';
import { objectNameOf } from '../../controllers/gateway/names.ts';
import { observeProvisioned } from '../../controllers/gateway/observe.ts';
import { provision, type Refusals } from '../../controllers/gateway/provisioner.ts';
import { applyAll } from '../../controllers/runtime/apply.ts';
import { resourceOf } from '../../controllers/runtime/kinds.ts';
import { plan } from '../../controllers/runtime/plan.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf } from '../../src/kubernetes/resource.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';

const label = (value: string): string => value.replaceAll(/[^a-z]+/g, '-');

describe.skipIf(!hasApiServer)('provisioning on a real API server', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer({ crds: false });
  });
  afterAll(() => server.stop());

  const placeOf = (object: KubeObject): string =>
    pathOf(resourceOf(object), { namespace: object.metadata.namespace ?? '', name: object.metadata.name });
  const read = async (object: KubeObject): Promise<KubeObject> => (await server.api.request({ path: placeOf(object) })) as KubeObject;
  const readAll = (objects: readonly KubeObject[]): Promise<readonly KubeObject[]> => Promise.all(objects.map(read));
  const versionsOf = (objects: readonly KubeObject[]): readonly string[] =>
    objects.map(({ kind, metadata }) => `${kind} ${metadata.resourceVersion}`);
  const createNamespace = (name: string): Promise<void> => server.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }]);

  const cases = [
    ...Object.entries(variants).map(([name, parameters]) => ({
      name,
      infrastructure: infrastructureFor(parameters),
      context: contextWithTls,
    })),
    { name: 'plain text', infrastructure: infrastructureFor(), context: contextInPlainText },
    {
      name: 'long names with dots',
      infrastructure: infrastructureFor({ replicas: 2 }, { name: `1.${'long-'.repeat(40)}name`, className: 'class.example.com' }),
      context: contextWithTls,
    },
    {
      name: 'a static address',
      infrastructure: infrastructureFor({ service: { type: 'ClusterIP' } }, { addresses: ['10.96.7.7'] }),
      context: contextWithTls,
    },
    { name: 'labels', infrastructure: infrastructureFor({}, { labels: { a: 'b' }, annotations: { c: 'd' } }), context: contextWithTls },
  ];

  it.each(cases)(
    'accepts everything that is desired, and changes nothing when it is applied again: $name',
    async ({ name, infrastructure, context }) => {
      const namespace = `accepts-${label(name)}`;
      await createNamespace(namespace);
      const desired = desiredFor({ ...infrastructure, namespace }, context);
      const options = { api: server.api, isOurs: () => true };
      await applyAll(plan(desired, []), options);
      const standing = await readAll(desired);
      expect(plan(desired, standing)).toEqual([]);
      await applyAll(
        plan(desired, standing, () => false),
        options,
      );
      expect(versionsOf(await readAll(desired))).toEqual(versionsOf(standing));
    },
  );

  describe('provision', () => {
    const infrastructures$ = new BehaviorSubject<ReadonlyMap<string, Infrastructure>>(new Map());
    let contextOf: () => GatewayContext = () => contextWithTls;
    let refusals$: BehaviorSubject<Refusals>;
    let provisioned$: Observable<readonly KubeObject[]>;
    let running: Subscription;
    let namespace = '';
    let count = 0;

    beforeEach(async () => {
      namespace = `provision-${++count}`;
      await createNamespace(namespace);
      infrastructures$.next(new Map());
      contextOf = () => contextWithTls;
      refusals$ = new BehaviorSubject<Refusals>(new Map());
      provisioned$ = observeProvisioned(server.api, [namespace]).pipe(map(({ objects }) => objects));
      const world$ = combineLatest([infrastructures$, provisioned$]).pipe(
        map(([infrastructures, observed]) => ({ infrastructures, contextOf: () => contextOf(), observed })),
      );
      running = provision({ api: server.api, world$, signal: new AbortController().signal }).subscribe((refusals) =>
        refusals$.next(refusals),
      );
    });
    afterEach(() => running.unsubscribe());

    const want = (...infrastructures: readonly Infrastructure[]): void =>
      infrastructures$.next(new Map(infrastructures.map((infrastructure) => [`${namespace}/${infrastructure.name}`, infrastructure])));
    const gateway = (...[parameters, more]: Parameters<typeof infrastructureFor>): Infrastructure =>
      infrastructureFor(parameters, { namespace, ...more });
    const until = (holds: (objects: readonly KubeObject[]) => boolean): Promise<readonly KubeObject[]> =>
      firstValueFrom(provisioned$.pipe(filter(holds), timeout(20_000)));
    const isDone = (infrastructure: Infrastructure) => (objects: readonly KubeObject[]) =>
      objects.length > 0 && plan(desiredFor(infrastructure, contextOf()), objects).length === 0;
    const kindsOf = (objects: readonly KubeObject[]): readonly string[] => objects.map(({ kind }) => kind).toSorted();
    const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

    it('makes everything a Gateway wants', async () => {
      want(gateway());
      const objects = await until(isDone(gateway()));
      expect(kindsOf(objects)).toEqual(['ConfigMap', 'Deployment', 'NetworkPolicy', 'Secret', 'Service', 'ServiceAccount']);
    });

    it('removes what is no longer wanted', async () => {
      const autoscaled = gateway({ autoscaling: { maxReplicas: 3 } });
      want(autoscaled);
      expect(kindsOf(await until(isDone(autoscaled)))).toContain('HorizontalPodAutoscaler');
      want(gateway());
      const objects = await until(isDone(gateway()));
      expect(kindsOf(objects)).not.toContain('HorizontalPodAutoscaler');
      expect(kindsOf(objects)).not.toContain('PodDisruptionBudget');
    });

    it('keeps its Envoys while their number passes to an autoscaler, which has it from then on', async () => {
      const deploymentIn = (objects: readonly KubeObject[]): KubeObject => objects.find(({ kind }) => kind === 'Deployment') as KubeObject;
      want(gateway({ replicas: 3 }));
      await until(isDone(gateway({ replicas: 3 })));
      want(gateway({ autoscaling: { maxReplicas: 5 } }));
      const handed = await until((objects) => objects.some(({ kind }) => kind === 'HorizontalPodAutoscaler'));
      expect(deploymentIn(handed)).toHaveProperty('spec.replicas', 3);
      await server.api.request({
        method: 'PATCH',
        path: `${placeOf(deploymentIn(handed))}/scale`,
        query: { fieldManager: 'autoscaler' },
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas: 4 } },
      });
      const objects = await until(isDone(gateway({ autoscaling: { maxReplicas: 5 } })));
      expect(deploymentIn(objects)).toHaveProperty('spec.replicas', 4);
    });

    it('moves to another type of Service', async () => {
      want(gateway({ service: { loadBalancerClass: 'tailscale', externalTrafficPolicy: 'Local' } }));
      await until(isDone(gateway({ service: { loadBalancerClass: 'tailscale', externalTrafficPolicy: 'Local' } })));
      want(gateway({ service: { type: 'ClusterIP' } }));
      const objects = await until(isDone(gateway({ service: { type: 'ClusterIP' } })));
      expect(objects.find(({ kind }) => kind === 'Service')).not.toHaveProperty('spec.loadBalancerClass');
    });

    it('leaves everything where it is when a Gateway became invalid, lost its listeners, or waits for a certificate', async () => {
      want(gateway());
      const before = await until(isDone(gateway()));
      want();
      want(gateway({}, { ports: [] }));
      contextOf = () => ({ ...contextWithTls, tls: {} });
      want(gateway({ replicas: 2 }));
      contextOf = () => contextWithTls;
      // Comes after all of the above.
      want(gateway({}, { name: 'other', uid: 'other' }));
      const after = await until((objects) => objects.length === 2 * before.length);
      expect(after).toEqual(expect.arrayContaining([...before]));
    });

    it('sets right what somebody else changed, and makes again what somebody removed', async () => {
      want(gateway());
      const objects = await until(isDone(gateway()));
      const service = objects.find(({ kind }) => kind === 'Service') as KubeObject;
      const deployment = objects.find(({ kind }) => kind === 'Deployment') as KubeObject;
      await server.api.request({ method: 'DELETE', path: placeOf(deployment) });
      await server.api.request({
        method: 'PATCH',
        path: placeOf(service),
        contentType: 'application/merge-patch+json',
        body: { spec: { selector: { 'app.kubernetes.io/instance': 'mine' } } },
      });
      await until(
        (current) => current.find(({ kind }) => kind === 'Service')?.metadata.resourceVersion !== service.metadata.resourceVersion,
      );
      const repaired = await until(
        (current) => isDone(gateway())(current) && current.every(({ metadata }) => metadata.uid !== deployment.metadata.uid),
      );
      expect(repaired.find(({ kind }) => kind === 'Service')).toHaveProperty('spec.selector', selectorOf(gateway()));
    });

    it('leaves a foreign Service with its name alone, makes the rest, and says why', async () => {
      const foreign: KubeObject = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: objectNameOf(gateway()), namespace },
        spec: { ports: [{ port: 1 }] },
      };
      await server.apply([foreign]);
      const before = await read(foreign);
      want(gateway());
      const refusals = await firstValueFrom(
        refusals$.pipe(
          filter(({ size }) => size > 0),
          timeout(20_000),
        ),
      );
      expect(refusals.get(`${namespace}/edge`)).toEqual({
        reason: 'NoResources',
        message: `Service ${namespace}/edge-tailplane exists and is not ours: it is left as it is`,
      });
      expect((await read(foreign)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
      expect(kindsOf(await until((objects) => objects.length === 5))).toContain('Deployment');
    });

    it("touches nothing of another Gateway's, not even under the name it would give its own", async () => {
      const first = gateway({}, { name: 'a', className: 'b-c' });
      want(first);
      const before = await until(isDone(first));
      want(first, gateway({ replicas: 2 }, { name: 'a-b', className: 'c', uid: 'another' }));
      const refusals = await firstValueFrom(
        refusals$.pipe(
          filter(({ size }) => size > 0),
          timeout(20_000),
        ),
      );
      expect([...refusals.keys()]).toEqual([`${namespace}/a-b`]);
      expect(versionsOf(await readAll(before))).toEqual(versionsOf(before));
    });

    it('says what the API server refuses, and goes on when the Gateway is mended', async () => {
      const broken = gateway({ envoy: { resources: { requests: { cpu: 'much' } } } });
      want(broken);
      const refusals = await firstValueFrom(
        refusals$.pipe(
          filter(({ size }) => size > 0),
          timeout(20_000),
        ),
      );
      expect(refusals.get(`${namespace}/edge`)).toMatchObject({ reason: 'Invalid', message: expect.stringContaining('quantit') });
      want(gateway());
      expect(kindsOf(await until(isDone(gateway())))).toContain('Deployment');
      await firstValueFrom(
        refusals$.pipe(
          filter(({ size }) => size === 0),
          timeout(20_000),
        ),
      );
    });

    it('calls a cluster IP that cannot be had an address that is not usable', async () => {
      want(gateway({ service: { type: 'ClusterIP' } }, { addresses: ['192.0.2.1'] }));
      const refusals = await firstValueFrom(
        refusals$.pipe(
          filter(({ size }) => size > 0),
          timeout(20_000),
        ),
      );
      expect(refusals.get(`${namespace}/edge`)?.reason).toBe('AddressNotUsable');
    });

    it('does nothing any more once it no longer leads', async () => {
      running.unsubscribe();
      const leading = new AbortController();
      const world$ = combineLatest([infrastructures$, provisioned$]).pipe(
        map(([infrastructures, observed]) => ({ infrastructures, contextOf, observed })),
      );
      running = provision({ api: server.api, world$, signal: leading.signal }).subscribe();
      leading.abort();
      want(gateway());
      const name = objectNameOf(gateway());
      expect(await read({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }).catch(textOf)).toContain('not found');
    });
  });
});
