/**
 * A Gateway of a cluster, shared with a real tailnet: curl on a machine of the tailnet → WireGuard → containerboot and tailscaled in pods, by the files
 * that tailplane writes → Envoy, which is told the peer by PROXY protocol → the application. The API is a simulator that knows the same machines;
 * that a service moves from one host to another is a bridge's doing, since the lab's coordination server cannot.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { hasLab } from '../support/lab-cluster.ts';
import { eventually } from '../support/world.ts';
import type { Answer, Ask } from './sharing-cluster/client.ts';
import { judgedFiles } from './sharing-cluster/files.ts';
import type { Count, Failure } from './sharing-cluster/load.ts';
import { ports } from './sharing-cluster/servers.ts';
import { type Peer, type Stage, startStage } from './sharing-cluster/stage.ts';
import { peers, policyOf, routeOf, sharedGateway, suffix } from './sharing-cluster/world.ts';
import type { Seen } from './traffic/backends.ts';

const patience = 150_000;
const shop = (group: string, plural: string): string => `${group}/namespaces/shop/${plural}`;
const gatewayApi = '/apis/gateway.networking.k8s.io/v1';
const tailscale = '/apis/gateway.tailscale.com/v1alpha1';
const strangers = join(import.meta.dirname, 'sharing-cluster', 'strangers.ts');

const seenBy = ({ body }: Answer): Partial<Seen> => (body.startsWith('{') ? (JSON.parse(body) as Seen) : {});

describe.skipIf(!hasLab)('a Gateway shared with a tailnet', () => {
  let stage: Stage;
  const until = (look: () => Promise<boolean>): Promise<boolean> => eventually(look, (found) => found, patience);
  const untilStatus = (status: number, peer: Peer, service: string, more: Partial<Ask> = {}): Promise<Answer> =>
    eventually(
      () => stage.get(peer, service, more),
      (answer) => answer.status === status,
      patience,
    );
  const untilAnswer = async (ask: Ask, body: string): Promise<string> => {
    const { one } = await eventually(
      () => stage.tailnet.ask({ one: ask }),
      (answers) => answers.one.body === body,
      patience,
    );
    return one.body;
  };
  const addressesOf = async (service: string): Promise<readonly string[]> =>
    (await stage.tailnet.known()).services.find(({ name }) => name === `svc:${service}`)?.addrs ?? [];
  const objects = async (plural: string): Promise<readonly KubeObject[]> => stage.cluster.list(plural);
  /** Services whose certificates have a Secret. */
  const certificates = async (): Promise<readonly string[]> =>
    (await objects(shop('/api/v1', 'secrets')))
      .filter(({ metadata }) => metadata.name.endsWith(`.${suffix}`))
      .map(({ metadata }) => metadata.name.slice(0, -suffix.length - 1));
  const ingressSet = async (): Promise<KubeObject> => {
    const [set] = await stage.cluster.list(shop('/apis/apps/v1', 'statefulsets'), 'app.kubernetes.io/component=ingress');
    if (set === undefined) throw new Error('there are no ingress proxies yet');
    return set;
  };

  beforeAll(async () => {
    stage = await startStage();
    await stage.cluster.apply(sharedGateway + routeOf('web', { hostnames: ['web.example.com'] }));
    await untilStatus(200, 'anna', 'web');
  }, 480_000);

  afterAll(async () => stage?.stop(), 60_000);

  it('answers by the name of a route, and by both of its addresses, with nothing else made by hand', async () => {
    const [ipv4 = '', ipv6 = ''] = await addressesOf('web');
    const answers = [
      await stage.get('anna', 'web'),
      await stage.get('anna', 'web', { to: ipv4 }),
      await stage.get('anna', 'web', { to: ipv6 }),
    ];
    expect(answers.map((answer) => [answer.status, seenBy(answer).backend])).toEqual(answers.map(() => [200, 'east']));
  });

  it(
    'sends those who come without TLS to HTTPS',
    async () => {
      const { status } = await untilStatus(301, 'anna', 'web', { protocol: 'http', port: 80 });
      expect(status).toBe(301);
    },
    patience,
  );

  it('tells the application who asks, in spite of what clients say', async () => {
    const forged = {
      'Tailscale-User-Login': 'root@example.com',
      'Tailscale-User-Name': 'Root',
      'X-Tailscale-Tags': 'tag:admin',
      'X-Tailscale-Node': 'evil',
      Tailscale_User_Login: 'root@example.com',
      'X-Forwarded-For': '100.64.0.77',
    };
    const [, ipv6 = ''] = await addressesOf('web');
    const user = seenBy(await stage.get('anna', 'web', { headers: forged })).headers ?? {};
    const user6 = seenBy(await stage.get('anna', 'web', { headers: forged, to: ipv6 })).headers ?? {};
    const tagged = seenBy(await stage.get('ci', 'web', { headers: forged })).headers ?? {};
    for (const headers of [user, user6])
      expect(headers).toMatchObject({ 'tailscale-user-login': 'anna@example.com', 'x-tailscale-node': `anna.${suffix}` });
    expect(tagged).toMatchObject({ 'x-tailscale-tags': 'tag:ci', 'x-tailscale-node': `ci.${suffix}` });
    expect(tagged['tailscale-user-login']).toBeUndefined();
    for (const headers of [user, user6, tagged]) expect(JSON.stringify(headers)).not.toMatch(/root|evil|tag:admin|100\.64\.0\.77/i);
  });

  it(
    'carries gRPC, TLS that is passed through, and raw TCP, several ports under one name among them',
    async () => {
      await stage.cluster.apply(
        [
          routeOf('calls', { kind: 'GRPCRoute', port: ports.grpc, hostnames: ['calls.example.com'] }),
          routeOf('sealed', { kind: 'TLSRoute', section: 'passthrough', port: ports.tls, hostnames: [`sealed.${suffix}`] }),
          routeOf('shell', { kind: 'TCPRoute', section: 'ssh', port: ports.tcp, service: 'web' }),
        ].join(''),
      );
      const ask = (service: string, protocol: Ask['protocol'], port: number): Ask => ({
        from: peers.anna.proxy,
        protocol,
        to: `${service}.${suffix}`,
        port,
        ca: stage.ca,
      });
      expect(await untilAnswer(ask('calls', 'grpcs', 443), 'east:anna@example.com')).toBe('east:anna@example.com');
      expect(await untilAnswer(ask('sealed', 'tls', 8443), 'east:hello')).toBe('east:hello');
      expect(await untilAnswer(ask('web', 'tcp', 22), 'east:hello')).toBe('east:hello');
      expect((await stage.get('anna', 'web')).status).toBe(200);
    },
    3 * patience,
  );

  it(
    'lets those through whom a policy lets, by user and by the whole of a tag',
    async () => {
      const allow = '{ users: [anna@example.com], tags: ["tag:ci"] }';
      await stage.cluster.apply(routeOf('private', { hostnames: ['private.example.com'] }) + policyOf('private', 'private', allow));
      await untilStatus(200, 'anna', 'private');
      const [, ipv6 = ''] = await addressesOf('private');
      const answers = Object.fromEntries(
        await Promise.all(
          (['anna', 'bob', 'ci', 'cider'] as const).map(async (peer) => [peer, (await stage.get(peer, 'private', { to: ipv6 })).status]),
        ),
      );
      expect(answers).toEqual({ anna: 200, bob: 403, ci: 200, cider: 403 });
      await stage.cluster.apply(policyOf('private', 'private', allow, '{ users: [anna@example.com] }'));
      await untilStatus(403, 'anna', 'private');
      expect((await stage.get('ci', 'private')).status).toBe(200);
    },
    3 * patience,
  );

  it('believes nobody but its own proxies who a peer is', async () => {
    const { spec } = await stage.cluster.get<{
      readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly port: number }[] };
    }>(shop('/api/v1', 'services/shop-tailplane-tailnet'));
    const anna = (await stage.tailnet.known()).devices.find(({ hostname }) => hostname === 'anna')?.addresses[0] ?? '';
    for (const { port } of spec.ports)
      expect(
        await stage.cluster.lab.exec([process.execPath, strangers, spec.clusterIP, String(port), anna, `web.${suffix}`]).then(JSON.parse),
      ).toBe('');
  }, 120_000);

  it("gives proxies nothing that Tailscale's own parsers complain of", async () => {
    const judged = await judgedFiles(stage.cluster, 'shop');
    process.stderr.write(`conf-check -strict: ${judged.map(({ file }) => file).join(', ')}\n`);
    expect(judged.filter(({ complaint }) => complaint !== undefined)).toEqual([]);
    expect(new Set(judged.map(({ file }) => file.replace(/^.*\//, '')))).toEqual(new Set(['cap-106.hujson', 'serve-config.json']));
  });

  describe('under load', () => {
    const moves = () => stage.tailnet.moves.filter(({ service }) => service === 'svc:web');
    /** Within that time, in milliseconds, machines of the tailnet have heard from the lab's coordination server what it was told. */
    const hearing = 1000;
    /** Of a move: five for each of the four that ask. */
    const mostLost = 20;
    /**
     * `unexcused`: the lab moves the addresses of a service from one moment to the next, machines hear of it one after the other, and what is under
     * way then is lost on the way; a real tailnet may be kinder. Nothing else may be lost.
     */
    const drill = async (
      what: string,
      meanwhile: () => Promise<void>,
    ): Promise<Count & { readonly unexcused: readonly Failure[]; readonly most: number }> => {
      const before = moves().length;
      const count = await stage.underLoad('web', meanwhile);
      const moved = moves().slice(before);
      const { answered, failures, closing, untaken } = count;
      const time = (at: number): string => new Date(at).toISOString().slice('2026-01-01T'.length);
      const connections = `${closing} answers ended their connection, ${untaken} connections were tried again`;
      const told = [
        `${what}: ${answered} answered, ${failures.length} failed; ${connections}`,
        ...moved.map(({ host, began, ended }) => `the service moved to ${host ?? 'nowhere'} from ${time(began)} to ${time(ended)}`),
        ...failures.slice(0, 20).map(({ began, ended, reason }) => `a request from ${time(began)} to ${time(ended)}: ${reason}`),
      ];
      process.stderr.write(`${told.join('\n')}\n`);
      const isExcused = ({ began, ended }: Failure): boolean => moved.some((move) => began <= move.ended + hearing && ended >= move.began);
      return { ...count, most: moved.length * mostLost, unexcused: failures.filter((failure) => !isExcused(failure)) };
    };
    const restart = (path: string): Promise<unknown> =>
      stage.cluster.patch(path, {
        spec: { template: { metadata: { annotations: { 'example.com/restarted': new Date().toISOString() } } } },
      });
    /** Nobody is on the way any more, nor out. */
    const settled = async (path: string, replicas: number): Promise<boolean> => {
      const { metadata, status } = await stage.cluster.get<KubeObject & { readonly status?: Rollout }>(path);
      const { observedGeneration, readyReplicas = 0, updatedReplicas = 0, replicas: all = 0 } = status ?? {};
      const pods = await stage.cluster.list(shop('/api/v1', 'pods'));
      const isPartOf = ({ name }: KubeObject['metadata']): boolean => name.startsWith(`${metadata.name}-`);
      if (pods.filter((pod) => isPartOf(pod.metadata)).length !== replicas) return false;
      return observedGeneration === metadata.generation && [readyReplicas, updatedReplicas, all].every((count) => count === replicas);
    };
    const envoys = shop('/apis/apps/v1', 'deployments/shop-tailplane');
    const proxies = async (): Promise<string> => shop('/apis/apps/v1', `statefulsets/${(await ingressSet()).metadata.name}`);

    it(
      'loses nothing when all Envoys are replaced',
      async () => {
        const { failures, answered, untaken } = await drill('Envoys replaced', async () => {
          await restart(envoys);
          await until(() => settled(envoys, 2));
        });
        expect(failures).toEqual([]);
        expect(untaken).toBeLessThanOrEqual(3);
        expect(answered).toBeGreaterThan(20);
      },
      2 * patience,
    );

    it(
      'loses nothing when there are fewer Envoys, and more again',
      async () => {
        const { failures, answered, untaken } = await drill('Envoys scaled', async () => {
          for (const replicas of [1, 2]) {
            await stage.cluster.patch(shop(tailscale, 'gatewayparameters/shop'), { spec: { replicas } });
            await until(() => settled(envoys, replicas));
          }
        });
        expect(failures).toEqual([]);
        expect(untaken).toBeLessThanOrEqual(3);
        expect(answered).toBeGreaterThan(20);
      },
      3 * patience,
    );

    it(
      'loses no more than what is under way when all proxies are replaced, one after the other',
      async () => {
        const { failures, unexcused, most, answered } = await drill('proxies replaced', async () => {
          await restart(await proxies());
          await eventually(
            async () => settled(await proxies(), 2),
            (done) => done,
            3 * patience,
          );
        });
        expect(unexcused).toEqual([]);
        expect(failures.length).toBeLessThanOrEqual(most);
        expect(answered).toBeGreaterThan(20);
      },
      4 * patience,
    );

    it(
      'loses no more than what is under way when there are fewer proxies, and more again',
      async () => {
        const { failures, unexcused, most, answered } = await drill('proxies scaled', async () => {
          for (const replicas of [1, 2]) {
            await stage.cluster.patch(shop(tailscale, 'tailscalegateways/shared'), { spec: { proxy: { replicas } } });
            await until(async () => settled(await proxies(), replicas));
          }
        });
        expect(unexcused).toEqual([]);
        expect(failures.length).toBeLessThanOrEqual(most);
        expect(answered).toBeGreaterThan(20);
      },
      3 * patience,
    );
  });

  it(
    'takes a service from the tailnet with its route, and nothing else',
    async () => {
      const known = async () => {
        const { services, devices } = await stage.tailnet.known();
        const maps = await objects(shop('/api/v1', 'configmaps'));
        const map = maps.find(({ metadata }) => metadata.name.endsWith('-ingress-config'));
        const { binaryData = {} } = (map ?? {}) as { readonly binaryData?: Readonly<Record<string, string>> };
        return {
          services: services.map(({ name }) => name),
          advertised: devices.flatMap(({ advertisedServices }) => advertisedServices),
          served: Buffer.from(binaryData['serve-config.json'] ?? '', 'base64').toString(),
          certificates: (await certificates()).map((name) => `svc:${name}`),
        };
      };
      const before = await known();
      for (const names of [before.services, before.certificates]) expect(names).toContain('svc:private');
      await stage.cluster.remove(shop(gatewayApi, 'httproutes/private'));
      await until(async () => !JSON.stringify(await known()).includes('svc:private'));
      expect((await known()).services).toContain('svc:web');
      expect((await stage.get('anna', 'web')).status).toBe(200);
    },
    2 * patience,
  );

  it(
    'leaves nothing behind when it is shared no longer',
    async () => {
      await stage.cluster.remove(shop(tailscale, 'tailscalegateways/shared'));
      const left = async (): Promise<readonly string[]> => {
        const { services, devices } = await stage.tailnet.known();
        const plurals = ['secrets', 'pods', 'configmaps', 'services'].map((plural) => shop('/api/v1', plural));
        const all = (await Promise.all([...plurals, shop('/apis/apps/v1', 'statefulsets')].map(objects))).flat();
        return [
          ...services.map(({ name }) => name),
          ...devices.map(({ hostname }) => hostname).filter((hostname) => !(hostname in peers)),
          ...all.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('shared-') || name.endsWith('-tailnet')),
          ...(await certificates()),
        ];
      };
      expect(await eventually(left, (names) => names.length === 0, patience)).toEqual([]);
    },
    2 * patience,
  );
});

type Rollout = {
  readonly observedGeneration?: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  readonly replicas?: number;
};
