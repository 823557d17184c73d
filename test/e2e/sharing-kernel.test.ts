/**
 * A service without an Envoy whose proxies lead it in their kernels: a machine of a real tailnet → WireGuard → the TUN device of a pod with the real
 * containerboot and tailscaled, by the files that tailplane writes → its kernel's rules → the ClusterIP of a Service → the application. The API is a
 * simulator; that a service gets to its hosts is a bridge's doing, since the lab's coordination server knows none.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { hasLab } from '../support/lab-cluster.ts';
import { eventually } from '../support/world.ts';
import { type Cluster, install, startCluster } from './sharing-cluster/cluster.ts';
import { judgedFiles } from './sharing-cluster/files.ts';
import { startTailnet, type Tailnet } from './sharing-cluster/tailnet.ts';
import { admin, peers, suffix } from './sharing-cluster/world.ts';
import type { Protocol } from './sharing-kernel/client.ts';
import { ports } from './sharing-kernel/servers.ts';
import { serviceOf, world } from './sharing-kernel/world.ts';

const patience = 150_000;
const client = join(import.meta.dirname, 'sharing-kernel', 'client.ts');
const tailscale = '/apis/gateway.tailscale.com/v1alpha1/namespaces/shop';

describe.skipIf(!hasLab)('a service that kernels of proxies lead to an application', () => {
  let cluster: Cluster;
  let tailnet: Tailnet;
  const until = <T>(look: () => Promise<T>, is: (value: T) => boolean): Promise<T> => eventually(look, is, patience);
  const say = async (protocol: Protocol, host: string, port: number): Promise<string> =>
    JSON.parse(await cluster.lab.exec([process.execPath, client, peers.anna.proxy, protocol, host, String(port)])) as string;
  const answered = (protocol: Protocol, host: string, port: number): Promise<string> =>
    until(
      () => say(protocol, host, port),
      (answer) => answer.endsWith(':hello'),
    );
  const addressOf = async (service: string): Promise<string> => {
    const own = async () => (await tailnet.known()).services.find(({ name }) => name === `svc:${service}`)?.addrs ?? [];
    const [ipv4 = ''] = await until(own, ({ length }) => length > 0);
    return ipv4;
  };
  const proxies = async (): Promise<readonly KubeObject[]> =>
    (await cluster.list('/api/v1/namespaces/shop/pods')).filter(({ metadata }) => metadata.name.startsWith('hosts-ingress-'));
  /** Services that the proxies are told to lead, and those that they offer. */
  const told = async (): Promise<{ readonly led: readonly string[]; readonly offered: readonly string[] }> => {
    const { devices } = await tailnet.known();
    const offered = [...new Set(devices.flatMap(({ advertisedServices }) => advertisedServices))];
    const { binaryData = {} } = await cluster.get<{ readonly binaryData?: Readonly<Record<string, string>> }>(
      '/api/v1/namespaces/shop/configmaps/hosts-ingress-ingress-config',
    );
    return { led: Object.keys(JSON.parse(Buffer.from(binaryData['ingress-config.json'] ?? '', 'base64').toString()) as object), offered };
  };
  const readyOf = async (service: string): Promise<string> => {
    const { status } = await cluster.get<{ readonly status?: { readonly conditions?: readonly Condition[] } }>(
      `${tailscale}/tailscaleservices/${service}`,
    );
    const { status: is = '', reason = '' } = status?.conditions?.find(({ type }) => type === 'VIPServiceReady') ?? {};
    return `${is} ${reason}`;
  };
  const scale = (replicas: number): Promise<unknown> =>
    cluster.patch('/apis/apps/v1/namespaces/shop/deployments/echo', { spec: { replicas } });

  beforeAll(async () => {
    cluster = await startCluster('kernel', 16649);
    tailnet = await startTailnet(cluster.lab);
    await install(cluster, 'east');
    await cluster.apply(world);
    await cluster.apply(serviceOf('echo'));
    await answered('tcp', await addressOf('echo'), 80);
  }, 480_000);

  afterAll(async () => {
    await tailnet?.stop();
    await cluster?.lab.down();
  }, 60_000);

  it(
    'answers by its address and by its name, on every port, bytes and packets',
    async () => {
      const address = await addressOf('echo');
      // Machines of the lab know one address of a name, the last that they were told. The cluster has no IPv6.
      await cluster.lab.exec(['curl', '-sSf', '-XPOST', `${admin}/dns?name=echo.${suffix}&ip=${address}`]);
      const answers = [
        await answered('tcp', address, 80),
        await answered('tcp', `echo.${suffix}`, 80),
        await answered('tcp', address, 7000),
        await answered('udp', address, 53),
      ];
      expect(answers.map((answer) => answer.split(' ')[0])).toEqual([ports.tcp, ports.tcp, ports.other, ports.udp].map(String));
    },
    2 * patience,
  );

  it('tells the application nothing of who asks: all come from the proxies', async () => {
    const ips = (await proxies()).map((pod) => (pod['status'] as { readonly podIP: string }).podIP);
    const address = await addressOf('echo');
    for (const answer of [await say('tcp', address, 80), await say('udp', address, 53)])
      expect(ips).toContain(answer.replace(/^\d+ (.*):hello$/, '$1'));
  });

  it('says that peers reach it', async () => {
    expect(
      await until(
        () => readyOf('echo'),
        (said) => said.startsWith('True'),
      ),
    ).toBe('True VIPServiceReady');
  });

  it("gives proxies nothing that Tailscale's own parsers complain of", async () => {
    // What pods say of themselves, in Secrets called as they are, has the name of the file that they read.
    const judged = (await judgedFiles(cluster, 'shop')).filter(({ file }) => !/^hosts-ingress-\d+\//.test(file));
    process.stderr.write(`conf-check -strict: ${judged.map(({ file }) => file).join(', ')}\n`);
    expect(judged.filter(({ complaint }) => complaint !== undefined)).toEqual([]);
    expect(new Set(judged.map(({ file }) => file.replace(/^.*\//, '')))).toEqual(
      new Set(['cap-106.hujson', 'serve-config.json', 'ingress-config.json']),
    );
  });

  it(
    'comes to proxies that run, without any being started anew',
    async () => {
      const before = (await proxies()).map(({ metadata }) => metadata.uid);
      await cluster.apply(serviceOf('more'));
      const began = Date.now();
      expect(await answered('udp', await addressOf('more'), 53)).toContain(String(ports.udp));
      process.stderr.write(`another service answered ${Date.now() - began} ms after it was written\n`);
      expect((await proxies()).map(({ metadata }) => metadata.uid)).toEqual(before);
    },
    2 * patience,
  );

  it(
    'is offered by nobody while the application has no pod that is ready, and again when it has',
    async () => {
      await scale(0);
      await until(told, ({ offered }) => offered.length === 0);
      expect(
        await until(
          () => readyOf('echo'),
          (said) => said.startsWith('False'),
        ),
      ).toBe('False Withdrawn');
      await scale(1);
      expect(await answered('tcp', await addressOf('echo'), 7000)).toContain(String(ports.other));
    },
    3 * patience,
  );

  it(
    'is led until nobody offers it, and then gone from proxies and tailnet',
    async () => {
      await until(told, ({ offered }) => offered.length === 2);
      await cluster.remove(`${tailscale}/tailscaleservices/echo`);
      const seen: Awaited<ReturnType<typeof told>>[] = [];
      const look = async () => {
        const now = await told();
        seen.push(now);
        return now;
      };
      await until(look, ({ led }) => !led.includes('svc:echo'));
      expect(seen.filter(({ led, offered }) => offered.includes('svc:echo') && !led.includes('svc:echo'))).toEqual([]);
      expect(seen.some(({ led, offered }) => !offered.includes('svc:echo') && led.includes('svc:echo'))).toBe(true);
      await until(
        () => tailnet.known(),
        ({ services }) => services.every(({ name }) => name !== 'svc:echo'),
      );
      expect(await say('udp', await addressOf('more'), 53)).toContain(':hello');
    },
    3 * patience,
  );
});

type Condition = { readonly type: string; readonly status: string; readonly reason: string };
