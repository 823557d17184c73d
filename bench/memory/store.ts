/** Where the benchmark's objects are kept for `tailplane serve` to read: a folder of files, or a real API server. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { startApiServer, type TestApiServer } from '../../test/support/kube-apiserver.ts';
import { adminApi } from '../churn/admin-api.ts';

export interface Store {
  /** How `serve` is told of it. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly put: (object: KubeObject) => Promise<void>;
  /** Removes what it holds. */
  readonly stop: () => Promise<void>;
}

export const directoryStore = async (): Promise<Store> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-memory-'));
  await mkdir(join(dir, 'config'));
  return {
    flags: ['--config-dir', join(dir, 'config')],
    environment: {},
    put: async (object) => {
      const { kind, metadata } = object;
      if (kind === 'Namespace') return;
      await writeFile(join(dir, 'config', `${kind}-${metadata.name}.yaml`), JSON.stringify(object, undefined, 1));
    },
    stop: () => rm(dir, { recursive: true, force: true }),
  };
};

const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  GatewayClass: 'gatewayclasses',
  Gateway: 'gateways',
  HTTPRoute: 'httproutes',
  Service: 'services',
  EndpointSlice: 'endpointslices',
};

const pathOf = ({ apiVersion, kind, metadata: { namespace, name } }: KubeObject): string =>
  [
    apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    plurals[kind],
    name,
  ].join('/');

export const kubernetesStore = async (): Promise<Store> => {
  const server = await startApiServer();
  const api = await adminApi(server.kubeconfig);
  await api.apply('/api/v1/namespaces/tailplane-system', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tailplane-system' } });
  const pod = await podOf(server);
  return {
    flags: ['--kubernetes', '--xds-tls', 'off', '--no-provisioning'],
    environment: pod.environment,
    put: async (object) => api.apply(pathOf(object), object),
    stop: async () => {
      await api.close();
      await server.stop();
      await rm(pod.folder, { recursive: true, force: true });
    },
  };
};

type Pod = { readonly folder: string; readonly environment: Readonly<Record<string, string>> };

/** What a pod of this API server finds there, as by a kubeconfig it would load what no pod does. */
const podOf = async ({ url, kubeconfig }: TestApiServer): Promise<Pod> => {
  const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8')) as {
    readonly clusters: readonly [{ readonly cluster: { readonly 'certificate-authority-data': string } }];
    readonly users: readonly [{ readonly user: { readonly token: string } }];
  };
  const folder = await mkdtemp(join(tmpdir(), 'tailplane-memory-'));
  await writeFile(join(folder, 'ca.crt'), Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64'));
  await writeFile(join(folder, 'token'), users[0].user.token);
  const { hostname, port } = new URL(url);
  return {
    folder,
    environment: {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      TAILPLANE_SERVICE_ACCOUNT: folder,
      KUBECONFIG: '',
      HOME: folder,
    },
  };
};
