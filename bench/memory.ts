/**
 * `npm run bench:memory`: what the control plane holds with thousands of routes and a hundred Envoys (played by the lab's `xdsload`), while
 * routes and endpoints are edited all the time. `--source directory` measures the standalone mode, else a real API server is started.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { labProgram } from '../test/support/lab.ts';
import { freePorts } from '../test/support/ports.ts';
import { imageSettings } from '../test/support/image-settings.ts';
import { type Memory, memoryOf, slopeOf } from './memory/memory-of.ts';
import { directoryStore, kubernetesStore, type Store } from './memory/store.ts';
import { endpointSliceFrom, gatewayName, namespace, routeFrom, worldFrom } from './memory/world.ts';

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: 'kubernetes' },
    routes: { type: 'string', default: '5000' },
    gateways: { type: 'string', default: '10' },
    envoys: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '5' },
    /** Edits a second. */
    pace: { type: 'string', default: '5' },
    /** For Node, such as --heap-prof, besides those of the image. */
    'node-flags': { type: 'string', default: '' },
    /** The same as JSON, with every sample: json. */
    output: { type: 'string', short: 'o', default: 'table' },
  },
});
const [routes, gateways, envoys, minutes, pace] = [values.routes, values.gateways, values.envoys, values.minutes, values.pace].map(
  Number,
) as [number, number, number, number, number];

const repository = join(import.meta.dirname, '..');
const image = imageSettings();

/** Whoever interrupts it is not to find what it started. */
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
const sleep = (ms: number): Promise<void> => wait(ms, undefined, { signal: interrupted.signal });

const limitMb = 300;
/** What flat means: a program that grows by less would take days to matter, and noise is larger. */
const flatMb = 5;
const warmUp = 0.2;
const sampleMs = 5000;

const say = (line: string): boolean => process.stderr.write(`${line}\n`);
const load = labProgram('xdsload', 'xds');
if (load === undefined) throw new Error('the lab program xdsload is needed: put its folder into LAB_BIN');

const fill = async (store: Store): Promise<void> => {
  const objects = [...worldFrom({ gateways, routes })];
  const head = objects.splice(0, 2 + gateways);
  for (const object of head) await store.put(object);
  const next = objects.values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const object of next) {
        interrupted.signal.throwIfAborted();
        await store.put(object);
      }
    }),
  );
};

const startServer = (store: Store, xdsPort: number, httpPort: number): ChildProcess => {
  const flags = [...store.flags, '--xds-address', `127.0.0.1:${xdsPort}`, '--http-address', `127.0.0.1:${httpPort}`, '--log-level', 'warn'];
  const more = values['node-flags'].split(' ').filter((flag) => flag !== '');
  return spawn(process.execPath, [...image.flags, ...more, join(repository, 'dist', 'src', 'main.js'), 'serve', ...flags], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...image.environment, ...store.environment },
  });
};

/** Envoys that hold every Gateway's configuration, as many of each. */
const startEnvoys = (program: string, xdsPort: number): readonly ChildProcess[] =>
  Array.from({ length: Math.min(gateways, envoys) }, (_, gateway) => {
    const streams = Math.floor(envoys / gateways) + (gateway < envoys % gateways ? 1 : 0);
    return spawn(
      program,
      [
        `-addr=127.0.0.1:${xdsPort}`,
        '-mode=delta',
        `-streams=${streams}`,
        `-node-cluster=${namespace}/${gatewayName(gateway)}`,
        `-node-id=envoy-${gateway}-`,
        '-runs=0',
        `-hold=${minutes * 60 + 600}s`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
  });

const stop = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
};

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 180_000; !(await holds().catch(() => false)); await sleep(100))
    if (Date.now() > end) throw new Error(`${what}: not within three minutes`);
};

const streamsAt = async (httpPort: number): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return [...text.matchAll(/^tailplane_streams\S* (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
};

type Sample = Memory & { readonly minute: number };

/** Edits a route, an EndpointSlice, the next route … and looks every few seconds. */
const churn = async (
  store: Store,
  pid: number,
  httpPort: number,
): Promise<{ readonly samples: readonly Sample[]; readonly edits: number }> => {
  const start = performance.now();
  const minute = (): number => (performance.now() - start) / 60_000;
  const samples: Sample[] = [];
  let edits = 0;
  let nextSample = 0;
  while (minute() < minutes) {
    const route = (edits * 7) % routes;
    const revision = edits + 1;
    await store.put(edits % 2 === 0 ? routeFrom(route, route % gateways, revision) : endpointSliceFrom(route, revision));
    edits += 1;
    if (performance.now() - start >= nextSample) {
      samples.push({ minute: minute(), ...(await memoryOf(pid, httpPort)) });
      nextSample += sampleMs;
    }
    await sleep(Math.max(0, start + (edits * 1000) / pace - performance.now()));
  }
  return { samples, edits };
};

const measure = async (store: Store, program: string): Promise<boolean> => {
  say(`writing ${routes} routes over ${gateways} Gateways, with a Service and an EndpointSlice each`);
  await fill(store);
  const [xdsPort = 0, httpPort = 0] = await freePorts(2);
  const server = startServer(store, xdsPort, httpPort);
  const children: ChildProcess[] = [];
  try {
    const began = performance.now();
    await until('tailplane is ready', async () => (await fetch(`http://127.0.0.1:${httpPort}/ready`)).ok);
    const readyS = (performance.now() - began) / 1000;
    const pid = server.pid ?? 0;
    const synced = await memoryOf(pid, httpPort);
    children.push(...startEnvoys(program, xdsPort));
    await until('every Envoy is connected', async () => (await streamsAt(httpPort)) === envoys);
    await sleep(5000);
    const connected = await memoryOf(pid, httpPort);
    say(`ready after ${readyS.toFixed(1)} s; ${minutes} minutes of ${pace} edits a second`);
    const { samples, edits } = await churn(store, pid, httpPort);
    return show({ synced, connected, samples, edits, readyS });
  } finally {
    for (const child of children) await stop(child, 'SIGKILL');
    await stop(server, 'SIGTERM');
  }
};

type Measured = {
  readonly synced: Memory;
  readonly connected: Memory;
  readonly samples: readonly Sample[];
  readonly edits: number;
  readonly readyS: number;
};

/** Prints it; whether both targets were met. */
const show = (measured: Measured): boolean => {
  const warm = measured.samples.filter(({ minute }) => minute >= minutes * warmUp);
  const rss = warm.map(({ rss }) => rss);
  const [min, max] = [Math.min(...rss), Math.max(...rss)];
  const slope = slopeOf(warm.map(({ minute, rss }) => [minute / 10, rss]));
  const heapSlope = slopeOf(warm.map(({ minute, heap }) => [minute / 10, heap]));
  const met = { small: max < limitMb, flat: slope < flatMb };
  if (values.output === 'json') process.stdout.write(`${JSON.stringify({ ...measured, min, max, slope, heapSlope, met }, undefined, 1)}\n`);
  else process.stdout.write(textOf(measured, { min, max, slope, heapSlope, met }));
  return met.small && met.flat;
};

type Verdict = {
  readonly min: number;
  readonly max: number;
  readonly slope: number;
  readonly heapSlope: number;
  readonly met: { readonly small: boolean; readonly flat: boolean };
};

const textOf = ({ synced, connected, samples, edits, readyS }: Measured, { min, max, slope, heapSlope, met }: Verdict): string => {
  const every = Math.max(1, Math.floor(samples.length / 12));
  const rows: readonly (readonly [string, Memory])[] = [
    ['ready', synced],
    ['Envoys connected', connected],
    ...samples.filter((_, index) => index % every === 0).map((sample) => [`minute ${sample.minute.toFixed(1)}`, sample] as const),
  ];
  const cells = (of: readonly string[]): string => of.map((cell, column) => (column === 0 ? cell.padEnd(18) : cell.padStart(10))).join('');
  const mb = (value: number): string => value.toFixed(0);
  return [
    `${routes} routes over ${gateways} Gateways, ${envoys} Envoys, ${values.source}: ready after ${readyS.toFixed(1)} s, ${edits} edits`,
    cells(['MB', 'RSS', 'heap used', 'heap', 'external']),
    ...rows.map(([what, memory]) => cells([what, ...[memory.rss, memory.heap, memory.heapTotal, memory.external].map(mb)])),
    `after the first ${warmUp * 100} %: RSS ${mb(min)} to ${mb(max)} MB, ${slope.toFixed(1)} MB per 10 minutes (heap used ${heapSlope.toFixed(1)})`,
    `${met.small ? 'PASS' : 'FAIL'}  RSS MB: ${mb(max)} (below ${limitMb})`,
    `${met.flat ? 'PASS' : 'FAIL'}  rise in 10 minutes, MB: ${slope.toFixed(1)} (below ${flatMb})`,
    '',
  ].join('\n');
};

// What the image runs.
execFileSync('npm', ['run', '--silent', 'build'], { cwd: repository, stdio: 'inherit' });
const store = await (values.source === 'directory' ? directoryStore() : kubernetesStore());
try {
  if (!(await measure(store, load))) process.exitCode = 1;
} finally {
  await store.stop();
}
