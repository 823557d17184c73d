/**
 * Proxies into a tailnet as a cluster runs them: pods with the real containerboot and tailscaled, their state in real Secrets, a real coordination
 * server, and a simulator for the API. Traffic goes client → Envoy → proxy → WireGuard → a machine of the tailnet.
 */
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { hasLab } from '../support/lab-cluster.ts';
import { eventually } from '../support/world.ts';
import type { Ask } from './tailnet-cluster/client.ts';
import type { Failover } from './tailnet-cluster/failover.ts';
import { cells, isRefused, ways } from './tailnet-cluster/matrix.ts';
import { type Stage, startStage } from './tailnet-cluster/stage.ts';
import { simulator, vip } from './tailnet-cluster/world.ts';

const root = join(import.meta.dirname, '..', '..');
const tailscaleGroup = '/apis/gateway.tailscale.com/v1alpha1/namespaces/shop';
const endpointsPath = `${tailscaleGroup}/tailscaleendpoints/connect`;
const http = (host: string, path = '/'): Ask => ({ protocol: 'http', port: 80, host, path });
const patience = 90_000;

describe.skipIf(!hasLab)('proxies into a tailnet on a cluster', () => {
  let stage: Stage;
  const status = async (path = endpointsPath): Promise<Status> => (await stage.get<{ status?: Status }>(path)).status ?? {};
  const isReady = async (path = endpointsPath): Promise<boolean> =>
    (await status(path)).conditions?.some((condition) => condition.type === 'StatefulSetsReady' && condition.status === 'True') === true;
  /** So many pods of `connect` run, and are ready: what its status says may be of a moment before. */
  const areUp = async (count: number): Promise<boolean> => {
    const pods = (await stage.list('/api/v1/namespaces/shop/pods')).filter(({ metadata }) => metadata.name.startsWith('connect-egress-'));
    return pods.length === count && pods.every(isReadyPod) && (await isReady());
  };
  const until = async (look: () => Promise<boolean>): Promise<boolean> => eventually(look, (found) => found, patience);

  beforeAll(async () => {
    stage = await startStage();
    for (const way of ways) await until(() => isReady(`${tailscaleGroup}/tailscaleendpoints/${way}`));
  }, 300_000);

  afterAll(async () => stage?.stop(), 60_000);

  describe('carry what comes to a Gateway to a machine', () => {
    const carried = [...cells].filter(([, cell]) => !isRefused(cell));
    let answers: Readonly<Record<string, string>> = {};

    beforeAll(async () => {
      const asks = Object.fromEntries(carried.map(([name, cell]) => [name, { ...cell, ca: stage.machine.ca }]));
      const areAnswered = (all: typeof answers): boolean => Object.values(all).every((answer) => answer.startsWith('machine'));
      answers = await eventually(async () => (answers = await stage.ask(asks)), areAnswered, patience).catch(() => answers);
    }, 2 * patience);

    it.each(carried.map(([name, { way, to, route, protocol }]) => [route, to, way, name, protocol] as const))(
      '%s to %s by %s',
      (_route, _to, _way, name, protocol) => {
        expect(answers[name]).toBe(protocol === 'http' || protocol === 'grpc' ? 'machine' : 'machine:hello');
      },
    );

    it.each([...cells].filter(([, cell]) => isRefused(cell)).map(([name, { to, way }]) => [to, way, name] as const))(
      'but UDPRoute to %s by %s, which says why',
      async (_to, _way, name) => {
        const { parents = [] } = await status(`/apis/gateway.networking.k8s.io/v1/namespaces/shop/udproutes/${name}`);
        const refused = parents[0]?.conditions.find(({ type }) => type === 'ResolvedRefs');
        expect(refused).toMatchObject({ status: 'False', reason: 'UnsupportedProtocol' });
        expect(refused?.message).toContain('UDP needs proxies of mode forward, or mode direct');
      },
    );
  });

  it('are devices of the tailnet, each with a status', async () => {
    const { devices: shown = [], statefulSets = [] } = await status();
    expect(new Set(shown.map(({ nodeID }) => nodeID))).toEqual(new Set(await stage.devices('shop-connect-egress-')));
    expect(statefulSets).toMatchObject([{ name: 'connect-egress', desiredReplicas: 2, readyReplicas: 2 }]);
  });

  it('serve the services of the tailnet under the names that a TailscaleGateway makes for them', async () => {
    const asks = { portal: http(vip.host, `${vip.path}/index`) };
    const { portal } = await eventually(
      () => stage.ask(asks),
      (answers) => answers.portal === 'machine',
      patience,
    );
    expect(portal).toBe('machine');
  }, 120_000);

  it('are made by a template where there are none, and go with the last that wants them', async () => {
    const answers = await eventually(
      () => stage.ask({ made: http('made.example.com') }),
      ({ made }) => made === 'machine',
      patience,
    );
    expect(answers.made).toBe('machine');
    const plurals = [
      'gateway.tailscale.com/v1alpha1/tailscaleendpoints',
      'apps/v1/statefulsets',
      'rbac.authorization.k8s.io/v1/roles',
      'pods',
      'secrets',
    ];
    const there = async () => [
      ...(await Promise.all(plurals.map((plural) => stage.names(plural, 'made')))).flat(),
      ...(await stage.devices('shop-made-egress-')),
    ];
    expect(await stage.names('pods', 'made')).toEqual(['made-egress-0']);
    expect(await stage.devices('shop-made-egress-')).toHaveLength(1);
    await stage.api.request({ method: 'DELETE', path: `${tailscaleGroup}/tailscaleservices/made` });
    expect(await until(async () => (await there()).length === 0)).toBe(true);
  }, 240_000);

  it('give way to those of the next priority when the tailnet says that a machine is offline, and take over again', async () => {
    const { answered, away, back } = await stage.run<Failover>('failover.ts', 'failover.example.com', 'machine', simulator);
    const told = [...away, ...back].map(({ sinceKnown, sinceAsked }) => `${sinceKnown} (${sinceAsked})`).join(', ');
    process.stderr.write(`another machine answered, in ms after the API knew (after it was asked): ${told}\n`);
    expect(answered).toEqual(['machine', 'spare']);
  }, 120_000);

  it('lose no more requests than those under way when one of two is killed', async () => {
    const connections = 4;
    const program = join(root, 'test/e2e/lab/load.ts');
    const load = stage.lab.spawn([
      process.execPath,
      program,
      await stage.address(),
      'connect-tailscaleendpoints-http.passthrough.example',
      String(connections),
    ]);
    const out = text(load.stdout);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const path = '/api/v1/namespaces/shop/pods/connect-egress-0';
    const { metadata } = await stage.get(path);
    await stage.api.request({ method: 'DELETE', path, query: { gracePeriodSeconds: 0 } });
    await until(async () => {
      const pod = await stage.get(path).catch(() => undefined);
      return pod !== undefined && pod.metadata.uid !== metadata.uid && (await areUp(2));
    });
    load.stdin.end();
    const { answered, failures } = JSON.parse(await out) as { answered: number; failures: readonly string[] };
    process.stderr.write(`one of two proxies killed: ${answered} answered, ${failures.length} failed\n`);
    expect(failures.length).toBeLessThanOrEqual(connections);
    expect(answered).toBeGreaterThan(100);
  }, 120_000);

  it('leave the tailnet in order when there are to be fewer', async () => {
    const body = { spec: { proxy: { replicas: 1 } } };
    await stage.api.request({ method: 'PATCH', path: endpointsPath, body, contentType: 'application/merge-patch+json' });
    const secrets = (): Promise<readonly string[]> => stage.names('secrets', 'connect-egress-');
    await until(async () => (await stage.devices('shop-connect-egress-')).length === 1 && (await secrets()).length === 2);
    expect(await stage.names('pods', 'connect-egress-')).toEqual(['connect-egress-0']);
    expect((await secrets()).toSorted()).toEqual(['connect-egress-0', 'connect-egress-0-config']);
    await until(() => areUp(1));
    const answers = await stage.ask({ one: http('connect-tailscaleendpoints-http.passthrough.example') });
    expect(answers.one).toBe('machine');
  }, 120_000);

  it('leave nothing behind when nobody wants them', async () => {
    await stage.api.request({ method: 'DELETE', path: endpointsPath });
    const plurals = ['secrets', 'pods', 'apps/v1/statefulsets', 'rbac.authorization.k8s.io/v1/roles'];
    const left = async () => [
      ...(await stage.devices('shop-connect-egress-')),
      ...(await Promise.all(plurals.map((plural) => stage.names(plural, 'connect-egress')))).flat(),
    ];
    expect(await until(async () => (await left()).length === 0)).toBe(true);
  }, 120_000);
});

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };
const isReadyPod = (pod: KubeObject & { readonly status?: Status }): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
type Status = {
  readonly conditions?: readonly Condition[];
  readonly parents?: readonly { readonly conditions: readonly Condition[] }[];
  readonly devices?: readonly { readonly nodeID?: string }[];
  readonly statefulSets?: readonly object[];
};
