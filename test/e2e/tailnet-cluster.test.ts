/**
 * Proxies into a tailnet as a cluster runs them: pods with the real containerboot and tailscaled, their state in real Secrets, a real coordination
 * server, and a simulator for the API. A request goes client → Envoy → proxy → WireGuard → a machine of the tailnet.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '../../scripts/envoy.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { labProgram } from '../support/lab.ts';
import { hasLab, type Lab, startLab } from '../support/lab-cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const here = join(import.meta.dirname, 'tailnet-cluster');
const programs = hasLab ? dirname(labProgram('containerboot', 'tailnet') ?? '') : '';
const control = 'http://10.245.0.1:9080';
const simulator = 'http://10.245.0.1:9090';
const endpointsPath = '/apis/gateway.tailscale.com/v1alpha1/namespaces/shop/tailscaleendpoints/machine';

describe.skipIf(!hasLab)('proxies into a tailnet on a cluster', () => {
  let lab: Lab;
  let api: ApiServer;
  const running: ChildProcessByStdio<Writable, Readable, null>[] = [];
  const start = (...program: readonly string[]): ChildProcessByStdio<Writable, Readable, null> => {
    const child = lab.spawn(program);
    child.stdin.on('error', () => undefined);
    running.push(child);
    return child;
  };
  const get = async <T = KubeObject>(path: string, query = {}): Promise<T> => (await api.request({ path, query })) as T;
  const list = async (path: string): Promise<readonly KubeObject[]> => (await get<{ readonly items: readonly KubeObject[] }>(path)).items;
  const curl = (...args: readonly string[]): Promise<string> => lab.exec(['curl', '-sS', '-m', '10', ...args]);
  const address = async (): Promise<string> => {
    const { status } = await get<{ status?: { addresses?: { value: string }[] } }>(
      '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/shop',
    );
    return status?.addresses?.[0]?.value ?? '';
  };
  const status = async (): Promise<Status> => (await get<{ status?: Status }>(endpointsPath)).status ?? {};
  const isReady = async (): Promise<boolean> =>
    (await status()).conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
  /** Stable ids of the proxies' devices at the API. */
  const devices = async (): Promise<readonly string[]> => {
    const { tailnets } = JSON.parse(await curl(`${simulator}/simulator`)) as {
      tailnets: readonly [{ readonly devices: readonly { readonly hostname: string; readonly nodeId: string }[] }];
    };
    return tailnets[0].devices.filter(({ hostname }) => hostname.startsWith('machine-egress-')).map(({ nodeId }) => nodeId);
  };
  const pods = async (): Promise<readonly string[]> =>
    (await list('/api/v1/namespaces/shop/pods')).map(({ metadata }) => metadata.name).filter((name) => name.startsWith('machine-egress-'));
  const secrets = async (): Promise<readonly string[]> =>
    (await list('/api/v1/namespaces/shop/secrets'))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith('machine-egress-'));

  beforeAll(async () => {
    const envoy = (await findEnvoy({ fetch: true, say: () => undefined })) ?? '';
    const images = [join(root, 'test/conformance/lab-images.yaml'), join(here, 'images.yaml')];
    const environment = { TAILPLANE_ROOT: root, ENVOY_BIN: envoy, TS_BIN: programs };
    lab = await startLab({ name: 'tnet', port: 16645, images, environment });
    api = connect({ kubeconfig: lab.kubeconfig });
    const host = ['-control', '10.245.0.1:9080', '-admin', '10.245.0.1:9083', '-derp', '10.245.0.1:9081', '-stun', '10.245.0.1:9082'];
    start(join(programs, 'tailnet-lab'), ...host);
    start(process.execPath, join(root, 'src/main.ts'), 'simulate', '--address', '10.245.0.1:9090');
    await until('both halves of the tailnet answer', () => answers(curl, [`http://10.245.0.1:9083/nodes`, `${simulator}/simulator`]));
    start(process.execPath, join(here, 'mirror.ts'), 'http://10.245.0.1:9083', simulator);
    start(process.execPath, join(here, 'machine.ts'), programs, control, lab.env['LAB_STATE'] ?? '');
    const machine = await until('a machine is in the tailnet', async () => {
      const nodes = JSON.parse(await curl('http://10.245.0.1:9083/nodes')) as readonly {
        readonly name: string;
        readonly hostname: string;
      }[];
      return nodes.find(({ hostname }) => hostname === 'machine')?.name;
    });
    await lab.run(['apply', join(root, 'crds'), join(root, 'examples/install.yaml')]);
    const world = await readFile(join(here, 'world.yaml'), 'utf8');
    await lab.run(['apply', '-'], world.replace('MACHINE_NAME', machine));
    await until('the proxies are ready', isReady);
  }, 240_000);

  afterAll(async () => {
    for (const child of running) child.stdin.end();
    for (const child of running.toReversed()) {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    }
    await lab?.down();
  }, 60_000);

  it('carry a request from a Gateway to a machine', async () => {
    const answer = await until('a request is answered', async () => {
      const said = await curl('-H', 'Host: machine.example.com', `http://${await address()}/hello`).catch(() => '');
      return said.startsWith('machine') ? said : undefined;
    });
    expect(answer).toContain('GET /hello');
  }, 90_000);

  it('are devices of the tailnet, each with a status', async () => {
    const { devices: shown = [], statefulSets = [] } = await status();
    expect(shown.map(({ nodeID }) => nodeID).toSorted()).toEqual((await devices()).toSorted());
    expect(statefulSets).toMatchObject([{ name: 'machine-egress', desiredReplicas: 2, readyReplicas: 2 }]);
  });

  it('lose no more requests than those under way when one of two is killed', async () => {
    const connections = 4;
    const load = lab.spawn([
      process.execPath,
      join(root, 'test/e2e/lab/load.ts'),
      await address(),
      'machine.example.com',
      String(connections),
    ]);
    const out = text(load.stdout);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const [victim = ''] = await pods();
    const { metadata } = await get(`/api/v1/namespaces/shop/pods/${victim}`);
    await api.request({ method: 'DELETE', path: `/api/v1/namespaces/shop/pods/${victim}`, query: { gracePeriodSeconds: 0 } });
    await until('it is there again', async () => {
      const pod = await get(`/api/v1/namespaces/shop/pods/${victim}`).catch(() => undefined);
      return pod !== undefined && pod.metadata.uid !== metadata.uid && (await isReady()) ? true : undefined;
    });
    load.stdin.end();
    const { answered, failures } = JSON.parse(await out) as { answered: number; failures: readonly string[] };
    process.stderr.write(`one of two proxies killed: ${answered} answered, ${failures.length} failed\n`);
    expect(failures.length).toBeLessThanOrEqual(connections);
    expect(answered).toBeGreaterThan(100);
  }, 120_000);

  it('leave the tailnet in order when there are to be fewer', async () => {
    await api.request({
      method: 'PATCH',
      path: endpointsPath,
      body: { spec: { proxy: { replicas: 1 } } },
      contentType: 'application/merge-patch+json',
    });
    await until('one is left', async () => ((await devices()).length === 1 && (await secrets()).length === 2 ? true : undefined));
    expect([await pods(), (await secrets()).toSorted()]).toEqual([['machine-egress-0'], ['machine-egress-0', 'machine-egress-0-config']]);
    await until('and is ready', isReady);
    expect(await curl('-H', 'Host: machine.example.com', `http://${await address()}/`)).toContain('GET /');
  }, 120_000);

  it('leave nothing behind when nobody wants them', async () => {
    await api.request({ method: 'DELETE', path: endpointsPath });
    const left = async () => [...(await devices()), ...(await secrets()), ...(await pods())];
    await until('all is gone', async () => ((await left()).length === 0 ? true : undefined));
    const kinds = ['/apis/apps/v1/namespaces/shop/statefulsets', '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles'];
    await until('the rest follows', async () => ((await Promise.all(kinds.map(list))).flat().length === 0 ? true : undefined));
    expect(await left()).toEqual([]);
  }, 120_000);
});

type Status = {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly devices?: readonly { readonly nodeID?: string }[];
  readonly statefulSets?: readonly object[];
};

const answers = async (curl: (...args: readonly string[]) => Promise<string>, urls: readonly string[]): Promise<true | undefined> => {
  const said = await Promise.all(urls.map((url) => curl('-f', url).catch(() => undefined)));
  return said.every((one) => one !== undefined) ? true : undefined;
};

/** What `look` gives once it is neither undefined nor false. */
const until = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> => {
  for (const deadline = performance.now() + 90_000; performance.now() < deadline;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as T;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not within 90 s: ${what}`);
};
