/**
 * Requests through a Gateway into a real tailnet, in a network namespace of its own: tailplane from YAML, a real Envoy, two real userspace tailscaleds
 * as its proxies, WireGuard, and machines. The API is a simulator that knows the same machines. Prints a Report as JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authority, certificateFor } from '../../support/certificates.ts';
import { startScript } from '../../support/child.ts';
import { startEnvoy } from '../../support/envoy.ts';
import { ask } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { type Machine, startTailnet } from '../../support/tailnet-lab.ts';
import { edgeBootstrap, eventually, replaceFile } from '../../support/world.ts';
import { httpEcho, httpsEcho, tcpEcho, tlsEcho } from '../traffic/backends.ts';
import { tallyOf, tcpExchange, tlsExchange, whoAnswers } from '../traffic/clients.ts';
import { callGrpc, grpcBackend } from '../traffic/grpc.ts';
import { type Load, loadOf } from '../../support/load.ts';
import { proxyAddresses, proxyPort, ready, worldOf } from './world.ts';

export type Report = {
  /** Who answered, by what was asked for. */
  readonly answers: Readonly<Record<string, string>>;
  /** While one of two proxies is killed. */
  readonly killed: Readonly<Record<string, Awaited<ReturnType<Load['stop']>>>>;
  /** After the proxies' EndpointSlice no longer has it. */
  readonly without: Readonly<Record<string, Awaited<ReturnType<Load['stop']>>>>;
  readonly failover: { readonly before: string; readonly unreachable: Readonly<Record<string, number>>; readonly offline: string };
};

const tailnet = await startTailnet();
const [first, , b, c] = await Promise.all([
  ...proxyAddresses.map((address, index) => tailnet.join(`a${index}`, `--outbound-http-proxy-listen=${address}:${proxyPort}`)),
  tailnet.join('b'),
  tailnet.join('c'),
]);
if (first === undefined || b === undefined || c === undefined) throw new Error('unreachable: four machines joined');

const ca = authority();
const keys = certificateFor(['machine.example', 'passthrough.example'], ca);
const backends = {
  one: await httpEcho('one'),
  two: await httpEcho('two'),
  grpc: await grpcBackend('grpc', { '/a.B/C': () => Buffer.from('grpc') }),
  tcp: await tcpEcho('tcp'),
  passthrough: await tlsEcho('passthrough', keys),
  https: await httpsEcho('https', keys),
};
const targets = Object.fromEntries(Object.entries(backends).map(([name, { port }]) => [name, port])) as Record<
  keyof typeof backends,
  number
>;

const [http = 0, tcp = 0, tls = 0, xds = 0, api = 0, simulatorPort = 0] = await freePorts(6);
const simulatorURL = `http://127.0.0.1:${simulatorPort}`;
const simulator = startScript('src/main.ts', ['simulate', '--address', `127.0.0.1:${simulatorPort}`]);
const steer = async (method: string, path: string, body: unknown): Promise<void> => {
  const answer = await fetch(`${simulatorURL}/simulator${path}`, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
};
await eventually(
  () => fetch(`${simulatorURL}/simulator`),
  ({ ok }) => ok,
);
const tell = ({ id, fqdn, ipv4, ipv6 }: Machine): Promise<void> =>
  steer('POST', '/devices', { hostname: fqdn.split('.')[0], nodeId: id, name: fqdn, addresses: [ipv4, ipv6] });
await steer('DELETE', '/devices/demo', undefined);
for (const machine of [b, c]) await tell(machine);
await c.serve(targets.one, targets.two);

const dir = await mkdtemp(join(tmpdir(), 'tailplane-egress-'));
await replaceFile(join(dir, 'world.yaml'), worldOf({ http, tcp, tls }, targets, b, c, simulatorURL, ca.certificate));
const addresses = ['--xds-address', `127.0.0.1:${xds}`, '--http-address', `127.0.0.1:${api}`];
const tailplane = startScript('src/main.ts', ['serve', '--config-dir', dir, '--tailnet-interval', '1s', ...addresses]);
await tailplane.says('serving Gateways default/edge');
const envoy = await startEnvoy({ bootstrap: edgeBootstrap(xds, 'DELTA_GRPC') });
await envoy.live();

const get = async (name: string, method = 'GET'): Promise<string> =>
  whoAnswers(await ask(http, '/', { host: `${name}.example` }, { method }));
const grpc = async (): Promise<string> => {
  const { code, answer } = await callGrpc(http, 'grpc.example', '/a.B/C');
  return code === 'OK' ? answer : code;
};
await eventually(
  () => get('web'),
  (who) => who === 'one',
);
const answers: Record<string, string> = {};
for (const name of ['web', 'single', 'v6', 'named', 'outside', 'https']) answers[name] = await get(name);
answers['grpc'] = await grpc();
answers['tcp'] = await tcpExchange(tcp);
answers['passthrough'] = await tlsExchange(tls, { ca: ca.certificate, servername: 'passthrough.example' });

const startLoads = () => ({
  GET: loadOf(8, async () => (await get('web')) === 'one'),
  POST: loadOf(4, async () => (await get('web', 'POST')) === 'one'),
  gRPC: loadOf(2, async () => (await grpc()) === 'grpc'),
  TCP: loadOf(2, async () => (await tcpExchange(tcp)) === 'tcp:hello'),
});
const stopAll = async (loads: Readonly<Record<string, Load>>) =>
  Object.fromEntries(await Promise.all(Object.entries(loads).map(async ([name, load]) => [name, await load.stop()] as const)));
const progress = async (loads: Readonly<Record<string, Load>>, more: number): Promise<void> => {
  const before = new Map(Object.values(loads).map((load) => [load, load.done()]));
  await eventually(
    async () => Math.min(...[...before].map(([load, done]) => load.done() - done)),
    (least) => least >= more,
    60_000,
  );
};

const around = startLoads();
await progress(around, 20);
await first.kill();
await progress(around, 50);
const killed = await stopAll(around);

const after = startLoads();
await progress(after, 5);
const world = worldOf({ http, tcp, tls }, targets, b, c, simulatorURL, ca.certificate);
await replaceFile(join(dir, 'world.yaml'), world.replace(ready('egress', proxyAddresses), ready('egress', proxyAddresses.slice(1))));
await progress(after, 50);
const without = await stopAll(after);

const before = await get('failover');
await b.kill();
// What goes over the connection that stands waits for an answer as long as its client does.
const patiently = async (): Promise<string> =>
  ask(http, '/', { host: 'failover.example' }, { signal: AbortSignal.timeout(20_000) }).then(whoAnswers, () => 'nobody');
const unreachable = tallyOf(await Promise.all(Array.from({ length: 8 }, patiently)));
await steer('PATCH', '/devices/b', { online: false });
const offline = await eventually(
  () => get('failover', 'POST'),
  (who) => who === 'two',
);

const report: Report = { answers, killed, without, failover: { before, unreachable, offline } };
process.stdout.write(JSON.stringify(report));
await envoy.stop();
await Promise.all([tailplane.stop(), simulator.stop()]);
await tailnet.stop();
for (const { stop } of Object.values(backends)) await stop();
await rm(dir, { recursive: true });
