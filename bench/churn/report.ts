import type { ClientOptions, ClientReport, Seen } from './client.ts';
import { quantilesOf, type Quantiles } from './figures.ts';
import type { Usage } from './processes.ts';

export type Report = {
  readonly options: Omit<ClientOptions, 'origin' | 'kubeconfig'>;
  /** Milliseconds from the apply to the first answer by it. */
  readonly latencies: Readonly<Record<string, Quantiles & { readonly never: number }>>;
  /** Milliseconds until the API server had answered the apply: nothing can be quicker. */
  readonly applies: Quantiles;
  /** Milliseconds between two questions for a route: by so much latencies may be too long. */
  readonly resolution: Quantiles;
  readonly failures: Readonly<Record<string, number>>;
  readonly failed: ClientReport['failures'];
  readonly stale: number;
  readonly load: ClientReport['load'];
  readonly client: ClientReport['client'];
  readonly processes: Readonly<Record<string, Usage>>;
  readonly verdicts: readonly Verdict[];
};

type Verdict = { readonly what: string; readonly value: number; readonly limit: number; readonly met: boolean };

const targets = { p50: 50, p99: 100 };

/** What came of a run, with the targets that it met and missed. */
export const reportOf = (options: ClientOptions, run: ClientReport, usage: ReadonlyMap<string, Usage>): Report => {
  const { origin: _, kubeconfig: __, ...shown } = options;
  const many = Math.floor((options.routes * 5) / 6);
  const latencies = {
    'add, all': latenciesOf(run.adds),
    [`add, above ${many} routes`]: latenciesOf(run.adds.filter(({ route }) => route >= many)),
    edit: latenciesOf(run.edits),
  };
  const failures: Record<string, number> = {};
  for (const { kind } of run.failures) failures[kind] = (failures[kind] ?? 0) + 1;
  const atMost = (what: string, value: number, limit: number): Verdict => ({ what, value, limit, met: value <= limit });
  return {
    options: shown,
    latencies,
    applies: quantilesOf([...run.adds, ...run.edits].map(({ applied }) => applied)),
    resolution: quantilesOf([...run.adds, ...run.edits].map(({ gap }) => gap).filter((gap) => !Number.isNaN(gap))),
    failures,
    failed: run.failures,
    stale: run.stale,
    load: run.load,
    client: run.client,
    processes: Object.fromEntries(usage),
    verdicts: [
      ...Object.entries(latencies).flatMap(([what, { p50, p99 }]) => [
        atMost(`${what}: p50 ms`, p50, targets.p50),
        atMost(`${what}: p99 ms`, p99, targets.p99),
      ]),
      atMost('no 200 after the first', run.failures.length, 0),
      atMost('never seen', [...run.adds, ...run.edits].filter(({ seen }) => seen === undefined).length, 0),
    ],
  };
};

const latenciesOf = (changes: readonly Seen[]): Quantiles & { readonly never: number } => {
  const seen = changes.map(({ seen }) => seen).filter((ms) => ms !== undefined);
  return { ...quantilesOf(seen), never: changes.length - seen.length };
};

/** The report for people. */
export const textOf = (report: Report): string => {
  const { load, client } = report;
  return [
    table([
      ['ms', 'count', 'p50', 'p90', 'p99', 'max', 'never'],
      ...Object.entries(report.latencies).map(([what, quantiles]) => [what, ...cellsOf(quantiles), String(quantiles.never)]),
      ['apply answered', ...cellsOf(report.applies), ''],
      ['polling gap', ...cellsOf(report.resolution), ''],
      ['request under load', ...cellsOf(load.latency), ''],
    ]),
    table([
      ['process', 'CPU s', '% of a core', 'RSS MB at first', 'at last', 'at most'],
      ...Object.entries(report.processes)
        .toSorted(([, a], [, b]) => b.cpu - a.cpu)
        .map(([program, { cpu, rssMb, processes }]) => [
          processes === 1 ? program : `${program} (${processes})`,
          cpu.toFixed(1),
          ((100 * cpu) / load.seconds).toFixed(1),
          ...[rssMb.first, rssMb.last, rssMb.max].map((mb) => mb.toFixed(0)),
        ]),
    ]),
    `${load.requests} requests in ${load.seconds.toFixed(0)} s, ${load.late} left out; ${report.stale} answers of an older revision than seen before`,
    `client: event loop late by p50 ${client.lag.p50.toFixed(1)} ms, p99 ${client.lag.p99.toFixed(1)} ms, max ${client.lag.max.toFixed(1)} ms; busy ${(100 * client.busy).toFixed(0)} %`,
    ...Object.entries(report.failures).map(([kind, count]) => {
      const known = report.failed.filter((failure) => failure.kind === kind).map((failure) => failure.known);
      return `${count} × ${kind}, ${Math.min(...known).toFixed(0)} to ${Math.max(...known).toFixed(0)} ms after the first 200 of the route`;
    }),
    ...report.verdicts.map(({ what, value, limit, met }) => `${met ? 'PASS' : 'FAIL'}  ${what}: ${value.toFixed(0)} (at most ${limit})`),
    '',
  ].join('\n');
};

const cellsOf = ({ count, p50, p90, p99, max }: Quantiles): string[] => [String(count), ...[p50, p90, p99, max].map((ms) => ms.toFixed(1))];

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  return `${lines.map((cells) => cells.join('  ').trimEnd()).join('\n')}\n`;
};
