/** tailplane on a real API server with the rights that its chart gives it, and somebody who does what a kubelet would: what tests of the whole stand on. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { parseAllDocuments } from 'yaml';
import { bootstrapFile, paths } from '../../controllers/gateway/layout.ts';
import { allKinds, kinds } from '../../src/api/kinds.ts';
import { managedResources } from '../../controllers/runtime/kinds.ts';
import { type Server, serve } from '../../src/cli/server.ts';
import { configFrom } from '../../src/config.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { pathOf, type Resource } from '../../src/kubernetes/resource.ts';
import type { Health } from '../../src/ops/health.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import type { TestApiServer } from './kube-apiserver.ts';
import { freePorts } from './ports.ts';
import { eventually } from './world.ts';

export const account = 'system:serviceaccount:tailplane-system:tailplane';
export const systemNamespace = 'tailplane-system';

/** This machine's own address: an API server takes no loopback addresses for endpoints. */
export const ownAddress: string | undefined = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

/** What `kubectl apply -f examples/install.yaml` brings, in order. */
export const installation = async (): Promise<readonly KubeObject[]> =>
  parseAllDocuments(await readFile(join(import.meta.dirname, '../../examples/install.yaml'), 'utf8'))
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);

const resources: ReadonlyMap<string, Resource> = new Map<string, Resource>([
  ...Object.values(managedResources).map((resource): [string, Resource] => [resource.kind, resource]),
  ...allKinds.map((kind): [string, Resource] => [kind, { ...kinds[kind], version: kinds[kind].versions[0] }]),
]);

/** URL path of an object; of no namespace where `namespace` is empty. */
export const pathFor = (kind: string, namespace: string, name: string, subresource?: string): string => {
  const resource = resources.get(kind);
  if (resource === undefined) throw new Error(`unreachable: no kind ${kind}`);
  return pathOf(resource, { namespace, name, ...(subresource === undefined ? {} : { subresource }) });
};

/** An object as the administrator sees it; undefined where there is none. */
export const read = async (api: ApiServer, kind: string, namespace: string, name: string): Promise<KubeObject | undefined> => {
  try {
    return (await api.request({ path: pathFor(kind, namespace, name) })) as KubeObject;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
};

/** What a controller of the cluster would write there. */
export const writeStatus = async (api: ApiServer, kind: string, namespace: string, name: string, status: object): Promise<void> =>
  void (await api.request({
    method: 'PATCH',
    path: pathFor(kind, namespace, name, 'status'),
    contentType: 'application/merge-patch+json',
    body: { status },
  }));

export type LogLine = { readonly level: number; readonly msg: string };
const levelOf = { warn: 40, error: 50 } as const;

/** One replica of tailplane, in this process. */
export class Replica {
  readonly lines: LogLine[] = [];
  readonly server: Server;
  readonly xdsPort: number;

  private constructor(server: Server, xdsPort: number, lines: LogLine[]) {
    this.server = server;
    this.xdsPort = xdsPort;
    this.lines = lines;
  }

  /** With the rights of the chart's account, whatever they are now. `xdsPort` as of a replica before it, whose Envoys are to come back. */
  static async start(cluster: TestApiServer, flags: Readonly<Record<string, unknown>> = {}, xdsPort?: number): Promise<Replica> {
    const [port = 0] = xdsPort === undefined ? await freePorts(1) : [xdsPort];
    const lines: LogLine[] = [];
    const config = configFrom(
      {
        kubernetes: true,
        kubeconfig: cluster.kubeconfigFor(account),
        xdsHost: '127.0.0.1',
        xdsAddress: `127.0.0.1:${port}`,
        httpAddress: '127.0.0.1:0',
        podName: 'replica',
        ...shortLease,
        ...flags,
      },
      {},
    );
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
    return new Replica(await serve(config, log), port, lines);
  }

  async #get(path: string): Promise<{ readonly status: number; readonly body: Health }> {
    const response = await fetch(`http://127.0.0.1:${this.server.httpPort}${path}`);
    return { status: response.status, body: (await response.json()) as Health };
  }

  ready(): Promise<{ readonly status: number; readonly body: Health }> {
    return this.#get('/ready');
  }

  health(): Promise<{ readonly status: number; readonly body: Health }> {
    return this.#get('/health');
  }

  /** Lines of the log that hold `text`, of `level` and worse. */
  said(text: string, level: keyof typeof levelOf | 'all' = 'all'): readonly string[] {
    const least = level === 'all' ? 0 : levelOf[level];
    return this.lines.filter((line) => line.level >= least && line.msg.includes(text)).map(({ msg }) => msg);
  }

  /** Resolves when it has said so. */
  async says(text: string, timeoutMs?: number): Promise<void> {
    await eventually(
      async () => this.said(text),
      (lines) => lines.length > 0,
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`it never said ${text}:\n${this.lines.map(({ msg }) => msg).join('\n')}`, { cause: error });
    });
  }
}

const shortLease = { leaseDuration: '2s', leaseRenewDeadline: '1400ms', leaseRetry: '250ms' };

/** An Envoy with the files that its pod would mount. */
export type Pod = { readonly envoy: RunningEnvoy; readonly certificates: string; readonly stop: () => Promise<void> };

/**
 * Runs the Envoy of the Deployment `name`, as a kubelet and the Deployment's controller would: files from its ConfigMap and Secret, and says that it is
 * ready once its probe answers.
 */
export const startPod = async (api: ApiServer, namespace: string, name: string, gateway: string): Promise<Pod> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-pod-'));
  const here = { config: join(dir, 'config'), certificates: join(dir, 'xds') };
  for (const folder of Object.values(here)) await mkdir(folder);
  const standing = async (kind: string, object: string): Promise<KubeObject> => {
    const found = await eventually(
      async () => ({ object: await read(api, kind, namespace, object) }),
      (seen) => seen.object !== undefined,
    );
    return found.object as KubeObject;
  };
  const { data } = (await standing('ConfigMap', name)) as unknown as { readonly data: Readonly<Record<string, string>> };
  const secret = (await standing('Secret', `${name}-xds`)) as unknown as { readonly data: Readonly<Record<string, string>> };
  const [admin = 0, probe = 0] = await freePorts(2);
  const moved = (text: string): string =>
    text
      .replaceAll(paths.config, here.config)
      .replaceAll(paths.certificates, here.certificates)
      .replaceAll('"portValue": 19000', `"portValue": ${admin}`)
      .replaceAll('"portValue": 19001', `"portValue": ${probe}`);
  for (const [file, text] of Object.entries(data)) await writeFile(join(here.config, file), moved(text));
  for (const [file, text] of Object.entries(secret.data)) await writeFile(join(here.certificates, file), Buffer.from(text, 'base64'));
  const envoy = await startEnvoy({
    bootstrap: moved(data[bootstrapFile] ?? ''),
    args: ['--service-cluster', gateway, '--service-node', `${name}-0`, '--drain-time-s', '1'],
  });
  const stop = async (): Promise<void> => {
    await envoy.stop('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${probe}/ready`)).status,
      (status) => status === 200,
    );
    await writeStatus(api, 'Deployment', namespace, name, { replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 });
    return { envoy, certificates: here.certificates, stop };
  } catch (error) {
    await stop();
    throw new Error(`the Envoy of ${gateway} does not get ready: ${String(error)}\n${envoy.log()}`, { cause: error });
  }
};
