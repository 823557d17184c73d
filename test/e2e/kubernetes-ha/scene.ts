/** Two replicas on one cluster, each on a line of its own to the API server, and an Envoy that may follow either. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapFor } from '../../../bootstrap/bootstrap.ts';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { type Started, startScript } from '../../support/child.ts';
import { type RunningEnvoy, startEnvoy } from '../../support/envoy.ts';
import { ask, type Load, startLoad } from '../../support/http.ts';
import { startApiServer, type TestApiServer } from '../../support/kube-apiserver.ts';
import { freePorts } from '../../support/ports.ts';
import { type ApiType, eventually } from '../../support/world.ts';
import { type OwnBackend, startOwnBackend } from './backend.ts';
import { type History, startHistory } from './history.ts';
import { type Line, startLine } from './line.ts';

/** Shorter than what we run with, in much the same proportions. */
export const leaseMs = 2000;

/** This machine's own address: an API server takes no loopback addresses for endpoints. */
export const ownAddress: string | undefined = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

export type Replica = {
  readonly name: string;
  readonly line: Line;
  readonly http: number;
  process: Started;
};

export class HaScene {
  readonly server: TestApiServer;
  readonly replicas: readonly Replica[];
  readonly backends: readonly OwnBackend[];
  readonly history: History;
  readonly gatewayPort: number;
  readonly #envoys: RunningEnvoy[] = [];
  readonly #dir: string;
  readonly #xds: readonly number[];

  private constructor(parts: {
    readonly server: TestApiServer;
    readonly replicas: readonly Replica[];
    readonly backends: readonly OwnBackend[];
    readonly gatewayPort: number;
    readonly dir: string;
    readonly xds: readonly number[];
  }) {
    this.server = parts.server;
    this.replicas = parts.replicas;
    this.backends = parts.backends;
    this.gatewayPort = parts.gatewayPort;
    this.#dir = parts.dir;
    this.#xds = parts.xds;
    this.history = startHistory(parts.server.api);
  }

  /** Ready when both replicas serve, and the Envoy does. */
  static async start(apiType: ApiType): Promise<HaScene> {
    const server = await startApiServer();
    const dir = await mkdtemp(join(tmpdir(), 'tailplane-ha-'));
    const ports = await freePorts(5);
    const [gatewayPort = 0, ...rest] = ports;
    const xds = rest.slice(0, 2);
    const backends = await Promise.all(['one', 'two'].map((name) => startOwnBackend(name, ownAddress ?? '')));
    await server.apply(worldOf(gatewayPort, backends));
    const replicas = await Promise.all(
      [0, 1].map(async (index): Promise<Replica> => {
        const line = await startLine(Number(new URL(server.url).port));
        await writeFile(
          configFile(dir, index),
          (await readFile(server.kubeconfig, 'utf8')).replace(server.url, `https://127.0.0.1:${line.port}`),
        );
        const http = rest[2 + index] ?? 0;
        return { name: `replica-${index}`, line, http, process: startReplica(dir, index, xds[index] ?? 0, http) };
      }),
    );
    const scene = new HaScene({ server, replicas, backends, gatewayPort, dir, xds });
    try {
      for (const { process } of replicas) await process.says('serving Gateways default/edge');
      await scene.startEnvoy(apiType);
      return scene;
    } catch (error) {
      await scene.stop();
      throw error;
    }
  }

  /** Of Gateway `default/edge`, knowing both replicas. */
  async startEnvoy(apiType: ApiType): Promise<RunningEnvoy> {
    const [first = 0, second = 0] = this.#xds;
    const bootstrap = JSON.stringify(
      bootstrapFor({
        gateway: { namespace: 'default', name: 'edge' },
        nodeId: `edge-${this.#envoys.length}`,
        xds: { host: '127.0.0.1', port: first },
        apiType,
        admin: { host: '127.0.0.1', port: 0 },
      }),
    );
    // A Service stands before the replicas on a cluster; here Envoy sees them both.
    const other = /\{"endpoint":\{"address":\{"socketAddress":\{[^}]*"portValue":(\d+)\}\}\}\}/;
    const both = bootstrap.replace(other, (endpoint) => `${endpoint},${endpoint.replace(String(first), String(second))}`);
    if (both === bootstrap) throw new Error(`unreachable: no xDS endpoint in ${bootstrap}`);
    const envoy = await startEnvoy({ bootstrap: both });
    this.#envoys.push(envoy);
    await envoy.live();
    return envoy;
  }

  get envoy(): RunningEnvoy {
    const [envoy] = this.#envoys;
    if (envoy === undefined) throw new Error('unreachable: no Envoy');
    return envoy;
  }

  /** Which replica an Envoy follows now: the one that knows of it. */
  async followed(): Promise<number | undefined> {
    const known = await Promise.all(this.replicas.map((replica) => this.#connected(replica).catch(() => 0)));
    const index = known.findIndex((count) => count > 0);
    return index < 0 ? undefined : index;
  }

  async #connected({ http }: Replica): Promise<number> {
    const answer = (await (await fetch(`http://127.0.0.1:${http}/api/v1/status`)).json()) as { readonly envoys?: readonly unknown[] };
    return JSON.stringify(answer).includes('edge-0') ? 1 : 0;
  }

  async dump(index: number): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.replicas[index]?.http}/api/v1/dump`)).text();
  }

  async holder(): Promise<string> {
    const { spec } = (await this.server.api.request({
      path: '/apis/coordination.k8s.io/v1/namespaces/default/leases/tailplane',
    })) as KubeObject & { readonly spec: { readonly holderIdentity: string } };
    return spec.holderIdentity.replace(/_.*/, '');
  }

  /** The index of who leads, once somebody does; somebody else than `not`, where that is given. */
  async leader(not?: number): Promise<number> {
    const name = await eventually(
      () => this.holder(),
      (holder) => this.replicas.some((replica, index) => replica.name === holder && index !== not),
      30_000,
    );
    return this.replicas.findIndex((replica) => replica.name === name);
  }

  async restart(index: number): Promise<void> {
    const replica = this.replicas[index];
    if (replica === undefined) throw new Error(`unreachable: no replica ${index}`);
    replica.process = startReplica(this.#dir, index, this.#xds[index] ?? 0, replica.http);
    await replica.process.says('serving Gateways default/edge');
  }

  /** Starts the API server again; resolves when we look as before. */
  async restartApiServer(): Promise<void> {
    await this.server.restart();
    await eventually(
      async () => this.history.looks(),
      (looks) => looks,
    );
  }

  /** Points the route at another backend. */
  async route(to: string): Promise<void> {
    await this.server.apply([routeTo(to)]);
  }

  /** Resolves when requests get there. */
  async arrivesAt(name: string): Promise<void> {
    await eventually(
      () => ask(this.gatewayPort),
      ({ body }) => body.startsWith(name),
      40_000,
    );
  }

  load(): Load {
    return startLoad(this.gatewayPort, {}, ({ status }) => status === 200, 2);
  }

  async stop(): Promise<void> {
    this.history.stop();
    for (const envoy of this.#envoys) await envoy.stop('SIGKILL');
    for (const { process, line } of this.replicas) {
      await process.stop('SIGKILL');
      await line.stop();
    }
    for (const backend of this.backends) backend.close();
    await this.server.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

const configFile = (dir: string, index: number): string => join(dir, `${index}.kubeconfig`);

const startReplica = (dir: string, index: number, xds: number, http: number): Started =>
  startScript(
    'src/main.ts',
    [
      `serve --kubernetes --kubeconfig ${configFile(dir, index)} --namespace default --pod-name replica-${index}`,
      `--no-provisioning --xds-tls off --xds-address 127.0.0.1:${xds} --http-address 127.0.0.1:${http}`,
      `--lease-duration ${leaseMs}ms --lease-renew-deadline 1400ms --lease-retry 250ms`,
    ].flatMap((flags) => flags.split(' ')),
  );

const gatewayApi = 'gateway.networking.k8s.io/v1';

const routeTo = (name: string): KubeObject => ({
  apiVersion: gatewayApi,
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name, port: 80 }] }] },
});

const worldOf = (port: number, backends: readonly OwnBackend[]): readonly KubeObject[] => [
  {
    apiVersion: gatewayApi,
    kind: 'GatewayClass',
    metadata: { name: 'tailplane' },
    spec: { controllerName: 'gateway.tailscale.com/tailplane' },
  },
  {
    apiVersion: gatewayApi,
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: 'default' },
    spec: {
      gatewayClassName: 'tailplane',
      addresses: [{ type: 'IPAddress', value: ownAddress }],
      listeners: [{ name: 'http', protocol: 'HTTP', port }],
    },
  },
  routeTo('one'),
  ...backends.flatMap(({ name, port: backendPort, address }): KubeObject[] => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ port: 80, targetPort: backendPort }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: backendPort, protocol: 'TCP' }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ]),
];
