/** Who asks, as a real Envoy tells it to backends and judges it for routes, by hand-made graphs behind an imitation of the ingress proxies. */
import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph, Identities, Peer, Socket } from '../../../src/model/graph.ts';
import { headerText } from '../../../xds/translate/peers-header.ts';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../support/graph.ts';
import { type Answer, ask } from '../../support/http.ts';
import { type IngressProxy, startIngressProxy } from '../../support/ingress-proxy.ts';
import { freePorts } from '../../support/ports.ts';
import { eventually } from '../../support/world.ts';
import { type HttpBackend, httpEcho, type Seen } from './backends.ts';

const peerOf = (name: string, addresses: readonly string[], more: Partial<Peer> = {}): Peer => ({
  addresses,
  user: '',
  displayName: '',
  groups: [],
  tags: [],
  node: `${name}.tail1.ts.net`,
  ...more,
});
const ann = peerOf('ann', ['100.64.0.1', 'fd7a:115c:a1e0::1'], {
  user: 'Ann@example.com',
  displayName: 'Ann Ångström',
  groups: ['autogroup:member', 'group:dev'],
});
const ci = peerOf('ci', ['100.64.0.2'], { tags: ['tag:ci', 'tag:web'], groups: ['autogroup:tagged'] });
const guest = peerOf('ci', ['100.64.0.3'], {
  user: 'eve@elsewhere.com',
  groups: ['autogroup:shared'],
  node: 'ci.other.ts.net',
  external: true,
});
const unknown = 'fd7a:115c:a1e0:ab12:4843::1';

/** Texts that break things which are put together from texts. */
const nasty = [
  '"',
  '\\',
  ']]',
  '\\"..os.exit()..\\"',
  "'",
  '\n\r\t',
  '\u{1f600} ünïcødé',

  '%s %',
  '{},',
  '-- ',
  '?=_=',
  '\\065',
  'x'.repeat(300),
];
/** Addresses that no tailnet gives out, and more of them than two. */
const odd = peerOf('odd', ['10.1.2.3', 'ab12:4843::1', '100.64.0.5', 'fd7a:115c:a1e0:ab12:4843::2', '::5']);
const cutShort = peerOf('cut', ['100.64.0.4'], { user: 'ann@example.com\0' });
const nastyPeers = nasty.map((text, index) => peerOf(`n${index}`, [`100.70.0.${index}`], { user: `u${text}`, displayName: text }));

const identities = (more: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...more });
const app = backendOf('app');
const forward = { kind: 'forward', shares: [shareOf(app)] } as const;
const policy = 'TailscaleRoutePolicy/default/who' as const;
const allowing = (path: string, more: Partial<Identities>) =>
  entryOf(path, { path: { type: 'prefix', value: path } }, { action: forward, identities: [{ policy, allow: identities(more) }] });
const hosts = [
  hostOf(
    '*',
    allowing('/ann', { users: ['ANN@example.com'] }),
    allowing('/dev', { groups: ['group:dev'] }),
    allowing('/web', { tags: ['tag:web'] }),
    allowing('/ci', { nodes: ['ci'] }),
    allowing('/eve', { users: ['eve@elsewhere.com'] }),
    allowing('/members', { groups: ['autogroup:member'] }),
    ...nastyPeers.map(({ user }, index) => allowing(`/nasty/${index}`, { users: [user] })),
    entryOf('app', {}, { action: forward }),
  ),
];

describe.skipIf(envoy === undefined)('who asks', () => {
  let fleet: Fleet;
  let backend: HttpBackend;
  let ports: readonly [number, number];
  const opened: IngressProxy[] = [];

  beforeAll(async () => {
    backend = await httpEcho('app');
    const [one = 0, other = 0] = await freePorts(2);
    ports = [one, other];
    fleet = await startFleet({ translation: { accessLog: true } });
    await fleet.applyGraph(world());
  });
  afterAll(async () => {
    for (const proxy of opened) await proxy.stop();
    await fleet.stop();
    await backend.stop();
  });

  const entrance = (tailnet: string, boundPort: number): Socket => ({
    ...socketOf(80, listenerOf('http', ...hosts)),
    addresses: ['127.0.0.1'],
    boundPort,
    tailnet: { tailnet, service: 'svc:web' },
  });
  let sockets: readonly Socket[] | undefined;
  /** Entrances of two tailnets, always the same objects, so that only peers differ between graphs. */
  const world = (prod: readonly Peer[] = [ann, ci, guest, cutShort, odd, ...nastyPeers], lab: readonly Peer[] = []): Graph => {
    sockets ??= [entrance('prod', ports[0]), entrance('lab', ports[1])];
    const locality = { zone: '', weight: 1, endpoints: [{ address: '127.0.0.1', port: backend.port, healthy: true }] };
    const graph = graphOf([gatewayOf({ sockets, backends: [app] })], new Map([[app.id, [locality]]]));
    const peersOf = (peers: readonly Peer[]) => ({ byNode: new Map(peers.map((peer) => [`id-${peer.addresses[0]}`, peer])) });
    const peers = new Map([
      ['prod', peersOf(prod)],
      ['lab', peersOf(lab)],
    ]);
    return { ...graph, peers, fences: new Map([['default/edge', ['127.0.0.1']]]) };
  };
  const askAs = async (peer: string, path = '/', headers: Record<string, string> = {}, agent?: Agent, to = 0): Promise<Answer> => {
    const proxy = await startIngressProxy({ to: ports[to] ?? 0, peer });
    opened.push(proxy);
    return ask(proxy.port, path, headers, agent === undefined ? {} : { agent });
  };
  const told = (answer: Answer): Record<string, unknown> => {
    const { headers } = JSON.parse(answer.body) as Seen;
    const names = ['tailscale-user-login', 'tailscale-user-name', 'x-tailscale-tags', 'x-tailscale-node'];
    return Object.fromEntries(names.filter((name) => name in headers).map((name) => [name, headers[name]]));
  };

  it.each(ann.addresses)('is told by login, name and machine where it is a user, at %s', async (address) => {
    expect(told(await askAs(address))).toEqual({
      'tailscale-user-login': 'Ann@example.com',
      'tailscale-user-name': '=?utf-8?q?Ann_=C3=85ngstr=C3=B6m?=',
      'x-tailscale-node': 'ann.tail1.ts.net',
    });
  });

  it('is told by tags and machine where it is tagged', async () => {
    expect(told(await askAs('100.64.0.2'))).toEqual({ 'x-tailscale-tags': 'tag:ci,tag:web', 'x-tailscale-node': 'ci.tail1.ts.net' });
  });

  it('is told by login and machine where it is shared in', async () => {
    expect(told(await askAs('100.64.0.3'))).toEqual({
      'tailscale-user-login': 'eve@elsewhere.com',
      'x-tailscale-node': 'ci.other.ts.net',
    });
  });

  it.each(odd.addresses)('is told at %s, wherever that is from', async (address) => {
    expect(told(await askAs(address))).toEqual({ 'x-tailscale-node': 'odd.tail1.ts.net' });
  });

  it('is not told where nobody knows it, and never by itself', async () => {
    const claims = { 'tailscale-user-login': 'ann@example.com', 'x-tailscale-tags': 'tag:web', Tailscale_User_Login: 'ann@example.com' };
    const answer = await askAs(unknown, '/', claims);
    expect(told(answer)).toEqual({});
    expect(answer.body).not.toContain('ann@example.com');
    expect(told(await askAs('100.64.0.2', '/', claims))).not.toHaveProperty('tailscale-user-login');
  });

  it.each([
    ['100.64.0.1', '/ann', '/dev', '/members'],
    ['fd7a:115c:a1e0::1', '/ann', '/dev', '/members'],
    ['100.64.0.2', '/web', '/ci'],
    ['100.64.0.3', '/eve'],
    [unknown],
  ])('decides what %s may ask', async (address, ...allowed) => {
    for (const path of ['/ann', '/dev', '/members', '/web', '/ci', '/eve'])
      expect([path, (await askAs(address, path)).status]).toEqual([path, allowed.includes(path) ? 200 : 403]);
  });

  it('survives whatever stands in names', async () => {
    for (const [index, { addresses, user, displayName, node }] of nastyPeers.entries()) {
      const answer = await askAs(addresses[0] ?? '', `/nasty/${index}`);
      expect([user, answer.status]).toEqual([user, 200]);
      // HTTP cuts off space at the ends.
      expect(told(answer)).toEqual({
        'tailscale-user-login': headerText(user).trim(),
        'tailscale-user-name': headerText(displayName).trim(),
        'x-tailscale-node': node,
      });
      expect((await askAs(addresses[0] ?? '', `/nasty/${(index + 1) % nasty.length}`)).status).toBe(403);
    }
  });

  it('is in the access log', async () => {
    await askAs('100.64.0.1', '/logged');
    await askAs(unknown, '/logged');
    const line = /"GET \/logged HTTP\/1.1" 200 .* "ann@example.com" "ann.tail1.ts.net"\n[^]*\/logged .* "-" "-"\n/;
    const log = await eventually(
      async () => fleet.envoy.log(),
      (text) => line.test(text),
    );
    expect(log).toMatch(line);
  });

  it('is nobody whose name it begins with', async () => {
    expect((await askAs('100.64.0.4', '/ann')).status).toBe(403);
    expect(told(await askAs('100.64.0.4'))).toMatchObject({ 'tailscale-user-login': '=?utf-8?q?ann@example.com=00?=' });
  });

  it('is told anew on a connection that is kept, when a machine gets another tag, and nothing is drained', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const proxy = await startIngressProxy({ to: ports[0], peer: '100.64.0.2' });
    opened.push(proxy);
    expect((await ask(proxy.port, '/web', {}, { agent })).status).toBe(200);
    await fleet.applyGraph(world([ann, { ...ci, tags: ['tag:db'] }, guest, ...nastyPeers]));
    const answer = await ask(proxy.port, '/web', {}, { agent });
    expect(answer.status).toBe(403);
    expect(answer.headers.connection).not.toBe('close');
    expect(told(await ask(proxy.port, '/', {}, { agent }))).toMatchObject({ 'x-tailscale-tags': 'tag:db' });
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    expect(await fleet.envoy.admin('/stats?filter=listener_manager.(listener_modified|total_listeners_draining)')).toMatch(
      /listener_modified: 0\n.*draining: 0/,
    );
    agent.destroy();
  });

  it('is unknown once the tailnet is, and known again with it', async () => {
    await fleet.applyGraph(world([]));
    expect(told(await askAs('100.64.0.1'))).toEqual({});
    expect((await askAs('100.64.0.1', '/ann')).status).toBe(403);
    await fleet.applyGraph(world());
    expect((await askAs('100.64.0.1', '/ann')).status).toBe(200);
  });

  it('is never one of another tailnet that has the same addresses', async () => {
    const bob = { ...ann, user: 'bob@example.com', displayName: 'Bob', node: 'bob.tail2.ts.net', groups: [] };
    await fleet.applyGraph(world([ann], [bob]));
    const [inProd, inLab] = [await askAs('100.64.0.1', '/'), await askAs('100.64.0.1', '/', {}, undefined, 1)];
    expect(told(inProd)).toMatchObject({ 'tailscale-user-login': 'Ann@example.com', 'x-tailscale-node': 'ann.tail1.ts.net' });
    expect(told(inLab)).toMatchObject({ 'tailscale-user-login': 'bob@example.com', 'x-tailscale-node': 'bob.tail2.ts.net' });
    expect((await askAs('100.64.0.1', '/ann', {}, undefined, 1)).status).toBe(403);
  });

  it('is found in a tailnet that is cut into shards, by every address', async () => {
    const many = Array.from({ length: 1500 }, (_, index) =>
      peerOf(`m${index}`, [`100.80.${index >> 8}.${index & 255}`, `fd7a:115c:a1e0::5:${index.toString(16)}`], { user: `u${index % 100}` }),
    );
    await fleet.applyGraph(world([ann, odd, ...many]));
    for (const peer of [odd, ...many.filter((_, index) => index % 31 === 0)])
      for (const address of peer.addresses) expect(told(await askAs(address))).toMatchObject({ 'x-tailscale-node': peer.node });
    expect((await askAs('100.64.0.1', '/ann')).status).toBe(200);
  });
});
