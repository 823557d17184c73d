/** The whole of tailplane on a cluster, with the rights of its chart: from a Gateway that somebody applies to answers of an Envoy, and what may happen to it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { asked, clientWith } from '../integration/xds-tls-world.ts';
import { certificateFor } from '../support/certificates.ts';
import { envoy } from '../support/envoy.ts';
import { ask, startLoad } from '../support/http.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import {
  installation,
  ownAddress,
  pathFor,
  type Pod,
  read,
  Replica,
  startPod,
  systemNamespace,
  writeStatus,
} from '../support/kube-world.ts';
import { freePorts } from '../support/ports.ts';
import { eventually } from '../support/world.ts';
import { type OwnBackend, startOwnBackend } from './kubernetes-ha/backend.ts';
import { type History, startHistory } from './kubernetes-ha/history.ts';

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
};
type Parent = { readonly controllerName: string; readonly conditions: readonly Condition[] };
type Status = {
  readonly addresses?: readonly { readonly value: string }[];
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly name: string; readonly attachedRoutes: number; readonly conditions: readonly Condition[] }[];
  readonly parents?: readonly Parent[];
};

const possible = hasApiServer && envoy !== undefined && ownAddress !== undefined;
const address = ownAddress ?? '';

describe.skipIf(!possible)('a Gateway on a cluster', () => {
  let cluster: TestApiServer;
  let replica: Replica;
  let backends: readonly OwnBackend[];
  let pod: Pod;
  let history: History;
  let http = 0;
  let https = 0;

  beforeAll(async () => {
    [http = 0, https = 0] = await freePorts(2);
    cluster = await startApiServer();
    backends = await Promise.all(['one', 'two'].map((name) => startOwnBackend(name, address)));
    await cluster.apply(await installation());
    await cluster.apply(backends.flatMap(serviceOf));
    history = startHistory(cluster.api);
    replica = await Replica.start(cluster);
  });
  afterAll(async () => {
    history?.stop();
    await replica?.server.stop();
    await pod?.stop();
    for (const backend of backends ?? []) backend.close();
    await cluster?.stop();
  });

  /** What it complained of, but for an API server that starts or is away. */
  const troubles = (): readonly string[] => replica.said('', 'error').filter((line) => !line.startsWith('Kubernetes: '));
  const statusOf = async (kind: string, name: string): Promise<Status> =>
    (await read(cluster.api, kind, 'default', name))?.['status'] ?? {};
  const applyGateway = (...more: readonly object[]): Promise<void> =>
    cluster.apply([gatewayOf('edge', [{ name: 'http', protocol: 'HTTP', port: http }, ...more])]);
  const arrivesAt = async (name: string): Promise<void> =>
    void (await eventually(
      () => ask(http),
      ({ body }) => body === name,
    ));
  /** The route's generation once our status is about it. */
  const settled = async (name = 'shop'): Promise<number> => {
    const { metadata } = await eventually(
      async () => (await read(cluster.api, 'HTTPRoute', 'default', name)) as KubeObject & { readonly status?: Status },
      ({ metadata: { generation }, status }) =>
        status?.parents?.some(
          ({ controllerName, conditions }) =>
            controllerName === ours &&
            conditions.length > 0 &&
            conditions.every(({ status: is, observedGeneration }) => is === 'True' && observedGeneration === generation),
        ) === true,
    );
    return metadata.generation ?? 0;
  };
  /** Points the route at the other backend; whole when requests follow and its status says so. */
  const edit = async (to: string): Promise<void> => {
    await cluster.apply([routeTo(to)]);
    await arrivesAt(to);
    await settled();
  };

  it('gets its objects, and is programmed once an Envoy has its configuration and clients an address', async () => {
    await applyGateway();
    await cluster.apply([routeTo('one')]);
    await settled();
    // The last that is made.
    await eventually(
      async () => (await read(cluster.api, 'Deployment', 'default', 'edge-tailplane')) as KubeObject,
      (found) => found !== undefined,
    );
    const { uid } = ((await read(cluster.api, 'Gateway', 'default', 'edge')) as KubeObject).metadata;
    const made = await Promise.all(
      ['Deployment', 'Service', 'ServiceAccount', 'ConfigMap', 'NetworkPolicy'].map((kind) =>
        read(cluster.api, kind, 'default', 'edge-tailplane'),
      ),
    );
    const owners = [...made, await read(cluster.api, 'Secret', 'default', 'edge-tailplane-xds')].map(
      (object) => object?.metadata.ownerReferences,
    );
    // The cluster's garbage collector goes by these.
    for (const owner of owners) expect(owner).toMatchObject([{ kind: 'Gateway', name: 'edge', uid, controller: true }]);
    expect(conditionOf(await statusOf('Gateway', 'edge'), 'Accepted')?.status).toBe('True');

    await writeStatus(cluster.api, 'Service', 'default', 'edge-tailplane', { loadBalancer: { ingress: [{ ip: address }] } });
    await writeStatus(cluster.api, 'Deployment', 'default', 'edge-tailplane', { replicas: 1, readyReplicas: 1 });
    const addressed = await eventually(
      () => statusOf('Gateway', 'edge'),
      ({ addresses = [] }) => addresses.length > 0,
    );
    expect(addressed.addresses).toMatchObject([{ value: address }]);
    expect(conditionOf(addressed, 'Programmed')).toMatchObject({ status: 'False', reason: 'Pending' });

    pod = await startPod(cluster.api, 'default', 'edge-tailplane', 'default/edge');
    expect(await ask(http)).toMatchObject({ status: 200, body: 'one' });
    const programmed = await eventually(
      () => statusOf('Gateway', 'edge'),
      (status) => conditionOf(status, 'Programmed')?.status === 'True',
    );
    expect(programmed.listeners).toMatchObject([{ name: 'http', attachedRoutes: 1 }]);
    expect(history.now('GatewayClass/tailplane').conditions).toContain('Accepted=True@1');
    expect(troubles()).toEqual([]);
  });

  it("is not told of to who shows another Gateway's certificate", async () => {
    await cluster.apply([gatewayOf('other', [{ name: 'http', protocol: 'HTTP', port: 8080 }])]);
    const secret = await eventually(
      async () => (await read(cluster.api, 'Secret', 'default', 'other-tailplane-xds')) as KubeObject,
      (found) => found !== undefined,
    );
    const decoded = Object.entries(secret['data'] as Readonly<Record<string, string>>).map(
      ([file, text]) => [file, Buffer.from(text, 'base64').toString()] as const,
    );
    const { 'tls.crt': certificate = '', 'tls.key': privateKey = '', 'ca.crt': ca = '' } = Object.fromEntries(decoded);
    const client = (claimed: string) => clientWith(replica.xdsPort, [{ certificate: ca }], { certificate, privateKey }, claimed);
    expect(await asked(client('default/edge'))).toMatchObject({ code: 7 });
    expect(await asked(client('default/other'))).toBeInstanceOf(Array);
    expect(await readFile(join(pod.certificates, 'tls.crt'), 'utf8')).not.toBe(certificate);
    await replica.says('denied');
    await cluster.api.request({ method: 'DELETE', path: pathFor('Gateway', 'default', 'other') });
  });

  it('keeps what another controller says of the same route', async () => {
    const path = pathFor('HTTPRoute', 'default', 'shop', 'status');
    const route = (await cluster.api.request({ path })) as KubeObject & { readonly status: { readonly parents: readonly Parent[] } };
    const theirs = {
      parentRef: { name: 'theirs' },
      controllerName: 'example.com/other',
      conditions: [{ ...route.status.parents[0]?.conditions[0], lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 }],
    };
    await cluster.api.request({ method: 'PUT', path, body: { ...route, status: { parents: [...route.status.parents, theirs] } } });
    await edit('two');
    await edit('one');
    const { parents = [] } = await statusOf('HTTPRoute', 'shop');
    expect(parents.map(({ controllerName }) => controllerName).toSorted()).toEqual(['example.com/other', ours]);
    expect(parents.find(({ controllerName }) => controllerName === theirs.controllerName)).toMatchObject(theirs);
  });

  it('waits for a Secret that it names, and serves by it when it comes, as large as they come', async () => {
    await applyGateway({
      name: 'https',
      protocol: 'HTTPS',
      port: https,
      hostname: 'shop.example',
      tls: { certificateRefs: [{ name: 'shop' }] },
    });
    const resolved = (status: string) =>
      eventually(
        () => statusOf('Gateway', 'edge'),
        ({ listeners = [] }) =>
          listeners.some(
            ({ name, conditions }) => name === 'https' && conditions.some((one) => one.type === 'ResolvedRefs' && one.status === status),
          ),
      );
    await resolved('False');
    expect(await ask(http)).toMatchObject({ status: 200, body: 'one' });
    const { certificate, privateKey } = certificateFor(['shop.example']);
    await cluster.apply([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'shop', namespace: 'default' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': btoa(certificate), 'tls.key': btoa(privateKey), notes: btoa('x'.repeat(750_000)) },
      },
    ]);
    await resolved('True');
    const secure = { host: 'shop.example' };
    const answer = await eventually(
      () => ask(https, '/', secure, { ca: certificate, servername: 'shop.example' }),
      ({ status }) => status === 200,
    );
    expect(answer.body).toBe('one');
    await applyGateway();
  });

  it('is not troubled by routes that go while their status is written', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `brief-${index}`);
    for (const name of names) {
      await cluster.apply([routeTo('two', name, [`${name}.example`])]);
      await cluster.api.request({ method: 'DELETE', path: pathFor('HTTPRoute', 'default', name) });
    }
    await edit('two');
    const { listeners } = await eventually(
      () => statusOf('Gateway', 'edge'),
      // Its status is written once a second, and may still tell of the listener that the test before took away.
      (status) => status.listeners?.length === 1 && status.listeners[0]?.attachedRoutes === 1,
    );
    expect(listeners).toMatchObject([{ name: 'http', attachedRoutes: 1 }]);
    expect(replica.said('brief-', 'warn')).toEqual([]);
    await edit('one');
  });

  it('is written about by nobody who lost the Lease, while its Envoys are served on', async () => {
    const path = pathFor('Lease', systemNamespace, 'tailplane');
    const take = async (holderIdentity: string): Promise<void> => {
      const renewTime = new Date().toISOString().replace('Z', '000Z');
      const spec = { holderIdentity, renewTime, acquireTime: renewTime, leaseDurationSeconds: 3600 };
      await cluster.api.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { spec } });
    };
    const before = await settled();
    await take('somebody-else');
    await replica.says('not leading');
    await cluster.apply([routeTo('two')]);
    await arrivesAt('two');
    await cluster.apply([routeTo('one')]);
    await arrivesAt('one');
    const { parents = [] } = await statusOf('HTTPRoute', 'shop');
    expect(parents.find(({ controllerName }) => controllerName === ours)?.conditions.map((one) => one.observedGeneration)).toEqual([
      before,
      before,
    ]);
    await take('');
    expect(await settled()).toBe(before + 2);
  });

  it('is served on while the API server is away, and nothing of its status changes by that', async () => {
    const about = (generation: number): string => `HTTPRoute/shop Accepted=True@${generation} ResolvedRefs=True@${generation}`;
    const generation = await settled();
    await eventually(
      async () => history.now('HTTPRoute/shop').generation,
      (seen) => seen === generation,
    );
    history.take();
    const load = startLoad(http, {}, ({ status }) => status === 200, 2);
    await cluster.kill();
    const ailing = await eventually(
      () => replica.health(),
      ({ status }) => status === 503,
    );
    expect(ailing.body).toMatchObject({ status: 'degraded', reasons: [expect.stringContaining('Kubernetes: ')] });
    expect(ailing.body.reasons.join()).toContain('its last good state stands');
    expect(await replica.ready()).toMatchObject({ status: 200, body: { status: 'ok' } });
    await cluster.restart();
    await eventually(
      async () => history.looks(),
      (looks) => looks,
    );
    await edit('two');
    // A kind that a server which starts was too busy for may be told of a little longer.
    await eventually(
      () => replica.health(),
      ({ body: { reasons } }) => !reasons.join().includes('does not answer'),
    );
    const { requests, failures } = await load.stop();
    expect(requests).toBeGreaterThan(20);
    expect(failures).toEqual([]);
    await eventually(
      async () => history.now('HTTPRoute/shop').conditions,
      (conditions) => conditions.includes(`Accepted=True@${generation + 1}`),
    );
    const seen = history.take().map(({ object, conditions }) => [object, ...conditions.filter((one) => !one.endsWith('@1'))].join(' '));
    expect(seen.filter((one) => !one.startsWith('HTTPRoute'))).toEqual([]);
    expect(new Set(seen)).toEqual(new Set([about(generation), about(generation + 1)]));
  });

  it('hears nothing of a tailplane that stops and of the one that follows it, which find all in order', async () => {
    const changes = async (): Promise<readonly number[]> =>
      [...(await pod.envoy.admin('/stats?filter=(cluster|listener)_(added|modified|removed)$')).matchAll(/: (\d+)/g)].map(([, count]) =>
        Number(count),
      );
    const [before, served] = [await statusOf('Gateway', 'edge'), await changes()];
    history.take();
    const load = startLoad(http, {}, ({ status }) => status === 200, 2);
    await replica.server.stop();
    const lease = (await read(cluster.api, 'Lease', systemNamespace, 'tailplane')) as unknown as {
      readonly spec: { readonly holderIdentity?: string };
    };
    expect(lease.spec.holderIdentity ?? '').toBe('');
    expect(await read(cluster.api, 'ConfigMap', systemNamespace, 'tailplane-replica-replica')).toBeUndefined();
    expect(troubles()).toEqual([]);

    replica = await Replica.start(cluster, {}, replica.xdsPort);
    await replica.says('Envoy edge-tailplane-0 of default/edge connected', 30_000);
    await replica.says('leading, for the');
    await edit('one');
    expect((await load.stop()).failures).toEqual([]);
    // The edit takes one cluster for another; had anything been sent anew, there would be more.
    const [added = 0, modified = 0, removed = 0, ...listeners] = served;
    expect(await eventually(changes, (now) => now[2] === removed + 1)).toEqual([added + 1, modified, removed + 1, ...listeners]);
    expect(await statusOf('Gateway', 'edge')).toEqual(before);
    expect(history.take().filter(({ object }) => object.startsWith('Gateway'))).toEqual([]);
  });

  it('takes its configuration with it when it is deleted, and nothing is written to what is gone', async () => {
    await cluster.api.request({ method: 'DELETE', path: pathFor('Gateway', 'default', 'edge') });
    await eventually(
      async () => pod.envoy.admin('/listeners'),
      (listeners) => !listeners.includes(`:${http}`),
    );
    await expect(ask(http)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await eventually(
      () => statusOf('HTTPRoute', 'shop'),
      ({ parents = [] }) => parents.every(({ controllerName }) => controllerName !== ours),
    );
    expect(troubles()).toEqual([]);
    expect(replica.said('Gateway/edge', 'warn')).toEqual([]);
    expect(await read(cluster.api, 'Gateway', 'default', 'edge')).toBeUndefined();
  });
});

const conditionOf = (status: Status, type: string): Condition | undefined => status.conditions?.find((one) => one.type === type);

const ours = 'gateway.tailscale.com/tailplane';
const gatewayApi = 'gateway.networking.k8s.io/v1';

const gatewayOf = (name: string, listeners: readonly object[]): KubeObject => ({
  apiVersion: gatewayApi,
  kind: 'Gateway',
  metadata: { name, namespace: 'default' },
  spec: { gatewayClassName: 'tailplane', listeners },
});

const routeTo = (backend: string, name = 'shop', hostnames: readonly string[] = []): KubeObject => ({
  apiVersion: gatewayApi,
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'default' },
  spec: { hostnames, parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: backend, port: 80 }] }] },
});

const serviceOf = ({ name, port, address: at }: OwnBackend): readonly KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80, targetPort: port }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [at], conditions: { ready: true } }],
  },
];
