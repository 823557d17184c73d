/** Backends behind HTTP proxies, by hand-made graphs: the proxies know CONNECT, as tailscaled's do, and lead to loopback. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, Endpoint, Gateway, Graph, Locality, Reach } from '../../../src/model/graph.ts';
import { authority, certificateFor } from '../../support/certificates.ts';
import { type ConnectProxy, startConnectProxy } from '../../support/connect-proxy.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { type Answer, ask, startLoad } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { eventually } from '../../support/world.ts';
import { loadOf } from '../../support/load.ts';
import { type Backend as Server, h2cEcho, httpEcho, httpsEcho, tcpEcho } from './backends.ts';
import { callGrpc, grpcBackend } from './grpc.ts';
import { repeat, seenBy, tallyOf, tcpExchange, whoAnswers } from './clients.ts';

const proxied: Reach = { form: 'proxied', balancing: 'round-robin', outlierDetection: false };
const tunnelled: Reach = {
  ...proxied,
  form: 'tunnelled',
  sets: ['default/deaf', 'default/egress', 'default/namer', 'default/other'],
};

const app = (reach: Reach, more: Partial<Backend> = {}): Backend =>
  backendOf('app', { id: 'TailscaleEndpoints/default/app/80', key: 'TailscaleEndpoints/default/app', reach, ...more });

const via = ({ port }: ConnectProxy, set: string): Pick<Endpoint, 'via'> => ({
  via: { kind: 'proxy', proxy: { host: '127.0.0.1', port }, set },
});
const over = (
  proxies: readonly ConnectProxy[],
  port: number,
  { set = 'default/egress', ...more }: Partial<Endpoint> & { readonly set?: string } = {},
): readonly Endpoint[] => proxies.map((proxy) => ({ address: '127.0.0.1', port, healthy: true, ...via(proxy, set), ...more }));
const local = (port: number): Endpoint => ({ address: '127.0.0.1', port, healthy: true });

const at = (priority: number, ...endpoints: readonly Endpoint[]): Locality => ({ zone: '', weight: 1, priority, endpoints });

describe.skipIf(envoy === undefined)('backends behind HTTP proxies', () => {
  let fleet: Fleet;
  let port: number;
  let tcpPort: number;
  let closedPort: number;
  let proxies: readonly [ConnectProxy, ConnectProxy];
  let servers: Record<'one' | 'two' | 'h2c' | 'tcp' | 'https' | 'grpc', Server>;
  const ca = authority();
  const { certificate, privateKey } = certificateFor(['app.tailnet.example'], ca);

  beforeAll(async () => {
    servers = {
      one: await httpEcho('one'),
      two: await httpEcho('two'),
      h2c: await h2cEcho('h2c'),
      tcp: await tcpEcho('tcp'),
      https: await httpsEcho('https', { certificate, privateKey }),
      grpc: await grpcBackend('grpc', { '/a.B/C': (request) => Buffer.concat([Buffer.from('grpc '), request]) }),
    };
  });
  afterAll(async () => {
    for (const server of Object.values(servers)) await server.stop();
  });
  beforeEach(async () => {
    fleet = await startFleet();
    proxies = [await startConnectProxy(), await startConnectProxy()];
    [port = 0, tcpPort = 0, closedPort = 0] = await freePorts(3);
  });
  afterEach(async () => {
    await fleet.stop();
    for (const proxy of proxies) await proxy.stop();
  });

  const gatewayWith = (backend: Backend, others: readonly Backend[] = []): Gateway => {
    const to = (one: Backend) => ({ action: { kind: 'forward', shares: [shareOf(one)] } }) as const;
    const rule = { id: 'TCPRoute/default/app/rule/0', owner: 'TCPRoute/default/app' as const, shares: [{ backend, weight: 1 }] };
    const sockets =
      backend.protocol === 'tcp'
        ? [socketOf(tcpPort, { name: 'tcp', owner: 'Gateway/default/edge', protocol: 'TCP', rule })]
        : [
            socketOf(
              port,
              listenerOf(
                'http',
                hostOf('a.example', entryOf('app', {}, to(backend))),
                ...others.map((other) => hostOf(`${other.key.split('/').at(-1)}.example`, entryOf('other', {}, to(other)))),
              ),
            ),
          ];
    return gatewayOf({
      sockets: sockets.map((socket) => ({ ...socket, addresses: ['127.0.0.1'] })),
      backends: [backend, ...others],
      secrets: backend.tls?.verify.by === 'ca' ? [backend.tls.verify.ca] : [],
    });
  };
  const graphWith = (backend: Backend, ...localities: readonly Locality[]): Graph =>
    graphOf([gatewayWith(backend)], new Map([[backend.id, localities]]));
  const request = async (method = 'GET'): Promise<Answer> => ask(port, '/', { host: 'a.example' }, { method });
  const requests = async (times: number, method?: string) => tallyOf((await repeat(times, () => request(method))).map(whoAnswers));
  const targets = (): readonly string[] => proxies.flatMap(({ asked }) => asked);

  describe.each([
    ['proxied', proxied],
    ['tunnelled', tunnelled],
  ] as const)('%s', (_, reach) => {
    it('reaches HTTP, and by their addresses endpoints that name no proxy', async () => {
      await fleet.applyGraph(graphWith(app(reach), at(0, ...over(proxies.slice(0, 1), servers.one.port), local(servers.two.port))));
      expect(await requests(20)).toEqual({ one: 10, two: 10 });
      expect(new Set(targets())).toEqual(new Set([`127.0.0.1:${servers.one.port}`]));
    });

    it('reaches HTTP/2 and gRPC without TLS', async () => {
      const backend = app(reach, { protocol: 'http2' });
      await fleet.applyGraph(graphWith(backend, at(0, ...over(proxies.slice(0, 1), servers.h2c.port))));
      expect(seenBy(await request()).version).toBe('2.0');
      await fleet.applyGraph(graphWith(backend, at(0, ...over(proxies.slice(0, 1), servers.grpc.port))));
      expect(await callGrpc(port, 'a.example', '/a.B/C')).toEqual({ code: 'OK', answer: 'grpc hello' });
    });

    it('reaches HTTPS, by TLS of Envoy inside the tunnel with the name that is asked for', async () => {
      const verify = { by: 'ca', ca: { id: 'ca', owner: 'ConfigMap/default/ca', type: 'ca', trustedCa: ca.certificate } } as const;
      const tls = { hostname: 'app.tailnet.example', subjectAltNames: [], verify };
      await fleet.applyGraph(graphWith(app(reach, { tls }), at(0, ...over(proxies.slice(0, 1), servers.https.port))));
      expect(await requests(4)).toEqual({ https: 4 });
      await fleet.applyGraph(
        graphWith(app(reach, { tls: { ...tls, hostname: 'other.example' } }), at(0, ...over(proxies.slice(0, 1), servers.https.port))),
      );
      expect((await request()).status).toBe(503);
    });

    it('reaches raw TCP that talks first', async () => {
      await fleet.applyGraph(graphWith(app(reach, { protocol: 'tcp' }), at(0, ...over(proxies.slice(0, 1), servers.tcp.port))));
      expect(await repeat(4, () => tcpExchange(tcpPort))).toEqual(Array(4).fill('tcp:hello'));
      expect(targets()).toHaveLength(4);
    });

    it('brings all bytes, and then the end, when a server closes', async () => {
      const text = 'x'.repeat(1 << 20);
      const closing = createServer((socket) => void socket.on('error', () => undefined).end(`HTTP/1.1 200 OK\r\n\r\n${text}`));
      closing.listen(0, '127.0.0.1');
      await once(closing, 'listening');
      const to = at(0, ...over(proxies.slice(0, 1), (closing.address() as AddressInfo).port));
      await fleet.applyGraph(graphWith(app(reach), to));
      expect(await repeat(10, async () => (await request()).body === text)).toEqual(Array(10).fill(true));
      await fleet.applyGraph(graphWith(app(reach, { protocol: 'tcp' }), to));
      const received = (): Promise<string> => readAll(connect(tcpPort, '127.0.0.1'));
      expect(await repeat(10, async () => (await received()).endsWith(text))).toEqual(Array(10).fill(true));
      closing.close();
    });

    it('asks a proxy for IPv6 targets in brackets', async () => {
      await fleet.applyGraph(graphWith(app(reach), at(0, ...over(proxies.slice(0, 1), closedPort, { address: '::1' }))));
      await request();
      expect(targets()[0]).toBe(`[::1]:${closedPort}`);
    });

    it('repeats what is idempotent when a target does not answer behind a proxy that does, and what is not never', async () => {
      await fleet.applyGraph(
        graphWith(app(reach), at(0, ...over(proxies.slice(0, 1), servers.one.port), ...over(proxies.slice(0, 1), closedPort))),
      );
      expect(await requests(20)).toEqual({ one: 20 });
      expect(await requests(20, 'PUT')).toEqual({ one: 20 });
      expect(await requests(20, 'POST')).toEqual({ one: 10, 503: 10 });
    });

    it('leaves a target alone that failed three times, if it is asked to', async () => {
      await fleet.applyGraph(
        graphWith(
          app({ ...reach, outlierDetection: true }),
          at(0, ...over(proxies.slice(0, 1), servers.one.port), ...over(proxies.slice(0, 1), closedPort)),
        ),
      );
      await requests(12);
      expect(await requests(20, 'POST')).toEqual({ one: 20 });
    });

    it('never leaves the last target alone', async () => {
      await fleet.applyGraph(graphWith(app({ ...reach, outlierDetection: true }), at(0, ...over(proxies.slice(0, 1), closedPort))));
      await requests(6, 'POST');
      const before = targets().length;
      await requests(6, 'POST');
      // Through a tunnel a proxy that cannot connect is asked three times, as it may be able to the next time.
      expect(targets().length - before).toBe(reach === tunnelled ? 6 * 3 : 6);
    });

    it('asks nobody but healthy endpoints, of the first priority that has one', async () => {
      const [first] = proxies;
      const off = over([first], closedPort, { healthy: false });
      const more = over([first], closedPort, { healthy: false, address: '127.0.0.2' });
      await fleet.applyGraph(
        graphWith(app(reach), at(0, ...over([first], servers.one.port), ...off, ...more), at(1, local(servers.two.port))),
      );
      expect(await requests(20, 'POST')).toEqual({ one: 20 });
      await fleet.applyGraph(
        graphWith(
          app(reach),
          at(0, ...over([first], servers.one.port, { healthy: false }), ...off, ...more),
          at(1, local(servers.two.port)),
        ),
      );
      expect(await requests(20, 'POST')).toEqual({ two: 20 });
    });

    it('shares by weight, whatever leads to a target', async () => {
      const [first] = proxies;
      await fleet.applyGraph(
        graphWith(app(reach), at(0, ...over([first], servers.one.port, { weight: 3 }), ...over([first], servers.two.port))),
      );
      expect(await requests(40)).toEqual({ one: 30, two: 10 });
    });
  });

  it('asks for health through the proxy', async () => {
    const healthCheck = { path: '/health', intervalMs: 200, timeoutMs: 200, healthyThreshold: 1, unhealthyThreshold: 1 };
    const checked = app({ ...proxied, healthCheck });
    await fleet.applyGraph(
      graphWith(checked, at(0, ...over(proxies.slice(0, 1), servers.one.port), ...over(proxies.slice(0, 1), closedPort))),
    );
    expect(await requests(20, 'POST')).toEqual({ one: 20 });
    expect(new Set(targets())).toEqual(new Set([`127.0.0.1:${servers.one.port}`, `127.0.0.1:${closedPort}`]));
  });

  it('reaches a name that proxies resolve, and one that Envoy does', async () => {
    const namer = await startConnectProxy({ names: { 'machine.tailnet.ts.net': '127.0.0.1' } });
    const byProxy = over([namer], servers.one.port, { address: 'machine.tailnet.ts.net', set: 'default/namer' });
    const byItself: Endpoint = { address: 'localhost', port: servers.two.port, healthy: true, via: { kind: 'dns' } };
    await fleet.applyGraph(graphWith(app(tunnelled), at(0, ...byProxy, byItself)));
    expect(await requests(20)).toEqual({ one: 10, two: 10 });
    expect(namer.asked).toContain(`machine.tailnet.ts.net:${servers.one.port}`);
    await namer.stop();
  });

  it.each(['GET', 'POST'])('spreads %s over the proxies, and loses none when one of them is gone before they begin', async (method) => {
    await fleet.applyGraph(graphWith(app(tunnelled), at(0, ...over(proxies, servers.one.port))));
    await proxies[0].stop();
    expect(await requests(20, method)).toEqual({ one: 20 });
  });

  it('takes a connection that a proxy does not to another proxy, before a byte of it is lost', async () => {
    await fleet.applyGraph(graphWith(app(tunnelled, { protocol: 'tcp' }), at(0, ...over(proxies, servers.tcp.port))));
    expect(await repeat(8, () => tcpExchange(tcpPort))).toEqual(Array(8).fill('tcp:hello'));
    expect(proxies.every(({ asked }) => asked.length > 0)).toBe(true);
    await proxies[0].stop();
    expect(await repeat(20, () => tcpExchange(tcpPort))).toEqual(Array(20).fill('tcp:hello'));
  });

  it('loses no more requests than are on their way when a proxy dies under load, and of idempotent ones none', async () => {
    await fleet.applyGraph(graphWith(app({ ...tunnelled, outlierDetection: true }), at(0, ...over(proxies, servers.one.port))));
    const load = startLoad(port, { host: 'a.example' }, ({ status }) => status === 200, 8);
    await eventually(
      async () => proxies.every(({ asked }) => asked.length > 0),
      (both) => both,
    );
    await proxies[0].stop();
    await requests(50);
    const { failures } = await load.stop();
    expect(failures).toEqual([]);
  });

  it('loses no request when proxies come and go by configuration', async () => {
    await fleet.applyGraph(graphWith(app(tunnelled), at(0, ...over(proxies, servers.one.port))));
    const load = startLoad(port, { host: 'a.example' }, ({ status }) => status === 200, 4);
    for (const some of [proxies.slice(0, 1), proxies, proxies.slice(1), proxies])
      await fleet.applyGraph(graphWith(app(tunnelled), at(0, ...over(some, servers.one.port))));
    await fleet.applyGraph(graphWith(app(tunnelled), at(0, ...over(proxies.slice(1), servers.one.port))));
    const before = proxies[0].asked.length;
    await requests(30);
    expect(proxies[0].asked).toHaveLength(before);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('loses no connection when proxies come and go by configuration', async () => {
    const backend = app(tunnelled, { protocol: 'tcp' });
    const graph = (some: readonly ConnectProxy[]): Graph => graphWith(backend, at(0, ...over(some, servers.tcp.port)));
    await fleet.applyGraph(graph(proxies));
    const load = loadOf(4, async () => (await tcpExchange(tcpPort)) === 'tcp:hello');
    for (let round = 0; round < 10; round += 1)
      for (const some of [proxies.slice(0, 1), proxies, proxies.slice(1), proxies]) await fleet.applyGraph(graph(some));
    const { done, failed } = await load.stop();
    expect(failed).toBe(0);
    expect(done).toBeGreaterThan(50);
  });

  it('never goes over a proxy that is not its own', async () => {
    const other = app(tunnelled, { id: 'TailscaleEndpoints/default/other/80', key: 'TailscaleEndpoints/default/other' });
    const mine = app(tunnelled);
    await fleet.applyGraph(
      graphOf(
        [gatewayWith(mine, [other])],
        new Map([
          [mine.id, [at(0, ...over([proxies[0]], servers.one.port))]],
          [other.id, [at(0, ...over([proxies[1]], servers.two.port, { set: 'default/other' }))]],
        ]),
      ),
    );
    expect(await requests(4)).toEqual({ one: 4 });
    expect(whoAnswers(await ask(port, '/', { host: 'other.example' }))).toBe('two');
    await proxies[0].stop();
    expect(await requests(10)).toEqual({ 503: 10 });
    expect(proxies[1].asked).toEqual([`127.0.0.1:${servers.two.port}`]);
  });

  it('gives up a target that does not answer at all, and asks the next priority', { timeout: 60_000 }, async () => {
    const deaf = await startConnectProxy({ silent: [`127.0.0.1:${closedPort}`] });
    await fleet.applyGraph(
      graphWith(
        app({ ...tunnelled, outlierDetection: true }),
        at(0, ...over([deaf], closedPort, { set: 'default/deaf' })),
        at(1, ...over([proxies[0]], servers.two.port)),
      ),
    );
    expect(await requests(4)).toEqual({ two: 4 });
    expect(await requests(8, 'POST')).toEqual({ two: 8 });
    await deaf.stop();
  });

  it.each(['GRPC', 'DELTA_GRPC'] as const)(
    'begins without the endpoints of a tailnet that has not been heard of, and keeps those it has, by %s',
    { timeout: 60_000 },
    async (apiType) => {
      await fleet.stop();
      fleet = await startFleet({ apiType });
      const unheard = app(tunnelled, { id: 'TailscaleEndpoints/default/unheard/80', key: 'TailscaleEndpoints/default/unheard' });
      const heard = app(tunnelled);
      const gateway = gatewayWith(heard, [unheard]);
      const known: Graph['endpoints'] = new Map([[heard.id, [at(0, ...over(proxies, servers.one.port))]]]);
      const ofUnheard = async (): Promise<string> => whoAnswers(await ask(port, '/', { host: 'unheard.example' }));
      await fleet.applyGraph(graphOf([gateway], known));
      expect(await requests(4)).toEqual({ one: 4 });
      expect(await ofUnheard()).toBe('503');
      await fleet.applyGraph(graphOf([gateway], new Map(known).set(unheard.id, [at(0, ...over(proxies, servers.two.port))])));
      expect(await ofUnheard()).toBe('two');
    },
  );
});
