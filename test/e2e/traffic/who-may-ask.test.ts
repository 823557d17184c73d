/** What routes ask of peers, at a real Envoy by hand-made graphs: behind an imitation of the ingress proxies, and where nobody is known. */
import { once } from 'node:events';
import { Agent as HttpsAgent } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph, HttpRule, Identities, IdentityRule, Peer, RouteEntry, Socket, TlsSecret } from '../../../src/model/graph.ts';
import { authority, certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { type Answer, ask } from '../../support/http.ts';
import { type IngressProxy, startIngressProxy } from '../../support/ingress-proxy.ts';
import { freePorts } from '../../support/ports.ts';
import { type Backend, httpEcho } from './backends.ts';
import { seenBy, whoAnswers } from './clients.ts';
import { callGrpc, grpcBackend } from './grpc.ts';

const peerOf = (address: string, more: Partial<Peer>): Peer => ({
  addresses: [address],
  user: '',
  displayName: '',
  groups: [],
  tags: [],
  node: `n${address.split('.').at(-1)}.tail1.example`,
  ...more,
});
const dev = '100.64.0.1';
const dev2 = '100.64.0.2';
const alice = '100.64.0.3';
const stranger = '100.64.0.9';
const known = [
  peerOf(dev, { tags: ['tag:dev'] }),
  peerOf(dev2, { tags: ['tag:dev2', 'tag:a'] }),
  peerOf(alice, { user: 'alice@example.com', groups: ['group:all'] }),
];

const policy = 'TailscaleRoutePolicy/default/who' as const;
const who = (more: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...more });
const allow = (more: Partial<Identities>): IdentityRule => ({ policy, allow: who(more) });
const deny = (more: Partial<Identities>): IdentityRule => ({ policy, deny: who(more) });
const devs = allow({ tags: ['tag:dev'] });

const app = backendOf('app');
const grpc = backendOf('grpc', { protocol: 'http2' });
const ca = authority('servers');
const web = 'web.tail1.example';
const pair = (): TlsSecret => {
  const { certificate, privateKey } = certificateFor([web], ca);
  return { id: 'web', owner: 'Secret/default/web', type: 'key-pair', certificateChain: certificate, privateKey };
};
const entry = (path: string, identities: readonly IdentityRule[], rule: Partial<HttpRule> = {}): RouteEntry =>
  entryOf(path, { path: { type: 'prefix', value: path } }, { action: { kind: 'forward', shares: [shareOf(app)] }, identities, ...rule });

describe.skipIf(envoy === undefined)('a route that asks who it is', () => {
  let fleet: Fleet;
  let servers: Record<'app' | 'grpc', Backend>;
  let ports: Record<'http' | 'https' | 'open', number>;
  const opened: IngressProxy[] = [];
  beforeAll(async () => {
    servers = { app: await httpEcho('app'), grpc: await grpcBackend('grpc', { '/a.B/C': (request) => request }) };
    const [http = 0, https = 0, open = 0] = await freePorts(3);
    ports = { http, https, open };
    fleet = await startFleet();
    await fleet.applyGraph(world());
  });
  afterAll(async () => {
    for (const proxy of opened) await proxy.stop();
    await fleet.stop();
    for (const server of Object.values(servers)) await server.stop();
  });

  const world = ({ first = [devs], certificate = pair() }: { first?: readonly IdentityRule[]; certificate?: TlsSecret } = {}): Graph => {
    const hosts = [
      hostOf(
        '*',
        entry('/dev', first),
        entry('/redirect', [devs], { action: { kind: 'redirect', redirect: { statusCode: 302, hostname: 'there.example' } } }),
        entry('/respond', [devs], { action: { kind: 'respond', status: 500 } }),
        entry('/both', [devs, allow({ tags: ['tag:a'] })]),
        entry('/deny', [{ ...allow({ tags: ['tag:dev', 'tag:dev2'] }), ...deny({ tags: ['tag:a'] }) }]),
        entry('/free', []),
        entryOf(
          'grpc',
          { path: { type: 'prefix', value: '/a.B' }, grpc: true },
          { action: { kind: 'forward', shares: [shareOf(grpc)] }, identities: [devs] },
        ),
      ),
    ];
    const at = (port: number) => [{ zone: '', weight: 1, endpoints: [{ address: '127.0.0.1', port, healthy: true }] }];
    const tailnet = { tailnet: 'example', service: 'svc:web' };
    const sockets: readonly Socket[] = [
      { ...socketOf(80, listenerOf('http', ...hosts)), boundPort: ports.http, tailnet },
      {
        ...socketOf(443, { ...listenerOf('https', ...hosts), protocol: 'HTTPS', tls: { certificates: [certificate] } }),
        boundPort: ports.https,
        tailnet,
      },
      socketOf(ports.open, listenerOf('open', ...hosts)),
    ];
    return {
      ...graphOf(
        [
          gatewayOf({
            sockets: sockets.map((socket) => ({ ...socket, addresses: ['127.0.0.1'] })),
            backends: [app, grpc],
            secrets: [certificate],
          }),
        ],
        new Map([
          [app.id, at(servers.app.port)],
          [grpc.id, at(servers.grpc.port)],
        ]),
      ),
      fences: new Map([['default/edge', ['127.0.0.1']]]),
      peers: new Map([['example', { byNode: new Map(known.map((peer) => [peer.node, peer])) }]]),
    };
  };
  const through = async (peer: string, to: keyof typeof ports = 'http'): Promise<number> => {
    const proxy = await startIngressProxy({ to: ports[to], peer });
    opened.push(proxy);
    return proxy.port;
  };
  const asks = async (path: string) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries({ dev, dev2, alice, stranger }).map(async ([name, peer]) => [name, (await ask(await through(peer), path)).status]),
      ),
    ) as Record<string, number>;

  it('takes tags whole', async () => {
    expect(await asks('/dev')).toEqual({ dev: 200, dev2: 403, alice: 403, stranger: 403 });
  });

  it('wants every one of its rules met', async () => {
    expect(await asks('/both')).toEqual({ dev: 403, dev2: 403, alice: 403, stranger: 403 });
  });

  it('denies before it allows', async () => {
    expect(await asks('/deny')).toEqual({ dev: 200, dev2: 403, alice: 403, stranger: 403 });
  });

  it('asks before it redirects or answers by itself', async () => {
    expect(await asks('/redirect')).toEqual({ dev: 302, dev2: 403, alice: 403, stranger: 403 });
    expect(await asks('/respond')).toEqual({ dev: 500, dev2: 403, alice: 403, stranger: 403 });
  });

  it('leaves routes alone that do not ask', async () => {
    expect(await asks('/free')).toEqual({ dev: 200, dev2: 200, alice: 200, stranger: 200 });
  });

  it('tells gRPC clients PERMISSION_DENIED', async () => {
    expect(await callGrpc(await through(dev), web, '/a.B/C')).toEqual({ code: 'OK', answer: 'hello' });
    expect(await callGrpc(await through(dev2), web, '/a.B/C')).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('lets nobody in by a listener that knows no peers, whatever they claim', async () => {
    const claim = { 'x-tailscale-tags': 'tag:dev' };
    expect((await ask(ports.open, '/dev', claim)).status).toBe(403);
    expect((await ask(ports.open, '/free', claim)).status).toBe(200);
  });

  it('hears who connects after what clients of other listeners say of that, and from a tailnet instead of it', async () => {
    const claim = {
      'x-forwarded-for': '10.9.9.9',
      x_forwarded_for: '10.9.9.9',
      tailscale_user_login: 'eve',
      'x-tailscale_tags': 'tag:dev',
    };
    const passing = { forwarded: 'for=10.9.9.9', 'x-real-ip': '10.9.9.9', 'x-forwarded-host': 'there.example' };
    const seen = async (port: number) => {
      const { headers } = seenBy(await ask(port, '/free', { ...claim, ...passing }));
      return Object.fromEntries(Object.entries(headers).filter(([name]) => /forwarded(?!-proto)|real-ip|tailscale/.test(name)));
    };
    // Of a client on its own machine Envoy gives the machine's address.
    const connected = expect.stringMatching(/^10\.9\.9\.9,(?!10\.9\.9\.9)[\da-f.:]+$/) as string;
    expect(await seen(ports.open)).toEqual({ ...passing, 'x-forwarded-for': connected, x_forwarded_for: '10.9.9.9' });
    expect(await seen(await through(stranger))).toEqual({ ...passing, 'x-forwarded-for': stranger });
  });

  it('answers anew by what it asks, and by a new certificate, on connections that go on', async () => {
    const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 });
    const kept = new Set<unknown>();
    const port = await through(alice, 'https');
    const again = async (): Promise<Answer> => {
      const answer = await ask(port, '/dev', { host: web }, { agent, ca: ca.certificate, servername: web });
      for (const socket of Object.values(agent.freeSockets).flat()) kept.add(socket);
      return answer;
    };
    const before = pair();
    await fleet.applyGraph(world({ certificate: before }));
    expect((await again()).status).toBe(403);
    await fleet.applyGraph(world({ certificate: before, first: [allow({ users: ['alice@example.com'] })] }));
    expect(whoAnswers(await again())).toBe('app');
    const after = pair();
    await fleet.applyGraph(world({ certificate: after, first: [allow({ groups: ['group:all'] })] }));
    expect(whoAnswers(await again())).toBe('app');
    expect(kept.size).toBe(1);
    const serial = async (one: HttpsAgent): Promise<string> => {
      const socket = one.createConnection({ port, host: '127.0.0.1', ca: ca.certificate, servername: web }) as TLSSocket;
      await once(socket, 'secureConnect');
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return raw.toString('base64');
    };
    const body = after.type === 'key-pair' ? after.certificateChain.replaceAll(/-----[^-]+-----|\s/g, '') : '';
    expect(body).toContain(await serial(new HttpsAgent()));
    agent.destroy();
    const draining = await fleet.envoy.admin('/stats?filter=listener_manager.total_.*_draining');
    expect(draining.match(/\d+/g)).toEqual(['0', '0']);
  });
});
