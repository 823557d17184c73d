/** Peers of a tailnet at a real Envoy, by hand-made graphs; an imitation of the ingress proxies brings them, with PROXY protocol. */
import { once } from 'node:events';
import { Agent } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket as TcpSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph, IdentityRule, Listener, Locality, Peer, Socket, TlsSecret } from '../../../src/model/graph.ts';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { type Answer, ask } from '../../support/http.ts';
import { type IngressProxy, type IngressProxyOptions, startIngressProxy } from '../../support/ingress-proxy.ts';
import { freePorts } from '../../support/ports.ts';
import { type Backend as Server, httpEcho, tlsEcho } from './backends.ts';
import { askOverTls, seenBy, type Tls, tcpExchange, tlsExchange, whoAnswers } from './clients.ts';

const alice = '100.64.0.1';
const proxies = ['127.0.0.1'];
const strangers = ['127.0.0.9'];
const gateway = 'Gateway/default/edge';
const ca = authority('servers');
const web = 'web.tail1.example';
const toWeb: Tls = { ca: ca.certificate, servername: web };

const app = backendOf('app');
const bytes = backendOf('bytes', { id: 'Service/default/bytes/80/tcp', protocol: 'tcp' });
const secure = backendOf('secure', { id: 'Service/default/secure/80/tcp', protocol: 'tcp' });
const streamTo = (backend: typeof bytes) => ({
  id: `r/${backend.id}`,
  owner: 'TCPRoute/default/r' as const,
  shares: [{ backend, weight: 1 }],
});
const hosts = [hostOf('*', entryOf('app', {}, { action: { kind: 'forward', shares: [shareOf(app)] } }))];

const keyPair = ({ certificate, privateKey } = certificateFor([web], ca)): TlsSecret => ({
  id: 'web',
  owner: 'Secret/default/web',
  type: 'key-pair',
  certificateChain: certificate,
  privateKey,
});

/** Talks first. */
const startGreeter = async (): Promise<Server> => {
  const open = new Set<TcpSocket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.write('greeter:');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name: 'greeter',
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};

describe.skipIf(envoy === undefined).each(['DELTA_GRPC', 'GRPC'] as const)('an entrance from a tailnet, by %s', (apiType) => {
  let fleet: Fleet;
  let servers: Record<'app' | 'bytes' | 'secure', Server>;
  let ports: Record<'http' | 'https' | 'tls' | 'tcp' | 'open', number>;
  const opened: IngressProxy[] = [];

  beforeAll(async () => {
    servers = { app: await httpEcho('app'), bytes: await startGreeter(), secure: await tlsEcho('secure', certificateFor([web], ca)) };
    const [http = 0, https = 0, tls = 0, tcp = 0, open = 0] = await freePorts(5);
    ports = { http, https, tls, tcp, open };
    fleet = await startFleet({ apiType });
    await fleet.applyGraph(world());
  });
  afterAll(async () => {
    for (const proxy of opened) await proxy.stop();
    await fleet.stop();
    for (const server of Object.values(servers)) await server.stop();
  });

  const entrance = (port: number, boundPort: number, ...listeners: readonly Listener[]): Socket => ({
    ...socketOf(port, ...listeners),
    addresses: ['127.0.0.1'],
    boundPort,
    tailnet: { tailnet: 'example', service: 'svc:web' },
  });
  type World = {
    readonly fence?: readonly string[];
    readonly certificate?: TlsSecret;
    readonly identities?: readonly IdentityRule[];
    readonly peers?: readonly Peer[];
  };
  const world = ({ fence = proxies, certificate = keyPair(), identities = [], peers = [] }: World = {}): Graph => {
    const owner = gateway;
    const at = (port: number): readonly Locality[] => [{ zone: '', weight: 1, endpoints: [{ address: '127.0.0.1', port, healthy: true }] }];
    const sockets = [
      entrance(80, ports.http, listenerOf('http', ...hosts)),
      entrance(443, ports.https, { ...listenerOf('https', ...hosts), protocol: 'HTTPS', tls: { certificates: [certificate] } }),
      entrance(8443, ports.tls, {
        name: 'tls',
        owner,
        protocol: 'TLS',
        serverNames: [{ name: web, rule: { ...streamTo(secure), identities } }],
      }),
      entrance(22, ports.tcp, { name: 'tcp', owner, protocol: 'TCP', rule: { ...streamTo(bytes), identities } }),
      { ...socketOf(ports.open, listenerOf('open', ...hosts)), addresses: ['127.0.0.1'] },
    ];
    const graph = graphOf(
      [gatewayOf({ sockets, backends: [app, bytes, secure], secrets: [certificate] })],
      new Map([
        [app.id, at(servers.app.port)],
        [bytes.id, at(servers.bytes.port)],
        [secure.id, at(servers.secure.port)],
      ]),
    );
    return {
      ...graph,
      fences: new Map([['default/edge', fence]]),
      peers: new Map([['example', { byNode: new Map(peers.map((peer) => [peer.node, peer])) }]]),
    };
  };
  /** The port of a proxy that leads peers to an entrance. */
  const through = async (to: keyof typeof ports, options: Partial<IngressProxyOptions> = {}): Promise<number> => {
    const proxy = await startIngressProxy({ to: ports[to], peer: alice, ...options });
    opened.push(proxy);
    return proxy.port;
  };
  const failing = (answer: Promise<unknown>): Promise<string> =>
    answer.then(
      (value) => (value === '' ? 'closed' : `answered: ${JSON.stringify(value)}`),
      () => 'closed',
    );
  const refusals = async (options: Partial<IngressProxyOptions>) => ({
    http: await failing(ask(await through('http', options))),
    https: await failing(askOverTls(await through('https', options), toWeb)),
    tls: await failing(tlsExchange(await through('tls', options), toWeb)),
    tcp: await failing(tcpExchange(await through('tcp', options))),
  });
  const closed = { http: 'closed', https: 'closed', tls: 'closed', tcp: 'closed' };

  it.each([alice, 'fd7a:115c:a1e0::1', '100.127.255.254'])('tells backends of an HTTP route that %s asks', async (peer) => {
    const plain = seenBy(await ask(await through('http', { peer })));
    expect(plain.headers).toMatchObject({ 'x-forwarded-for': peer, 'x-forwarded-proto': 'http' });
    const overTls = seenBy(await askOverTls(await through('https', { peer }), toWeb));
    expect(overTls.headers).toMatchObject({ 'x-forwarded-for': peer, 'x-forwarded-proto': 'https' });
  });

  it('passes TLS on by server name, and bytes of a server that talks first', async () => {
    expect(await tlsExchange(await through('tls'), toWeb)).toBe('secure:hello');
    expect(await failing(tlsExchange(await through('tls'), { ...toWeb, servername: 'other.example' }))).toBe('closed');
    expect(await tcpExchange(await through('tcp'))).toBe('greeter:hello');
  });

  it('closes connections that do not begin with a header', async () => {
    expect(await refusals({ header: 'none' })).toEqual(closed);
  });

  it('closes connections whose header is of version 1', async () => {
    expect(await refusals({ header: 'v1' })).toEqual(closed);
  });

  it('closes connections from anywhere but the fence, before a server that talks first has said a word', async () => {
    expect(await refusals({ from: '127.0.0.2' })).toEqual(closed);
  });

  it('takes ranges in the fence, and lets nobody in where it is empty', async () => {
    await fleet.applyGraph(world({ fence: ['fd00::/8', '127.0.0.2/31'] }));
    expect(await tcpExchange(await through('tcp', { from: '127.0.0.3' }))).toBe('greeter:hello');
    expect(whoAnswers(await ask(await through('http', { from: '127.0.0.3' })))).toBe('app');
    expect(await refusals({})).toEqual(closed);
    await fleet.applyGraph(world({ fence: [] }));
    expect(await refusals({})).toEqual(closed);
    await fleet.applyGraph(world());
  });

  it('keeps the fence of before where Envoy rejects the new one', async () => {
    await expect(fleet.applyGraph(world({ fence: ['nonsense'] }))).rejects.toThrow(/malformed IP address: nonsense/);
    expect(whoAnswers(await ask(await through('http')))).toBe('app');
    expect(await tcpExchange(await through('tcp'))).toBe('greeter:hello');
    await fleet.applyGraph(world());
    expect(await refusals({ from: '127.0.0.2' })).toEqual(closed);
  });

  describe('headers by which a client claims to be somebody', () => {
    const claimed = {
      'Tailscale-User-Login': 'eve@example.com',
      tailscale_user_login: 'eve@example.com',
      'Tailscale_User-Name': 'Eve',
      'tailscale-user-profile-pic': 'https://example.com/eve',
      'tailscale-user-profile_pic': 'https://example.com/eve',
      'tailscale-app-capabilities': '{}',
      'X-Tailscale-Tags': 'tag:admin',
      x_tailscale_tags: 'tag:admin',
      'X-Tailscale-Node': 'eve',
      'x-tailscale_node': 'eve',
    };
    const asked = { 'tailscale-webhook-signature': 'kept', 'tailscale-user-logins': 'kept' };
    const claims = ({ headers }: ReturnType<typeof seenBy>) => Object.keys(headers).filter((name) => /tailscale/.test(name));

    it('reach no backend by an entrance, and neither does any other with an underscore, nor where the request says to come from', async () => {
      const spoofed = { ...claimed, ...asked, 'x-forwarded-for': '10.9.9.9', x_forwarded_for: '10.9.9.9', any_other: '1' };
      const seen = seenBy(await ask(await through('http'), '/', spoofed));
      expect(claims(seen).toSorted()).toEqual(Object.keys(asked).toSorted());
      expect(seen.headers['x-forwarded-for']).toBe(alice);
      expect(Object.keys(seen.headers).filter((name) => name.includes('_'))).toEqual([]);
    });

    it('reach no backend by other listeners either, which leave other headers as they are', async () => {
      const seen = seenBy(await ask(ports.open, '/', { ...claimed, ...asked, any_other: '1' }));
      expect(claims(seen).toSorted()).toEqual(Object.keys(asked).toSorted());
      expect(seen.headers).toMatchObject({ any_other: '1' });
    });
  });

  describe('connections that there are', () => {
    let agent: Agent;
    let raw: TcpSocket;
    let said = '';
    const drained = async (): Promise<string> => {
      const stats = await fleet.envoy.admin('/stats?filter=listener_manager.total_(filter_chains|listeners)_draining');
      return stats.replaceAll(/[^0-9]/g, '');
    };
    /** Both connections answer, and are the ones they were. */
    const expectKept = async (http: number): Promise<void> => {
      const answer: Answer = await ask(http, '/', {}, { agent });
      expect(whoAnswers(answer)).toBe('app');
      expect(answer.headers['connection']).not.toBe('close');
      said = '';
      raw.write('still');
      await once(raw, 'data');
      expect(said).toBe('still');
      expect(await drained()).toBe('00');
    };

    it('go on whatever becomes of the fence', async () => {
      agent = new Agent({ keepAlive: true, maxSockets: 1 });
      let connections = 0;
      const http = await through('http');
      agent.on('free', () => undefined);
      raw = connect(await through('tcp'), '127.0.0.1');
      raw.on('data', (data) => void (said += String(data)));
      await once(raw, 'data');
      await expectKept(http);
      await fleet.applyGraph(world({ fence: strangers }));
      expect(await refusals({})).toEqual(closed);
      await expectKept(http);
      await fleet.applyGraph(world());
      await expectKept(http);
      connections = Object.values(agent.freeSockets).flat().length;
      expect(connections).toBe(1);
      agent.destroy();
      raw.destroy();
    });
  });

  it('lets peers send bytes by who they are, others not hear a word, and connections go on when that changes', async () => {
    const policy = 'TailscaleRoutePolicy/default/who' as const;
    const identities = [{ policy, allow: { users: [], groups: [], tags: ['tag:dev'], nodes: [] } }];
    const peerOf = (node: string, tag: string, ...addresses: readonly string[]): Peer => ({
      addresses,
      user: '',
      displayName: '',
      groups: [],
      tags: [tag],
      node,
    });
    const other = '100.64.0.2';
    const byBytes = async (peer: string) => ({
      tls: await failing(tlsExchange(await through('tls', { peer }), toWeb)),
      tcp: await failing(tcpExchange(await through('tcp', { peer }))),
    });
    const welcome = { tls: 'answered: "secure:hello"', tcp: 'answered: "greeter:hello"' };
    const refused = { tls: 'closed', tcp: 'closed' };
    await fleet.applyGraph(
      world({ identities, peers: [peerOf('one', 'tag:dev', alice, 'fd7a:115c:a1e0::1'), peerOf('two', 'tag:dev2', other)] }),
    );
    expect(await Promise.all([alice, 'fd7a:115c:a1e0::1', other, '100.64.0.9'].map(byBytes))).toEqual([welcome, welcome, refused, refused]);
    const raw = connect(await through('tcp'), '127.0.0.1');
    await once(raw, 'data');
    await fleet.applyGraph(world({ identities, peers: [peerOf('two', 'tag:dev', other)] }));
    expect(await Promise.all([alice, other].map(byBytes))).toEqual([refused, welcome]);
    raw.write('still');
    expect(String((await once(raw, 'data'))[0])).toBe('still');
    raw.destroy();
    await fleet.applyGraph(world());
  });
});
