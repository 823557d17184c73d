/** tailplane on a cluster as a user installs it: by its manifests, with mutual TLS, two replicas and Envoys that it runs itself. */
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '../../scripts/envoy.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { hasLab, type Lab, startLab } from '../support/lab-cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const own = '/api/v1/namespaces/tailplane-system';
const gateways = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways';

describe.skipIf(!hasLab)('tailplane on a cluster', () => {
  let lab: Lab;
  let api: ApiServer;
  const get = async <T = KubeObject>(path: string, query = {}): Promise<T> => (await api.request({ path, query })) as T;
  const list = async (path: string, labelSelector?: string): Promise<readonly KubeObject[]> =>
    (await get<{ readonly items: readonly KubeObject[] }>(path, { labelSelector })).items;
  const address = async (): Promise<string> => {
    const { status } = await get<{ status?: { addresses?: { value: string }[] } }>(`${gateways}/shop`);
    return status?.addresses?.[0]?.value ?? '';
  };
  /** What a load on the Gateway counted while `meanwhile` was going on. */
  const underLoad = async (
    meanwhile: () => Promise<void>,
  ): Promise<{ readonly answered: number; readonly failures: readonly string[] }> => {
    const child = lab.spawn([process.execPath, join(root, 'test/e2e/lab/load.ts'), await address(), 'shop.example.com']);
    const out = text(child.stdout);
    await meanwhile();
    child.stdin.end();
    const counted = JSON.parse(await out) as { answered: number; failures: string[] };
    process.stderr.write(`${expect.getState().currentTestName}: ${counted.answered} answered, ${counted.failures.length} failed\n`);
    return counted;
  };
  const podsOf = (labelSelector: string): Promise<readonly KubeObject[]> => list(`${own}/pods`, labelSelector);
  const readyPods = async (): Promise<readonly string[]> =>
    (await podsOf('app.kubernetes.io/name=tailplane')).filter(isReady).map(({ metadata }) => metadata.name);
  const leader = async (): Promise<string> => {
    const { spec } = await get<{ spec?: { holderIdentity?: string } }>(
      '/apis/coordination.k8s.io/v1/namespaces/tailplane-system/leases/tailplane',
    );
    return spec?.holderIdentity?.split('_')[0] ?? '';
  };
  const apply = (path: string, body: object, contentType = 'application/merge-patch+json') =>
    api.request({ method: 'PATCH', path, body, contentType });

  beforeAll(async () => {
    const environment = { TAILPLANE_ROOT: root, ENVOY_BIN: (await findEnvoy({ fetch: true, say: () => undefined })) ?? '' };
    lab = await startLab({ name: 'e2e', port: 16644, images: [join(root, 'test/conformance/lab-images.yaml')], environment });
    api = connect({ kubeconfig: lab.kubeconfig });
    await lab.run(['apply', join(root, 'crds'), join(root, 'examples/install.yaml')]);
    await lab.run(['apply', join(root, 'examples/kubernetes')]);
    await until('the Gateway is programmed', async () => isTrue(await get(`${gateways}/shop`), 'Programmed'));
    await until('the backends are there', async () => (await list('/api/v1/namespaces/shop/pods', 'app=shop')).every(isReady));
  }, 180_000);

  afterAll(() => lab?.down());

  it('answers at the address that the Gateway’s status names', async () => {
    const answer = await lab.exec(['curl', '-sS', '-m', '5', '-H', 'Host: shop.example.com', `http://${await address()}/hello`]);
    expect(JSON.parse(answer)).toMatchObject({ path: '/hello', host: 'shop.example.com' });
  });

  it('runs as many Envoys as the parameters of the class say, with what the Gateway adds', async () => {
    const deployment = async () =>
      (await list('/apis/apps/v1/namespaces/shop/deployments', 'gateway.networking.k8s.io/gateway-name=shop'))[0];
    await until('both are ready', async () => readyReplicasOf(await deployment()) === 2);
    expect(await deployment()).toMatchObject({ metadata: { labels: { team: 'shop' } }, spec: { replicas: 2 } });
  });

  it('loses no request when the leader is killed, and another one leads', async () => {
    const before = await leader();
    const { answered, failures } = await underLoad(async () => {
      await api.request({ method: 'DELETE', path: `${own}/pods/${before}`, query: { gracePeriodSeconds: 0 } });
      await until('another leads', async () => ![before, ''].includes(await leader()));
      await until('two replicas are ready', async () => (await readyPods()).length === 2);
    });
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(100);
  }, 120_000);

  it('loses no request while all replicas are replaced, and serves edits afterwards', async () => {
    const old = await readyPods();
    const { failures } = await underLoad(async () => {
      const restartedAt = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
      await apply('/apis/apps/v1/namespaces/tailplane-system/deployments/tailplane', {
        spec: { template: { metadata: { annotations: restartedAt } } },
      });
      await until('all replicas are new', async () => {
        const now = await readyPods();
        return now.length === 2 && now.every((name) => !old.includes(name));
      });
    });
    expect(failures).toEqual([]);
    const filters = [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-edit', value: 'seen' }] } }];
    const rules = [{ backendRefs: [{ name: 'shop', port: 80 }], filters }];
    await apply('/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop', { spec: { rules } });
    const headers = async () =>
      lab.exec(['curl', '-sS', '-m', '5', '-D', '-', '-o', '/dev/null', '-H', 'Host: shop.example.com', `http://${await address()}/`]);
    await until('the edit is served', async () => (await headers()).includes('x-edit: seen'));
  }, 120_000);

  it('adds a listener without replacing an Envoy', async () => {
    const envoys = async () =>
      (await list('/api/v1/namespaces/shop/pods', 'gateway.networking.k8s.io/gateway-name=shop')).map(({ metadata }) => metadata.name);
    const before = await envoys();
    const listeners = [80, 8080].map((port) => ({ name: `http-${port}`, protocol: 'HTTP', port }));
    await apply(`${gateways}/shop`, { spec: { listeners } });
    const target = `http://${await address()}:8080/`;
    await until('the new port answers', async () => {
      const code = await lab
        .exec(['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}\n', '-H', 'Host: shop.example.com', target])
        .catch(() => '');
      return code.trim() === '200';
    });
    expect((await envoys()).toSorted()).toEqual(before.toSorted());
  }, 60_000);

  it('leaves nothing behind when the Gateway is deleted', async () => {
    await api.request({ method: 'DELETE', path: `${gateways}/shop` });
    const kinds = [
      '/apis/apps/v1/namespaces/shop/deployments',
      '/apis/policy/v1/namespaces/shop/poddisruptionbudgets',
      '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies',
      ...['services', 'configmaps', 'secrets', 'serviceaccounts', 'pods'].map((plural) => `/api/v1/namespaces/shop/${plural}`),
    ];
    const left = async () => (await Promise.all(kinds.map((path) => list(path, 'gateway.networking.k8s.io/gateway-name=shop')))).flat();
    await until('everything is gone', async () => (await left()).length === 0);
    expect(await left()).toEqual([]);
  }, 60_000);
});

type WithConditions = { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };

const isTrue = (object: KubeObject, condition: string): boolean =>
  (object as WithConditions).status?.conditions?.some(({ type, status }) => type === condition && status === 'True') === true;

const readyReplicasOf = (deployment: KubeObject | undefined): number | undefined =>
  (deployment as { readonly status?: { readonly readyReplicas?: number } } | undefined)?.status?.readyReplicas;

const isReady = (pod: KubeObject): boolean => pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready');

const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within a minute: ${what}`);
};
