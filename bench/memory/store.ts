/** Where the benchmark's objects are kept for `tailplane serve` to read: a folder of files, or a real API server. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { startApiServer } from '../../test/support/kube-apiserver.ts';
import { adminApi } from '../churn/admin-api.ts';

export interface Store {
  /** How `serve` is told of it. */
  readonly flags: readonly string[];
  readonly put: (object: KubeObject) => Promise<void>;
  /** Removes what it holds. */
  readonly stop: () => Promise<void>;
}

export const directoryStore = async (): Promise<Store> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-memory-'));
  await mkdir(join(dir, 'config'));
  return {
    flags: ['--config-dir', join(dir, 'config')],
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
  return {
    flags: ['--kubernetes', '--kubeconfig', server.kubeconfig, '--xds-tls', 'off', '--no-provisioning'],
    put: async (object) => api.apply(pathOf(object), object),
    stop: async () => {
      await api.close();
      await server.stop();
    },
  };
};
