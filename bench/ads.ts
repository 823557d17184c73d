/**
 * `npm run bench:ads`: our ADS server and go-control-plane's (the lab's `peer-gcp`) under the same load (its `xdsload`), one after the other,
 * with the same configuration, and how the figures compare with the targets. Client and server share the machine.
 *
 * Flags: --streams 100,500,1000 --modes delta,sotw --clusters 1000 --routes 1000 --runs 5 --only ours
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { labProgram } from '../test/support/lab.ts';
import { freePorts } from '../test/support/ports.ts';
import { type Report, runLoad } from './xdsload.ts';

const { values: flags } = parseArgs({
  options: {
    streams: { type: 'string', default: '100,500,1000' },
    modes: { type: 'string', default: 'delta,sotw' },
    clusters: { type: 'string', default: '1000' },
    routes: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
});

const [load, peer] = [labProgram('xdsload', 'xds'), labProgram('peer-gcp', 'xds')];
if (load === undefined || peer === undefined)
  throw new Error('the lab programs xdsload and peer-gcp are needed: put their folder into LAB_BIN');

type Started = { readonly child: ChildProcess; readonly ads: string; readonly http: string };
type Figures = {
  /** Seconds until every stream holds everything, and what that cost the server. */
  readonly readyS: number;
  readonly connectCpuS: number;
  readonly rssMb: number;
  readonly reconnectBytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly updateCpuS: number;
  readonly updateBytes: number;
  readonly violations: number;
};

const shape = ['-clusters', flags.clusters, '-routes', flags.routes, '-listeners', '10'];

const start = async (program: string, argumentsOf: (ads: number, http: number) => readonly string[]): Promise<Started> => {
  const [ads = 0, http = 0] = await freePorts(2);
  const child = spawn(program, argumentsOf(ads, http), { stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${http}`;
  for (let tries = 0; tries < 200; tries++) {
    const answered = await fetch(`${url}/stats`).then(
      () => true,
      () => false,
    );
    if (answered) return { child, ads: `127.0.0.1:${ads}`, http: url };
    await sleep(50);
  }
  throw new Error(`${program} does not answer`);
};

const ours = (dump: string): Promise<Started> =>
  start(process.execPath, (ads, http) => [join(import.meta.dirname, 'ads-server.ts'), dump, String(ads), String(http)]);

/** As in the facts of the yardstick: one snapshot shared by all nodes, ordered ADS. Its log of every warning is not wanted here. */
const theirs = (): Promise<Started> => start(peer, (ads, http) => ['-addr', `127.0.0.1:${ads}`, '-http', `127.0.0.1:${http}`, ...shape]);

const stop = async ({ child }: Started): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'close');
};

const loadFlags = ({ ads, http }: Started, mode: string, streams: number, kind: string, runs: string): string[] => [
  `-addr=${ads}`,
  `-mode=${mode}`,
  `-streams=${streams}`,
  `-runs=${runs}`,
  `-trigger-url=${http}/trigger?kind=${kind}`,
  `-stats-url=${http}/stats`,
];

const figuresOf = ({ connect, reconnects, server_stats: stats, update_summary: updates, violations, streams }: Report): Figures => {
  const cpu = (name: 'before' | 'after_connect' | 'after_reconnects' | 'after_updates'): number => stats?.[name]?.cpu_s ?? Number.NaN;
  return {
    readyS: connect.streams_ready === streams ? connect.wall_ms / 1000 : Number.NaN,
    connectCpuS: cpu('after_connect') - cpu('before'),
    rssMb: stats?.after_connect?.rss_mb ?? Number.NaN,
    reconnectBytes: (reconnects?.[0]?.bytes ?? Number.NaN) / streams,
    p50Ms: updates?.median_of_p50_ms ?? Number.NaN,
    p99Ms: updates?.median_of_p99_ms ?? Number.NaN,
    updateCpuS: (cpu('after_updates') - cpu('after_reconnects')) / Number(flags.runs),
    updateBytes: updates?.bytes_per_stream ?? Number.NaN,
    violations: Object.values(violations).reduce((sum, { count }) => sum + count, 0),
  };
};

const measure = async (server: Promise<Started>, mode: string, streams: number): Promise<Figures> => {
  const started = await server;
  try {
    return figuresOf(
      await runLoad(load, [...loadFlags(started, mode, streams, 'endpoint', flags.runs), '-reconnects', '1', '-interval', '300ms']),
    );
  } finally {
    await stop(started);
  }
};

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const columns: readonly [title: string, of: (figures: Figures) => number, digits: number][] = [
  ['ready s', ({ readyS }) => readyS, 1],
  ['connect CPU s', ({ connectCpuS }) => connectCpuS, 2],
  ['RSS MB', ({ rssMb }) => rssMb, 0],
  ['reconnect B/stream', ({ reconnectBytes }) => reconnectBytes, 0],
  ['update p50 ms', ({ p50Ms }) => p50Ms, 0],
  ['update p99 ms', ({ p99Ms }) => p99Ms, 0],
  ['CPU s/update', ({ updateCpuS }) => updateCpuS, 3],
  ['update B/stream', ({ updateBytes }) => updateBytes, 0],
  ['violations', ({ violations }) => violations, 0],
];
const row = (head: string, cells: readonly string[]): void => {
  print([head.padEnd(26), ...cells.map((cell, index) => cell.padStart(columns[index]?.[0].length ?? 0))].join('  '));
};
const cellsOf = (figures: Figures): string[] => columns.map(([, of, digits]) => of(figures).toFixed(digits));

const verdicts: string[] = [];
/** Prints whether `value` is at most `limit`, and remembers it for the end. */
const demand = (what: string, value: number, limit: number): void => {
  verdicts.push(`${value <= limit ? 'PASS' : 'FAIL'}  ${what}: ${value.toFixed(2)} (at most ${limit.toFixed(2)})`);
};

const folder = await mkdtemp(join(tmpdir(), 'bench-ads-'));
const dump = join(folder, 'configuration.jsonl');
execFileSync(peer, [...shape, '-dump', dump]);
row(
  'server, mode, streams',
  columns.map(([title]) => title),
);
for (const mode of flags.modes.split(',')) {
  for (const streams of flags.streams.split(',').map(Number)) {
    const mine = await measure(ours(dump), mode, streams);
    row(`tailplane ${mode} ${streams}`, cellsOf(mine));
    demand(`violations, ${mode}, ${streams} streams`, mine.violations, 0);
    if (flags.only === 'ours') continue;
    const other = await measure(theirs(), mode, streams);
    row(`go-control-plane ${mode} ${streams}`, cellsOf(other));
    row(
      '  ratio',
      columns.map(([title, of]) => (title === 'violations' ? '' : (of(mine) / of(other)).toFixed(2))),
    );
    if (mode !== 'delta' || streams !== 1000) continue;
    demand('update p99 / go-control-plane', mine.p99Ms / other.p99Ms, 1 / 5);
    demand('CPU per update / go-control-plane', mine.updateCpuS / other.updateCpuS, 1 / 5);
    demand('connect CPU / go-control-plane', mine.connectCpuS / other.connectCpuS, 1 / 2);
    demand('RSS / go-control-plane', mine.rssMb / other.rssMb, 2 / 3);
    demand('reconnect bytes a stream', mine.reconnectBytes, 300);
  }
}

for (const mode of flags.modes.split(',')) {
  const server = await ours(dump);
  for (const kind of ['route', 'cluster-add', 'cluster-touch', 'cluster-del', 'noop']) {
    const { violations } = await runLoad(load, [...loadFlags(server, mode, 50, kind, '3'), '-update-timeout', '2s']);
    demand(
      `violations, ${mode}, ${kind}`,
      Object.values(violations).reduce((sum, { count }) => sum + count, 0),
      0,
    );
  }
  await stop(server);
}
await rm(folder, { recursive: true });
print('');
for (const verdict of verdicts) print(verdict);
if (verdicts.some((verdict) => verdict.startsWith('FAIL'))) process.exitCode = 1;
