/** A cluster of the lab with tailplane installed, as far as tests of shared Gateways look into it. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findEnvoy } from '../../../scripts/envoy.ts';
import type { ApiServer } from '../../../src/kubernetes/api-server.ts';
import { connect } from '../../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { labProgram } from '../../support/lab.ts';
import { type Lab, startLab } from '../../support/lab-cluster.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Folder of Tailscale's programs. */
export const programs = dirname(labProgram('containerboot', 'tailnet') ?? '');

export type Cluster = {
  readonly lab: Lab;
  readonly api: ApiServer;
  readonly apply: (yaml: string) => Promise<void>;
  readonly patch: (path: string, body: object) => Promise<unknown>;
  readonly remove: (path: string, query?: Readonly<Record<string, string | number>>) => Promise<void>;
  readonly get: <T = KubeObject>(path: string) => Promise<T>;
  readonly list: (path: string, labelSelector?: string) => Promise<readonly KubeObject[]>;
};

/** A cluster where nothing is installed; whoever starts it takes its lab down. */
export const startCluster = async (name: string, port: number): Promise<Cluster> => {
  // The first that matches counts.
  const images = ['test/e2e/sharing-cluster/images.yaml', 'test/conformance/lab-images.yaml', 'test/e2e/tailnet-cluster/images.yaml'];
  const envoy = (await findEnvoy({ fetch: true, say: () => undefined })) ?? '';
  const environment = { TAILPLANE_ROOT: root, ENVOY_BIN: envoy, TS_BIN: programs };
  const lab = await startLab({ name, port, images: images.map((file) => join(root, file)), environment, graceSeconds: 90 });
  const api = connect({ kubeconfig: lab.kubeconfig });
  const get: Cluster['get'] = async <T = KubeObject>(path: string): Promise<T> => (await api.request({ path })) as T;
  return {
    lab,
    api,
    get,
    apply: (yaml) => lab.run(['apply', '-'], yaml),
    patch: (path, body) => api.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }),
    remove: async (path, query = {}) => void (await api.request({ method: 'DELETE', path, query })),
    list: async (path, labelSelector) =>
      ((await api.request({ path, query: { labelSelector } })) as { readonly items: readonly KubeObject[] }).items,
  };
};

/** Installs tailplane, as its manifests do it but with one replica that asks tailnets twice a second, and calls the cluster `name`. */
export const install = async ({ lab, apply }: Cluster, name: string): Promise<void> => {
  await lab.run(['apply', join(root, 'crds')]);
  const manifests = await readFile(join(root, 'examples/install.yaml'), 'utf8');
  const settings = { TAILPLANE_TAILNET_INTERVAL: '500ms', TAILPLANE_CLUSTER_NAME: name };
  const written = Object.entries(settings).map(([variable, value]) => `- { name: ${variable}, value: ${value} }\n            `);
  await apply(manifests.replace('- name: TAILPLANE_NAMESPACE', `${written.join('')}$&`).replace('replicas: 2', 'replicas: 1'));
};
