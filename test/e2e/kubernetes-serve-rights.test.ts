/** The whole of tailplane on a cluster that lacks something: kinds, rights, or the wish to have Envoys run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/run.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { envoy, startEnvoy } from '../support/envoy.ts';
import { hasHelm, rendered } from '../support/helm.ts';
import { ask } from '../support/http.ts';
import { hasApiServer, startApiServer, type TestApiServer } from '../support/kube-apiserver.ts';
import { installation, ownAddress, pathFor, read, Replica } from '../support/kube-world.ts';
import { freePorts } from '../support/ports.ts';
import { edgeAt, eventually } from '../support/world.ts';

type Rule = { readonly resources: readonly string[] };
type Role = KubeObject & { readonly rules: readonly Rule[] };

const possible = hasApiServer && envoy !== undefined && ownAddress !== undefined;
const withoutProvisioning = { provisioning: false };

describe.skipIf(!possible)('tailplane on a cluster', () => {
  let cluster: TestApiServer;
  let roles: readonly Role[];
  let replica: Replica | undefined;
  beforeAll(async () => {
    cluster = await startApiServer({ crds: false });
    const installed = await installation();
    roles = installed.filter(({ kind }) => kind === 'ClusterRole') as unknown as readonly Role[];
    await cluster.apply(installed.filter(({ kind }) => kind !== 'GatewayClass'));
  });
  afterEach(async () => {
    await replica?.server.stop();
    replica = undefined;
  });
  afterAll(() => cluster?.stop());

  /** Takes from our account what it may do with a resource. */
  const revoke = async (name: string, resource: string): Promise<void> => {
    const role = roles.find(({ metadata }) => metadata.name === name);
    if (role === undefined) throw new Error(`unreachable: no role ${name}`);
    const rules = role.rules.map((rule) => ({ ...rule, resources: rule.resources.filter((one) => one !== resource) }));
    await cluster.apply([{ ...role, rules: rules.filter(({ resources }) => resources.length > 0) }]);
  };
  const grant = (): Promise<void> => cluster.apply(roles);
  const conditionsOf = async (kind: string, name: string): Promise<string> =>
    JSON.stringify((await read(cluster.api, kind, 'default', name))?.['status'] ?? {});

  it('waits in order for the Gateway API, and takes it up without a restart', async () => {
    replica = await Replica.start(cluster, withoutProvisioning);
    await replica.says('does not serve');
    expect(replica.said('does not serve').join()).toContain('HTTPRoute');
    expect(await replica.ready()).toMatchObject({ status: 200 });
    await cluster.installCrds('standard');
    await replica.says('solved: ', 40_000);
    await cluster.apply(gatewayYaml);
    await eventually(
      () => conditionsOf('Gateway', 'edge'),
      (status) => status.includes('"Accepted"'),
      30_000,
    );
    expect(replica.said('', 'error').filter((line) => !line.startsWith('Kubernetes: '))).toEqual([]);
  });

  it('works with the other kinds where one may not be read, says which, and reads it once it may', async () => {
    await revoke('tailplane-read', 'tcproutes');
    replica = await Replica.start(cluster, withoutProvisioning);
    await replica.says('serving Gateways default/edge', 30_000);
    const ready = await eventually(
      async () => replica?.ready() ?? Promise.reject(new Error('unreachable')),
      ({ body }) => body.sources[0]?.error !== undefined,
    );
    expect(ready).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(ready.body.sources[0]?.error).toMatch(/^TCPRoute: forbidden: .*cannot list resource "tcproutes"/);
    expect(replica.said('TCPRoute: forbidden', 'error')).toHaveLength(1);
    await grant();
    await replica.says('Kubernetes: readable again', 30_000);
    expect(await replica.health()).toMatchObject({ status: 200 });
  });

  it('writes the other statuses where those of one kind may not be written, and says so once', async () => {
    await revoke('tailplane-status', 'httproutes/status');
    replica = await Replica.start(cluster, withoutProvisioning);
    await cluster.apply(routeYaml);
    await replica.says('may not be written', 30_000);
    await eventually(
      () => conditionsOf('Gateway', 'edge'),
      (status) => status.includes('"attachedRoutes":1'),
    );
    expect(await conditionsOf('HTTPRoute', 'shop')).not.toContain('gateway.tailscale.com/tailplane');
    const said = replica.lines.filter(({ msg }) => msg.includes('may not be written')).map((line) => JSON.stringify(line));
    expect(said).toEqual([expect.stringContaining('httproutes/status')]);
    await grant();
  });

  it.skipIf(!hasHelm)('gives Envoys of others a certificate where it runs none, and makes nothing else', async () => {
    const [listener = 0] = await freePorts(1);
    for (const kind of ['clusterroles', 'clusterrolebindings'])
      await cluster.api.request({ method: 'DELETE', path: `/apis/rbac.authorization.k8s.io/v1/${kind}/tailplane-provision` });
    await cluster.apply((await rendered(withoutProvisioning)).filter(({ apiVersion }) => apiVersion.startsWith('rbac.')));
    replica = await Replica.start(cluster, withoutProvisioning);
    await cluster.apply(gatewayYaml.replace('port: 80', `port: ${listener}`));
    const secret = await eventually(
      async () => (await read(cluster.api, 'Secret', 'default', 'edge-tailplane-xds')) as KubeObject,
      (found) => found !== undefined,
    );
    const dir = await mkdtemp(join(tmpdir(), 'tailplane-own-'));
    for (const [file, text] of Object.entries(secret['data'] as Readonly<Record<string, string>>))
      await writeFile(join(dir, file), Buffer.from(text, 'base64'));
    const files = ['ca', 'cert', 'key'].flatMap((flag, index) => [
      `--tls-${flag}`,
      join(dir, ['ca.crt', 'tls.crt', 'tls.key'][index] ?? ''),
    ]);
    let bootstrap = '';
    const out = (text: string): void => void (bootstrap += text);
    const where = ['--gateway', 'default/edge', '--xds', `127.0.0.1:${replica.xdsPort}`, '--admin-address', '127.0.0.1:0'];
    await runCli(['bootstrap', ...where, ...files], { out, err: out, environment: {}, terminal: false });
    const running = await startEnvoy({ bootstrap });
    try {
      await running.live();
      expect((await ask(listener)).status).toBe(404);
      await eventually(
        () => conditionsOf('Gateway', 'edge'),
        (status) => status.includes('"reason":"Programmed","status":"True"'),
      );
      const others = ['Deployment', 'Service', 'ConfigMap', 'ServiceAccount'].map((kind) =>
        read(cluster.api, kind, 'default', 'edge-tailplane'),
      );
      expect((await Promise.all(others)).filter((object) => object !== undefined)).toEqual([]);
      expect(replica.said('', 'error').filter((line) => !line.startsWith('Kubernetes: '))).toEqual([]);
    } finally {
      await running.stop();
      await rm(dir, { recursive: true, force: true });
      await cluster.api.request({ method: 'DELETE', path: pathFor('Gateway', 'default', 'edge') });
    }
  });
});

const gatewayYaml = edgeAt('192.0.2.1', 'name: http, protocol: HTTP, port: 80');
const routeYaml = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop, namespace: default }
spec: { parentRefs: [{ name: edge }], hostnames: [shop.example], rules: [{ filters: [{ type: RequestRedirect, requestRedirect: { hostname: a.example } }] }] }
`;
