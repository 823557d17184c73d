/**
 * `node bench/identity.ts`: what it costs a real Envoy, over real ADS, to know who is behind each address of a large tailnet. One machine gets another
 * tag, over and over: bytes that move, CPU of Envoy, and how long after the tailnet was read a request on a connection that is kept is judged by it. Then
 * requests: CPU of Envoy for each, without a tailnet, with an empty one, and with machines. And its memory, with one entrance and with more.
 *
 * Flags: --devices 1000,10000 --changes 20 --requests 10000 --entrances 20
 */
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket as TcpSocket } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEnvoyProcess } from '../scripts/envoy-process.ts';
import { findEnvoy, howToGetEnvoy } from '../scripts/envoy.ts';
import type { Device, KnownTailnet, TailnetState } from '../src/api/observations.ts';
import type { Gateway, Graph, Socket } from '../src/model/graph.ts';
import { peersBuilder } from '../src/model/peers.ts';
import { entryOf, gatewayOf, graphOf, hostOf, listenerOf, socketOf } from '../test/support/graph.ts';
import { freePorts } from '../test/support/ports.ts';
import { edgeBootstrap } from '../test/support/world.ts';
import { adsServer } from '../xds/ads/server.ts';
import { snapshotOf } from '../xds/snapshot/snapshot-of.ts';
import type { Snapshot } from '../xds/snapshot/snapshot.ts';
import { translator } from '../xds/translate/translate.ts';
import { quantile } from './churn/figures.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000,10000' },
    changes: { type: 'string', default: '20' },
    requests: { type: 'string', default: '10000' },
    entrances: { type: 'string', default: '20' },
  },
});
const [changes, requests, entrances] = [Number(values.changes), Number(values.requests), Number(values.entrances)];

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** The one who asks, and whose tag changes. */
const asking = 7;
const ipv6Of = (index: number): string => `fd7a:115c:a1e0::${((index * 40_503) % 65_536).toString(16)}:${index.toString(16)}`;
const addressOf = (index: number): string => `100.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;

/** Three machines of four belong to somebody who has three, the others are tagged; both address families, as Tailscale gives them. */
const deviceOf = (index: number, tags: readonly string[]): Device => {
  const isTagged = tags.length > 0;
  return {
    id: `n${index}CNTRL`,
    fqdn: `machine-${index}.tail1234.ts.net`,
    hostname: `machine-${index}`,
    addresses: [addressOf(index), ipv6Of(index)],
    tags,
    user: isTagged ? '' : `user-${index % 3000}@example.com`,
    usable: true,
    connected: true,
    authorized: true,
    expired: false,
  };
};
const usualTags = (index: number): readonly string[] => (index % 4 === asking % 4 ? ['tag:k8s', 'tag:web'] : []);
const users = Array.from({ length: 3000 }, (_, index) => `user-${index}@example.com`);
const people = {
  groups: new Map([
    ['group:everybody', users],
    ['group:dev', users.filter((_, index) => index % 3 === 0)],
  ]),
  displayNames: new Map(users.map((user, index) => [user, `User Number ${index}`])),
};
const stateOf = (devices: KnownTailnet['devices']): TailnetState => ({
  name: 'large',
  known: { devices, services: new Map(), ...people, lastSync: '2026-01-01T00:00:00Z' },
});

/** Passes bytes on, and counts those towards whoever connects. */
const countingProxy = async (to: number) => {
  let bytes = 0;
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1').on('data', (chunk) => (bytes += chunk.length));
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes, stop: () => server.close() };
};

/** Milliseconds of CPU that all threads of a process took. */
const cpuMs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
const rssMb = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Version 2 of the PROXY protocol, from an address of either family. */
const proxyHeader = (address: string): Buffer => {
  const isIPv6 = address.includes(':');
  const bytes = isIPv6 ? ipv6Bytes(address) : address.split('.').map(Number);
  const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
  return Buffer.from([...signature, 0x21, isIPv6 ? 0x21 : 0x11, 0, 2 * bytes.length + 4, ...bytes, ...bytes, 0x9c, 0x40, 0x01, 0xbb]);
};
/** Of an address with one `::`. */
const ipv6Bytes = (address: string): readonly number[] => {
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').map((group) => Number.parseInt(group, 16)));
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return groups.flatMap((group) => [group >> 8, group & 255]);
};

/** A connection that is kept. `ask` gives the status of one request, which is none of a backend: Envoy itself answers. */
const client = async (port: number, peer?: string) => {
  const socket: TcpSocket = connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  if (peer !== undefined) socket.write(proxyHeader(peer));
  const request = 'GET / HTTP/1.1\r\nhost: web.example.com\r\n\r\n';
  return {
    ask: async (): Promise<number> => {
      socket.write(request);
      let answer = '';
      while (!isWhole(answer)) answer += String(((await once(socket, 'data')) as [Buffer])[0]);
      return Number(answer.slice(9, 12));
    },
    stop: () => socket.destroy(),
  };
};
const isWhole = (answer: string): boolean => {
  const end = answer.indexOf('\r\n\r\n');
  return end >= 0 && answer.length >= end + 4 + Number(/content-length: (\d+)/.exec(answer)?.[1] ?? 0);
};

const allow = { users: [], groups: [], tags: ['tag:web'], nodes: [] };
const policy = 'TailscaleRoutePolicy/default/who' as const;
const judged = entryOf('judged', {}, { action: { kind: 'respond', status: 500 }, identities: [{ policy, allow }] });
const plain = entryOf('plain', {}, { action: { kind: 'respond', status: 500 } });
const at = (boundPort: number, entry: typeof plain): Socket => ({
  ...socketOf(boundPort, listenerOf('http', hostOf('*', entry))),
  addresses: ['127.0.0.1'],
});

type Row = { readonly what: string; readonly value: number; readonly unit: string; readonly limit?: number };

const measured = async (binary: string, count: number): Promise<readonly Row[]> => {
  const ports = await freePorts(entrances + 3);
  const [ordinary = 0, empty = 0, large = 0, ...more] = ports;
  const entrance = (port: number, tailnet: string, entry = plain): Socket => ({
    ...at(port, entry),
    tailnet: { tailnet, service: `svc:s${port}` },
  });
  const few = [at(ordinary, plain), entrance(empty, 'empty'), entrance(large, 'large', judged)];
  const gatewayWith = (sockets: readonly Socket[]): ReadonlyMap<string, Gateway> => new Map([['default/edge', gatewayOf({ sockets })]]);

  const ads = adsServer({ address: '127.0.0.1:0', groupOf: ({ cluster }) => cluster, controlPlaneId: 'bench' });
  const counted = await countingProxy(await ads.listen());
  const [peersOf, translate] = [peersBuilder(), translator()];
  let snapshot: Snapshot | undefined;
  let gateways = gatewayWith(few);
  const publish = (tailnets: ReadonlyMap<string, TailnetState>): void => {
    const graph: Graph = {
      ...graphOf([]),
      gateways,
      peers: peersOf(gateways, tailnets),
      fences: new Map([['default/edge', ['127.0.0.1']]]),
    };
    const resources = translate(graph).get('default/edge');
    if (resources === undefined) throw new Error('unreachable: a graph with one Gateway');
    snapshot = snapshotOf(resources, snapshot);
    ads.publish('default/edge', snapshot);
  };
  const nothing: KnownTailnet['devices'] = new Map();
  publish(new Map([['large', stateOf(nothing)]]));
  const envoy = await startEnvoyProcess({ binary, bootstrap: edgeBootstrap(counted.port, 'DELTA_GRPC') });
  try {
    await envoy.live();
    const settled = async (): Promise<void> => {
      for (let quiet = 0, before = cpuMs(envoy.pid); quiet < 3; quiet += 1) {
        await sleep(400);
        const now = cpuMs(envoy.pid);
        if (now - before > 20) quiet = -1;
        before = now;
      }
    };
    await settled();
    const rssBefore = rssMb(envoy.pid);
    const first = new Map(Array.from({ length: count }, (_, index) => [`n${index}CNTRL`, deviceOf(index, usualTags(index))]));
    publish(new Map([['large', stateOf(first)]]));
    await settled();
    const rssOne = rssMb(envoy.pid);

    const peer = await client(large, addressOf(asking));
    if ((await peer.ask()) !== 500) throw new Error('Envoy does not know who asks');
    const [moved, spent, seen, ours]: [number[], number[], number[], number[]] = [[], [], [], []];
    const drained = async (): Promise<string> => envoy.admin('/stats?filter=listener_manager.listener_(modified|in_place_updated|added)');
    const listenersBefore = await drained();
    // As in a server that has been running for a while; the rest of the figures are of what comes after.
    const warmups = 10;
    for (let change = 0; change < changes + warmups; change += 1) {
      const tags = change % 2 === 0 ? ['tag:other'] : usualTags(asking);
      const tailnets = new Map([['large', stateOf(new Map([...first, [`n${asking}CNTRL`, deviceOf(asking, tags)]]))]]);
      const [bytes, cpu, start] = [counted.bytes(), cpuMs(envoy.pid), performance.now()];
      const ownCpu = process.cpuUsage();
      publish(tailnets);
      const { user, system } = process.cpuUsage(ownCpu);
      while ((await peer.ask()) !== (change % 2 === 0 ? 403 : 500));
      const seenMs = performance.now() - start;
      await sleep(150);
      if (change < warmups) continue;
      ours.push((user + system) / 1000);
      seen.push(seenMs);
      moved.push((counted.bytes() - bytes) / 1000);
      spent.push(cpuMs(envoy.pid) - cpu);
    }
    peer.stop();
    const sentBefore = counted.bytes();
    publish(new Map([['large', stateOf(new Map([...first, [`n${count}CNTRL`, deviceOf(count, usualTags(asking))]]))]]));
    await settled();
    const joined = (counted.bytes() - sentBefore) / 1000;
    const [idleFrom, idleStart] = [cpuMs(envoy.pid), performance.now()];
    await sleep(1500);
    const idleShare = (cpuMs(envoy.pid) - idleFrom) / (performance.now() - idleStart);
    const isDrained = (await drained()) !== listenersBefore;

    const perRequest = async (port: number, from?: string): Promise<number> => {
      const one = await client(port, from);
      for (let warm = 0; warm < 500; warm += 1) await one.ask();
      const before = cpuMs(envoy.pid);
      for (let asked = 0; asked < requests; asked += 1) await one.ask();
      const cost = (cpuMs(envoy.pid) - before) / requests;
      one.stop();
      return cost;
    };
    /** In turns, as what else the machine does changes what a request costs. */
    const costs: Record<'ordinary' | 'empty' | 'unknown' | 'known' | 'known6', number[]> = {
      ordinary: [],
      empty: [],
      unknown: [],
      known: [],
      known6: [],
    };
    for (let turn = 0; turn < 3; turn += 1) {
      costs.ordinary.push(await perRequest(ordinary));
      costs.empty.push(await perRequest(empty, '100.127.0.1'));
      costs.unknown.push(await perRequest(large, '100.127.0.1'));
      costs.known.push(await perRequest(large, addressOf(asking)));
      costs.known6.push(await perRequest(large, ipv6Of(asking)));
    }
    const median = (list: readonly number[]): number => quantile(list, 0.5);

    gateways = gatewayWith([...few, ...more.slice(0, entrances).map((port) => entrance(port, 'large', judged))]);
    publish(new Map([['large', stateOf(first)]]));
    await settled();
    const rssMany = rssMb(envoy.pid);
    const [manyFrom, manyStart] = [cpuMs(envoy.pid), performance.now()];
    publish(new Map([['large', stateOf(new Map([...first, [`n${asking}CNTRL`, deviceOf(asking, ['tag:other'])]]))]]));
    await sleep(500);
    const manyCpu = cpuMs(envoy.pid) - manyFrom - idleShare * (performance.now() - manyStart);
    const sent = snapshot === undefined ? 0 : counted.bytes() / 1000;
    const overIdle = spent.map((ms, index) => ms - idleShare * ((seen[index] ?? 0) + 150));
    return [
      { what: 'one change: bytes to Envoy', value: quantile(moved, 0.95), unit: 'kB', limit: 100 },
      { what: 'one machine more: bytes to Envoy', value: joined, unit: 'kB', limit: 100 },
      { what: 'one change: CPU of Envoy, the requests that look included', value: median(overIdle), unit: 'ms', limit: 30 },
      { what: 'one change: listeners that it touched', value: isDrained ? 1 : 0, unit: '', limit: 1 },
      { what: 'one change: tailnet read until a request is judged by it, p50', value: median(seen), unit: 'ms', limit: 100 },
      { what: 'one change: the same, p95', value: quantile(seen, 0.95), unit: 'ms' },
      { what: 'one change: CPU of tailplane in that, p50', value: median(ours), unit: 'ms' },
      { what: 'a request: CPU of Envoy without a tailnet', value: median(costs.ordinary), unit: 'ms' },
      { what: 'a request: from an empty tailnet', value: median(costs.empty), unit: 'ms' },
      { what: 'a request: from one nobody knows', value: median(costs.unknown), unit: 'ms' },
      { what: 'a request: from a known machine, judged', value: median(costs.known), unit: 'ms' },
      { what: 'a request: more than without a tailnet', value: median(costs.known) - median(costs.ordinary), unit: 'ms', limit: 0.15 },
      { what: 'a request: the same by IPv6', value: median(costs.known6) - median(costs.ordinary), unit: 'ms', limit: 0.15 },
      { what: 'memory for the tailnet, with one entrance', value: rssOne - rssBefore, unit: 'MB' },
      { what: `memory for ${entrances} entrances more, in all`, value: rssMany - rssOne, unit: 'MB' },
      { what: `one change with ${entrances + 1} entrances: CPU of Envoy`, value: manyCpu, unit: 'ms' },
      { what: 'sent to Envoy in all', value: sent, unit: 'kB' },
    ];
  } finally {
    await envoy.stop();
    await ads.drain(0);
    counted.stop();
  }
};

const binary = await findEnvoy({ fetch: true, say: print });
if (binary === undefined) throw new Error(howToGetEnvoy);
let isFine = true;
for (const count of values.devices.split(',').map(Number)) {
  print(`\n${count} machines with both address families; load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`);
  for (const { what, value, unit, limit } of await measured(binary, count)) {
    const verdict = limit === undefined ? '' : value < limit ? 'PASS' : 'FAIL';
    if (verdict === 'FAIL') isFine = false;
    print(`${what.padEnd(68)} ${value.toFixed(unit === 'ms' ? 3 : 1).padStart(10)} ${unit.padEnd(3)} ${verdict}`);
  }
}
process.exitCode = isFine ? 0 : 1;
