/**
 * `npm run bench:config`: how long an edit of a file takes to reach traffic. A real Envoy of one of many Gateways is asked over and over
 * while one HTTPRoute, and then one EndpointSlice, is rewritten; time runs from before the write to the first answer by the new
 * configuration. Printed with the time inside each stage, and for a tenth of the routes too: the work must not grow with what is untouched.
 *
 * Flags: --routes 5000 --gateways 50 --edits 100
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEnvoyProcess } from '../scripts/envoy-process.ts';
import { findEnvoy, howToGetEnvoy } from '../scripts/envoy.ts';
import { gatewayName, hostOf, writeEndpoint, writeRoute, writeWorld, type World } from './config-world.ts';

const root = join(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '5000' },
    gateways: { type: 'string', default: '50' },
    edits: { type: 'string', default: '100' },
  },
});
const [routes, gateways, edits] = [Number(values.routes), Number(values.gateways), Number(values.edits)];

type Answer = { readonly headers: IncomingHttpHeaders; readonly body: string };
type Stages = ReadonlyMap<string, { readonly sum: number; readonly count: number }>;
type Figures = { readonly latencies: readonly number[]; readonly stages: ReadonlyMap<string, number>; readonly cpu: number };

const serveText = async (text: string): Promise<{ readonly server: Server; readonly port: number }> => {
  const server = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};

const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = await Promise.all(Array.from({ length: count }, () => serveText('')));
  for (const { server } of servers) server.close();
  return servers.map(({ port }) => port);
};

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const ask = async (port: number, host: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });

/** Asks until `matches`, and gives the time of the answer; throws after 10 s. */
const firstAnswer = async (port: number, host: string, matches: (answer: Answer) => boolean): Promise<number> => {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const answer = await ask(port, host).catch(() => undefined);
    const now = performance.now();
    if (answer !== undefined && matches(answer)) return now;
    if (now > deadline) throw new Error(`${host} is not answered by the new configuration after 10 s: ${JSON.stringify(answer)}`);
  }
};

const run = async (args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, ['src/main.ts', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`tailplane ${args.join(' ')} ended with ${code}`);
  return out;
};

const metrics = async (httpPort: number): Promise<string> => (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();

const stagesOf = (text: string): Stages => {
  const stages = new Map<string, { sum: number; count: number }>();
  for (const [, part, name, value] of text.matchAll(/^tailplane_stage_duration_seconds_(sum|count)\{stage="([^"]+)"\} (\S+)$/gm)) {
    if (part === undefined || name === undefined) continue;
    const stage = stages.get(name) ?? { sum: 0, count: 0 };
    stages.set(name, part === 'sum' ? { ...stage, sum: Number(value) } : { ...stage, count: Number(value) });
  }
  return stages;
};
const cpuOf = (text: string): number => Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1] ?? Number.NaN);

/** Runs `edit` over and over and gives the time each took to reach traffic, and the mean time of each stage an edit (ms). */
const measure = async (httpPort: number, edit: (index: number) => Promise<number>): Promise<Figures> => {
  for (let index = 0; index < 5; index += 1) await edit(-1 - index);
  const before = await metrics(httpPort);
  const latencies: number[] = [];
  for (let index = 0; index < edits; index += 1) {
    const start = performance.now();
    latencies.push((await edit(index)) - start);
    await sleep(30 + (index % 7));
  }
  const after = await metrics(httpPort);
  const [was, is] = [stagesOf(before), stagesOf(after)];
  const stages = new Map([...is].map(([name, { sum }]) => [name, ((sum - (was.get(name)?.sum ?? 0)) / edits) * 1000]));
  return { latencies: latencies.toSorted((a, b) => a - b), stages, cpu: ((cpuOf(after) - cpuOf(before)) / edits) * 1000 };
};

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 120_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`${what}: not within 120 s`);
    await sleep(50);
  }
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

const bench = async (
  binary: string,
  gatewayCount: number,
  routeCount: number,
): Promise<{ readonly route: Figures; readonly endpoint: Figures; readonly syncMs: number; readonly rssMb: number }> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-bench-'));
  const [one, two] = [await serveText('one'), await serveText('two')];
  const [xdsPort = 0, httpPort = 0, ...listenerPorts] = await freePorts(2 + gatewayCount);
  const world: World = {
    dir: join(dir, 'config'),
    gateways: gatewayCount,
    routesPerGateway: routeCount / gatewayCount,
    firstPort: Math.max(...listenerPorts) + 100 > 65_000 ? 20_000 : Math.max(...listenerPorts) + 100,
    backendPort: one.port,
  };
  await writeWorld(world);
  const started = performance.now();
  const flags = [
    '--config-dir',
    world.dir,
    '--xds-address',
    `127.0.0.1:${xdsPort}`,
    '--http-address',
    `127.0.0.1:${httpPort}`,
    '--log-level',
    'warn',
  ];
  const server = spawn(process.execPath, ['src/main.ts', 'serve', ...flags], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  try {
    await until('tailplane is ready', async () => (await fetch(`http://127.0.0.1:${httpPort}/ready`)).ok);
    const syncMs = performance.now() - started;
    const bootstrap = await run([
      'bootstrap',
      '--gateway',
      `default/${gatewayName(0)}`,
      '--xds',
      `127.0.0.1:${xdsPort}`,
      '--api-type',
      'DELTA_GRPC',
      '--admin-address',
      '127.0.0.1:0',
    ]);
    const envoy = await startEnvoyProcess({ binary, bootstrap });
    try {
      await envoy.live();
      const [port, route] = [world.firstPort, Math.floor(world.routesPerGateway / 2)];
      const host = hostOf(0, route);
      await until('traffic', async () => (await ask(port, host)).body === 'one');
      const routeFigures = await measure(httpPort, async (index) => {
        await writeRoute(world, 0, route, `r${index}`);
        return firstAnswer(port, host, (answer) => answer.headers['x-revision'] === `r${index}`);
      });
      let current = one;
      const endpoint = await measure(httpPort, async () => {
        current = current === one ? two : one;
        const expected = current === one ? 'one' : 'two';
        await writeEndpoint(world, 0, route, current.port);
        return firstAnswer(port, host, (answer) => answer.body === expected);
      });
      const rss = Number(/^process_resident_memory_bytes (\S+)$/m.exec(await metrics(httpPort))?.[1] ?? Number.NaN);
      return { route: routeFigures, endpoint, syncMs, rssMb: rss / 2 ** 20 };
    } finally {
      await envoy.stop();
    }
  } finally {
    await stop(server);
    one.server.close();
    two.server.close();
    await rm(dir, { recursive: true, force: true });
  }
};

const binary = await findEnvoy({ fetch: true, say: (line) => process.stderr.write(`${line}\n`) });
if (binary === undefined) throw new Error(howToGetEnvoy);

const table: string[][] = [['routes', 'edit of', 'p50 ms', 'p99 ms', 'max ms', 'target', 'CPU ms', 'stages, mean ms']];
let missed = 0;
for (const [gatewayCount, routeCount] of [
  [Math.max(1, gateways / 10), routes / 10],
  [gateways, routes],
] as const) {
  const { route, endpoint, syncMs, rssMb } = await bench(binary, gatewayCount, routeCount);
  for (const [what, figures, target] of [
    ['an HTTPRoute', route, 100],
    ['an endpoint', endpoint, 30],
  ] as const) {
    const p99 = quantile(figures.latencies, 0.99);
    if (p99 >= target) missed += 1;
    const stages = [...figures.stages].map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ');
    const row = [quantile(figures.latencies, 0.5), p99, figures.latencies.at(-1) ?? Number.NaN].map((ms) => ms.toFixed(1));
    table.push([String(routeCount), what, ...row, `p99 < ${target}: ${p99 < target ? 'met' : 'missed'}`, figures.cpu.toFixed(1), stages]);
  }
  process.stdout.write(
    `${routeCount} routes over ${gatewayCount} Gateways: ready ${(syncMs / 1000).toFixed(1)} s after start, RSS ${rssMb.toFixed(0)} MB\n`,
  );
}
const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
for (const row of table)
  process.stdout.write(
    `${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`,
  );
agent.destroy();
process.exitCode = missed === 0 ? 0 : 1;
