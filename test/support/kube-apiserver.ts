/** A real etcd and kube-apiserver on loopback for tests: as envtest finds them (KUBEBUILDER_ASSETS), or the lab's `labkube`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { labProgram } from './lab.ts';
import { freePorts } from './ports.ts';

type Program = readonly [string, ...string[]];
type Programs = {
  readonly etcd: Program;
  readonly etcdArguments: (client: string, peer: string) => readonly string[];
  readonly apiserver: Program;
};

const programs = ((): Programs | undefined => {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '')
    return {
      etcd: [join(assets, 'etcd')],
      etcdArguments: (client, peer) => [
        '--data-dir=etcd',
        '--unsafe-no-fsync',
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
      ],
      apiserver: [join(assets, 'kube-apiserver')],
    };
  const labkube = labProgram('labkube', 'cluster');
  if (labkube === undefined) return undefined;
  return {
    etcd: [labkube, 'etcd'],
    etcdArguments: (client, peer) => ['--data-dir=etcd', `--listen-client-url=${client}`, `--listen-peer-url=${peer}`],
    apiserver: [labkube, 'kube-apiserver'],
  };
})();

/** Whether tests can have an API server: `describe.skipIf(!hasApiServer)(…)`. In CI (`CI=true`) there must be one: then it throws. */
export const hasApiServer: boolean = programs !== undefined;
if (!hasApiServer && process.env['CI'] === 'true')
  throw new Error('no kube-apiserver: set KUBEBUILDER_ASSETS, or have the lab beside the checkout');

export type TestApiServer = {
  /** As the administrator. */
  readonly api: ApiServer;
  readonly url: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** A kubeconfig for somebody with no rights but those RBAC gives to `user` or `groups`; the path. */
  readonly kubeconfigFor: (user: TestUser) => string;
  /** Ends the API server at once, as a crash would; etcd stays. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same port, and waits until it is ready. */
  readonly restart: () => Promise<void>;
  /** Applies objects, or the documents of a YAML text, in order. */
  readonly apply: (objects: string | readonly KubeObject[]) => Promise<void>;
  /** Installs a channel of the Gateway API, as the lab pins it, and our own CRDs; resolves when they are served. */
  readonly installCrds: (channel: 'standard' | 'experimental') => Promise<void>;
  /** Ends both and removes their data. */
  readonly stop: () => Promise<void>;
};

/** The users a test may speak as, besides the administrator; one may be a service account's full name. */
export const testUsers = ['alice', 'system:serviceaccount:tailplane-system:tailplane'] as const;
export type TestUser = (typeof testUsers)[number];

export type TestApiServerOptions = {
  /** Install the Gateway API's CRDs, and ours; on unless false. `gateway-api`: without ours. */
  readonly crds?: boolean | 'gateway-api';
};

/** An API server with RBAC, whole in a few seconds. Whoever starts it stops it. */
export const startApiServer = async ({ crds = true }: TestApiServerOptions = {}): Promise<TestApiServer> => {
  if (programs === undefined) throw new Error('unreachable: no kube-apiserver');
  const { etcd, etcdArguments, apiserver } = programs;
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-kube-'));
  const [etcdPort, peerPort, port] = (await freePorts(3)) as [number, number, number];
  const url = `https://127.0.0.1:${port}`;
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const tokens = [
    'admin,admin,admin,"system:masters"',
    ...testUsers.map((user, index) => `token-${index},${user},uid-${index},${groupsOf(user)}`),
  ];
  await mkdir(join(dir, 'certs'));
  await Promise.all([writeFile(join(dir, 'sa.key'), key), writeFile(join(dir, 'tokens.csv'), `${tokens.join('\n')}\n`)]);

  const log = (name: string): number => openSync(join(dir, `${name}.log`), 'a');
  const run = ([program, ...first]: Program, args: readonly string[], name: string): ChildProcess => {
    const output = log(name);
    return spawn(program, [...first, ...args], { cwd: dir, stdio: ['ignore', output, output] });
  };
  const peer = `http://127.0.0.1:${peerPort}`;
  const client = `http://127.0.0.1:${etcdPort}`;
  const store = run(etcd, etcdArguments(client, peer), 'etcd');
  const runApiServer = (): ChildProcess =>
    run(
      apiserver,
      [
        `--etcd-servers=${client}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        '--cert-dir=certs',
        '--token-auth-file=tokens.csv',
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        '--service-account-signing-key-file=sa.key',
        '--service-account-key-file=sa.key',
        '--service-cluster-ip-range=10.96.0.0/16',
        '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
        '--allow-privileged=true',
        '--shutdown-delay-duration=0s',
        '--endpoint-reconciler-type=none',
        '--profiling=false',
      ],
      'apiserver',
    );
  let server = runApiServer();
  const ready = async (): Promise<void> => {
    const deadline = performance.now() + 60_000;
    for (;;) {
      if (server.exitCode !== null)
        throw new Error(`kube-apiserver ended:\n${(await readFile(join(dir, 'apiserver.log'), 'utf8')).slice(-2000)}`);
      const said = await answers(`${url}/readyz`, join(dir, 'certs', 'apiserver.crt'));
      if (said) return;
      if (performance.now() > deadline) throw new Error('kube-apiserver is not ready after a minute');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  const kubeconfigOf = async (name: string, token: string): Promise<string> => {
    const path = join(dir, `${name}.kubeconfig`);
    const ca = await readFile(join(dir, 'certs', 'apiserver.crt'), 'base64');
    await writeFile(path, JSON.stringify(kubeconfig(url, ca, token)));
    return path;
  };
  await ready();
  const admin = await kubeconfigOf('admin', 'admin');
  const others = new Map(
    await Promise.all(testUsers.map(async (user, index) => [user, await kubeconfigOf(`user-${index}`, `token-${index}`)] as const)),
  );
  const api = connect({ kubeconfig: admin });
  const apply = async (objects: string | readonly KubeObject[]): Promise<void> => {
    for (const object of typeof objects === 'string' ? documentsIn(objects) : objects) await applyOne(api, object);
  };
  if (crds !== false) await installCrds(api, apply, 'experimental', crds === true);
  return {
    api,
    url,
    kubeconfig: admin,
    kubeconfigFor: (user) => others.get(user) ?? '',
    kill: () => end(server, 'SIGKILL'),
    restart: async () => {
      server = runApiServer();
      await ready();
    },
    apply,
    installCrds: (channel) => installCrds(api, apply, channel, true),
    stop: async () => {
      await end(server, 'SIGKILL');
      await end(store, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
};

const groupsOf = (user: string): string => (user.startsWith('system:serviceaccount:') ? `"system:serviceaccounts"` : '""');

const kubeconfig = (server: string, ca: string, token: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca } }],
  users: [{ name: 'test', user: { token } }],
  contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  'current-context': 'test',
});

const answers = async (url: string, certificate: string): Promise<boolean> => {
  try {
    accessSync(certificate);
    const { Agent, fetch } = await import('undici');
    const dispatcher = new Agent({ connect: { ca: readFileSync(certificate, 'utf8') } });
    const response = await fetch(url, { dispatcher, headers: { authorization: 'Bearer admin' }, signal: AbortSignal.timeout(2000) });
    const { status } = response;
    await response.text();
    await dispatcher.close();
    return status === 200;
  } catch {
    return false; // not yet
  }
};

const documentsIn = (yaml: string): readonly KubeObject[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);

/** Server-side apply, the kind's path found by discovery, as kubectl does it. */
const applyOne = async (api: ApiServer, object: KubeObject): Promise<void> => {
  const base = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const { resources } = (await api.request({ path: base })) as {
    readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
  };
  const resource = resources.find(({ kind, name }) => kind === object.kind && !name.includes('/'));
  if (resource === undefined) throw new Error(`the API server has no ${object.apiVersion} ${object.kind}`);
  const { name, namespace = 'default' } = object.metadata;
  const path = [base, ...(resource.namespaced ? ['namespaces', namespace] : []), resource.name, name].join('/');
  await api.request({
    method: 'PATCH',
    path,
    query: { fieldManager: 'test', force: true },
    contentType: 'application/apply-patch+yaml',
    body: object,
  });
};

/** A channel of the Gateway API as the lab pins it, then our own where `own` says so. */
const installCrds = async (
  api: ApiServer,
  apply: TestApiServer['apply'],
  channel: 'standard' | 'experimental',
  own: boolean,
): Promise<void> => {
  const folders = [
    join(process.env['LAB_CACHE'] ?? join(homedir(), '.cache', 'tailplane-lab'), 'crds', channel),
    ...(own ? [join(import.meta.dirname, '..', '..', 'crds')] : []),
  ];
  for (const folder of folders) for (const file of yamlFilesIn(folder)) await apply(readFileSync(join(folder, file), 'utf8'));
  for (let served = false; !served; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { items } = (await api.request({ path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions' })) as {
      readonly items: readonly {
        readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
      }[];
    };
    served = items.every(
      ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true,
    );
  }
};

const yamlFilesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .toSorted();
  } catch {
    return []; // none yet
  }
};
