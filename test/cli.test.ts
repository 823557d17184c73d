import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pino } from 'pino';
import type { Io } from '../src/cli/io.ts';
import { runCli } from '../src/cli/run.ts';
import { type Server, serve } from '../src/cli/server.ts';
import { configFrom } from '../src/config.ts';
import { certificateFor } from './support/certificates.ts';
import { freePort } from './support/ports.ts';

const quickstart = join(import.meta.dirname, '../examples/quickstart');

const run = async (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
  let out = '';
  let err = '';
  const io: Io = { out: (text) => (out += text), err: (text) => (err += text), environment: {}, terminal: false };
  const code = await runCli(args, io);
  return { code, out, err };
};

let dir: string;
/** The quickstart without its tailnet, which is asked by a server and by nobody else. */
let local: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailplane-cli-'));
  local = join(dir, 'local');
  await cp(quickstart, local, { recursive: true, filter: (path) => !path.endsWith('tailnet.yaml') });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const fileWith = async (name: string, text: string): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
};

describe('a command line that cannot be run as given', () => {
  it.each([
    [['bootsrap'], "unknown command 'bootsrap' (Did you mean bootstrap?)"],
    [['bootstrap'], "required option '--gateway <namespace/name>' not specified"],
    [['bootstrap', '--gateway', 'edge'], '--gateway: "edge" is not NAMESPACE/NAME'],
    [['bootstrap', '--gateway', 'a/b', '--xds', 'x'], '--xds: "x" is not HOST:PORT'],
    [['bootstrap', '--gateway', 'a/b', '--tls-cert', 'x'], '--tls-cert, --tls-key and --tls-server-name need --tls-ca'],
    [['bootstrap', '--gateway', 'a/b', '--tls-ca', 'x', '--tls-key', 'y'], '--tls-cert and --tls-key come together'],
    [['serve'], '--config-dir <dir> (or TAILPLANE_CONFIG_DIR) or --kubernetes is required'],
    [['serve', '--config-dir', '/nonexistent'], '--config-dir: /nonexistent does not exist'],
    [['serve', '--config-dir', '.', '--log-level', 'loud'], '--log-level: "loud" is none of'],
    [['serve', '--config-dir', '.', '--colour'], "unknown option '--colour'"],
    [['serve', '--config', '/nonexistent.yaml'], '--config: cannot read /nonexistent.yaml: ENOENT'],
    [['check'], "missing required argument 'path'"],
    [['check', '/nonexistent'], '/nonexistent does not exist'],
    [['dump', '--config-dir', quickstart, '--type', 'route'], 'no type route; there is Cluster,'],
    [['dump', '--config-dir', quickstart, '-o', 'xml'], "argument 'xml' is invalid"],
    [['explain', 'nonsense', '--config-dir', quickstart], '"nonsense" is not a URL'],
    [['explain', 'http://a/', '--header', 'x', '--config-dir', quickstart], 'header "x" is not "name: value"'],
    [['status', '--server', 'here'], '--server: "here" is not an http:// URL'],
  ])('%j is one line on stderr, and exit code 2', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toMatch(/^tailplane: /);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('names the line of a settings file that is no YAML', async () => {
    const { code, err } = await run('serve', '--config', await fileWith('settings', 'configDir: a\nlogLevel: [\n'));
    expect(err).toMatch(/settings:3: /);
    expect(code).toBe(2);
  });

  it('says which address is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    for (const flag of ['--xds-address', '--http-address']) {
      const other = flag === '--xds-address' ? '--http-address' : '--xds-address';
      const { code, err } = await run(
        'serve',
        '--config-dir',
        quickstart,
        '--log-level',
        'silent',
        flag,
        `127.0.0.1:${port}`,
        other,
        '127.0.0.1:0',
      );
      expect(err).toBe(`tailplane: cannot listen on 127.0.0.1:${port}: the address is already in use\n`);
      expect(code).toBe(2);
    }
    squatter.close();
  });
});

describe('help', () => {
  it.each(['serve', 'bootstrap', 'check', 'explain', 'status', 'dump', 'crds'])(
    '%s explains itself with an example, and exits with 0',
    async (verb) => {
      const { code, out } = await run(verb, '--help');
      expect(out).toMatch(/Usage: tailplane .*\n[^]*Examples?:\n {2}tailplane /);
      expect(code).toBe(0);
    },
  );
});

describe('bootstrap', () => {
  it('prints YAML for one Gateway', async () => {
    const { code, out } = await run('bootstrap', '--gateway', 'infra/edge', '--node-id', 'edge-0', '--api-type', 'GRPC');
    const bootstrap = parse(out) as { node: unknown; dynamicResources: { adsConfig: { apiType: string } } };
    expect(bootstrap.node).toEqual({ id: 'edge-0', cluster: 'infra/edge' });
    expect(bootstrap.dynamicResources.adsConfig.apiType).toBe('GRPC');
    expect(code).toBe(0);
  });
});

const broken = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: dangling, namespace: default }
spec:
  parentRefs: [{ name: quickstart }]
  rules: [{ backendRefs: [{ name: nowhere, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: wrong, namespace: default }
spec:
  parentRefs: [{ name: quickstart }]
  rules: nonsense
`;

describe('check', () => {
  it('finds nothing wrong with the quickstart', async () => {
    expect(await run('check', quickstart)).toEqual({ code: 0, out: '', err: '12 objects, no errors, no warnings\n' });
  });

  it('names file, line and column of what cannot be read, and of objects whose references dangle', async () => {
    const file = await fileWith('broken.yaml', broken);
    const { code, out, err } = await run('check', quickstart, file);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/broken\.yaml:1:1: HTTPRoute default\/dangling \(.*\): ResolvedRefs BackendNotFound: /);
    expect(lines[1]).toMatch(/broken\.yaml:13:3: spec\.rules: /);
    expect(lines).toHaveLength(2);
    expect(err).toBe('13 objects, 2 errors, no warnings\n');
    expect(code).toBe(1);
  });

  it('gives the same to machines', async () => {
    const { code, out } = await run('check', '-o', 'json', quickstart, await fileWith('broken.yaml', broken));
    const report = JSON.parse(out) as { errors: number; problems: { file: string; line: number; severity: string }[] };
    expect(report.errors).toBe(2);
    expect(report.problems.map(({ line, severity }) => [line, severity])).toEqual([
      [1, 'error'],
      [13, 'error'],
    ]);
    expect(code).toBe(1);
  });
});

describe('asking', () => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    const config = configFrom({ configDir: local, xdsAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }, {});
    server = await serve(config, pino({ level: 'silent' }));
    url = `http://127.0.0.1:${server.httpPort}`;
    await ready(url);
  });
  afterAll(() => server.stop());

  it.each([
    ['dump', '-o', 'json'],
    ['dump', '--gateway', 'default/quickstart', '--type', 'LDS'],
    ['explain', 'http://shop.localhost/', '--header', 'x-version: v2'],
    ['explain', 'HTTPRoute/default/shop', '-o', 'json'],
    ['status'],
  ])('a server gives what working on its directory gives: %s %s %s', async (...args) => {
    const [online, offline] = [await run(...args, '--server', url), await run(...args, '--config-dir', local)];
    expect(online).toEqual(offline);
    expect(online).toMatchObject({ code: 0, err: '' });
    expect(online.out.length).toBeGreaterThan(100);
  });

  it('lists every object with its conditions as on a cluster', async () => {
    const { out } = await run('status', '-o', 'json', '--server', url);
    const { objects } = JSON.parse(out) as {
      objects: { kind: string; name: string; namespace?: string; status?: { parents?: unknown[] } }[];
    };
    expect(objects.map(({ kind, name }) => `${kind}/${name}`)).toEqual([
      'GatewayClass/tailplane',
      'Gateway/quickstart',
      'HTTPRoute/files',
      'HTTPRoute/old-shop',
      'HTTPRoute/shop',
      'Service/shop-v1',
      'Service/shop-v2',
      'EndpointSlice/shop-v1-1',
      'EndpointSlice/shop-v2-1',
    ]);
    expect(objects.find(({ name }) => name === 'shop')?.status?.parents).toEqual([
      {
        parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'quickstart' },
        controllerName: 'gateway.tailscale.com/tailplane',
        conditions: ['Accepted', 'ResolvedRefs'].map((type) =>
          expect.objectContaining({
            type,
            status: 'True',
            reason: type,
            observedGeneration: 1,
            lastTransitionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
          }),
        ),
      },
    ]);
  });

  it('says how to go on when no server answers', async () => {
    const { code, err } = await run('status', '--server', `http://127.0.0.1:${await freePort()}`);
    expect(err).toMatch(/^tailplane: no server answers at http:\/\/127.0.0.1:\d+ \(ECONNREFUSED\): start one with .* --config-dir DIR\n$/);
    expect(code).toBe(1);
  });

  it('says so when what answers is no tailplane', async () => {
    const other = createHttpServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, err } = await run('status', '--server', address);
    expect(err).toBe(`tailplane: ${address} answered 200, which is not tailplane's API\n`);
    expect(code).toBe(1);
    other.close();
  });

  it('names the Gateways there are when asked for another', async () => {
    const { code, err } = await run('dump', '--gateway', 'default/other', '--server', url);
    expect(err).toBe('tailplane: no accepted Gateway default/other; there is default/quickstart\n');
    expect(code).toBe(1);
  });
});

describe('dump', () => {
  it('never shows a private key', async () => {
    const { certificate, privateKey } = certificateFor(['a.example']);
    const secret = await mkdtemp(join(dir, 'tls-'));
    await writeFile(
      join(secret, 'all.yaml'),
      `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: tailplane }
spec: { controllerName: gateway.tailscale.com/tailplane }
---
apiVersion: v1
kind: Secret
metadata: { name: cert, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: tailplane
  listeners: [{ name: https, protocol: HTTPS, port: 443, tls: { certificateRefs: [{ name: cert }] } }]
`,
    );
    const [dump, status] = [await run('dump', '--config-dir', secret), await run('status', '-o', 'json', '--config-dir', secret)];
    expect(dump.out).toContain('[redacted]');
    for (const { out } of [dump, status]) {
      expect(out).not.toContain('PRIVATE KEY');
      expect(out).not.toContain(Buffer.from(privateKey).toString('base64'));
    }
  });
});

const ready = async (url: string): Promise<void> => {
  while (!(await fetch(`${url}/ready`)).ok) await new Promise(setImmediate);
};
