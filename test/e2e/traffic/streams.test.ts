import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { freePorts } from '../../support/ports.ts';
import { edge, eventually, route, service } from '../../support/world.ts';
import { type Backend, tcpEcho, udpEcho } from './backends.ts';
import { repeat, tallyOf, tcpExchange, udpExchange } from './clients.ts';
import { stopAll } from './scene.ts';

const to = (...shares: readonly (readonly [string, number])[]): string =>
  `rules: [{ backendRefs: [${shares.map(([name, weight]) => `{ name: ${name}, port: 80, weight: ${weight} }`).join(', ')}] }]`;

const sections = ['one', 'split', 'drop', 'lost', 'unrouted', 'udp', 'udp-split', 'udp-drop'] as const;

describe.skipIf(envoy === undefined)('TCPRoutes and UDPRoutes', () => {
  let fleet: Fleet;
  const ports = new Map<string, number>();
  const port = (section: (typeof sections)[number]): number => ports.get(section) ?? 0;
  const backends: Backend[] = [];
  beforeAll(async () => {
    const free = await freePorts(sections.length);
    for (const [index, section] of sections.entries()) ports.set(section, free[index] ?? 0);
    const tcp = [await tcpEcho('one'), await tcpEcho('two'), await tcpEcho('three')];
    const udp = [await udpEcho('heads'), await udpEcho('tails')];
    backends.push(...tcp, ...udp);
    fleet = await startFleet();
    await fleet.apply(
      edge(
        ...sections.map((section) => `name: ${section}, protocol: ${section.startsWith('udp') ? 'UDP' : 'TCP'}, port: ${port(section)}`),
      ) +
        tcp.map((backend) => service(backend.name, [backend.port])).join('') +
        udp.map((backend) => service(backend.name, [backend.port], 'protocol: UDP')).join('') +
        route('TCPRoute', 'one', to(['one', 1]), 'one') +
        route('TCPRoute', 'split', to(['one', 3], ['two', 1], ['three', 0]), 'split') +
        route('TCPRoute', 'drop', to(['one', 1], ['missing', 1]), 'drop') +
        route('TCPRoute', 'lost', to(['missing', 1]), 'lost') +
        route('UDPRoute', 'udp', to(['heads', 1]), 'udp') +
        route('UDPRoute', 'udp-split', to(['heads', 3], ['tails', 1]), 'udp-split') +
        route('UDPRoute', 'udp-drop', to(['heads', 1], ['missing', 1]), 'udp-drop'),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    await stopAll(backends);
  });

  const tally = async (times: number, exchange: () => Promise<string>): Promise<Readonly<Record<string, number>>> =>
    tallyOf(await repeat(times, exchange));

  it('carry bytes both ways', async () => {
    const text = 'x'.repeat(1_000_000);
    expect(await tcpExchange(port('one'), text)).toBe(`one:${text}`);
  });

  it('spread connections by weight, and a weight of zero gets none', async () => {
    const { 'one:hello': one = 0, 'two:hello': two = 0, ...others } = await tally(200, async () => tcpExchange(port('split')));
    expect(others).toEqual({});
    expect(one).toBeGreaterThan(110);
    expect(two).toBeGreaterThan(20);
  });

  it('close the connections of the share that has no backend', async () => {
    const { 'one:hello': whole = 0, '': closed = 0, ...others } = await tally(60, async () => tcpExchange(port('drop')));
    expect(others).toEqual({});
    expect(Math.min(whole, closed)).toBeGreaterThan(12);
  });

  it.each(['lost', 'unrouted'] as const)('close every connection to a listener without a backend or route (%s)', async (section) => {
    expect(await tally(3, async () => tcpExchange(port(section)))).toEqual({ '': 3 });
  });

  it('carry datagrams, and their answers', async () => {
    expect(await udpExchange(port('udp'))).toBe('heads:hello');
  });

  it('spread sessions by weight', async () => {
    const { 'heads:hello': heads = 0, 'tails:hello': tails = 0, ...others } = await tally(120, async () => udpExchange(port('udp-split')));
    expect(others).toEqual({});
    expect(heads).toBeGreaterThan(tails);
    expect(tails).toBeGreaterThan(5);
  });

  it('drop the datagrams of the share that has no backend', async () => {
    const answered: string[] = [];
    const clients = Array.from({ length: 60 }, () => createSocket('udp4').on('message', (data) => void answered.push(data.toString())));
    for (const client of clients) client.send('hello', port('udp-drop'), '127.0.0.1');
    await eventually(
      async () => answered.length,
      (count) => count > 12,
    );
    // What Envoy got before this it has dealt with after it.
    await udpExchange(port('udp'));
    for (const client of clients) client.close();
    expect(new Set(answered)).toEqual(new Set(['heads:hello']));
    expect(answered.length).toBeLessThan(48);
  });
});
