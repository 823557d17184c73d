/**
 * The client of `npm run bench:churn`, one process inside the lab's network: it applies routes to the API server, asks for each until it
 * sees it, and goes on asking for all it has seen. One process, so that one clock measures both ends. Argument: ClientOptions as JSON;
 * prints a ClientReport as JSON.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { adminApi } from './admin-api.ts';
import { connectionsTo } from './connections.ts';
import { quantilesOf, type Quantiles } from './figures.ts';
import { type Failure, Load } from './load.ts';
import { hostOf, routeFrom, routePath } from './manifests.ts';

export type ClientOptions = {
  readonly origin: string;
  readonly kubeconfig: string;
  readonly routes: number;
  readonly services: number;
  /** Routes a second. */
  readonly pace: number;
  readonly rounds: number;
  readonly edits: number;
  /** Requests a second over all routes that have been seen. */
  readonly rate: number;
  /** Between two questions for a route that is not seen yet; longer when so many wait that they would ask more often than `pollRate` a second. */
  readonly pollMs: number;
  readonly pollRate: number;
  readonly connections: number;
  readonly giveUpMs: number;
};

/** One route that was applied, and when it was seen; milliseconds. */
export type Seen = {
  readonly route: number;
  /** Since the run began. */
  readonly at: number;
  /** Until the API server had answered the apply. */
  readonly applied: number;
  /** From the apply to the first answer by it; undefined if it was given up. */
  readonly seen: number | undefined;
  /** From the last question that missed it to the one that saw it: as far as `seen` can be too long. */
  readonly gap: number;
};

export type ClientReport = {
  readonly adds: readonly Seen[];
  readonly edits: readonly Seen[];
  readonly failures: readonly Failure[];
  /** Answers of an older revision after a newer one was seen. */
  readonly stale: number;
  readonly load: { readonly requests: number; readonly seconds: number; readonly late: number; readonly latency: Quantiles };
  /** How much its own event loop was late (ms), and the share of time that it worked. */
  readonly client: { readonly lag: { readonly p50: number; readonly p99: number; readonly max: number }; readonly busy: number };
};

const lagResolutionMs = 2;

const run = async (options: ClientOptions): Promise<ClientReport> => {
  const api = await adminApi(options.kubeconfig);
  const connections = connectionsTo(options.origin, options.connections);
  for (let patience = 600; (await connections.ask('nobody.example')).status === 0; patience -= 1) {
    if (patience === 0) throw new Error(`${options.origin} does not answer`);
    await sleep(100);
  }
  const start = performance.now();
  const load = new Load({ rate: options.rate, ask: connections.ask, start, mostInFlight: options.connections });
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
  const busyBefore = performance.eventLoopUtilization();
  lag.enable();

  /** Sends an apply and begins to ask for what it should do. */
  const change = (route: number, revision: number): { readonly applied: Promise<number>; readonly seen: Promise<Seen> } => {
    const sent = performance.now();
    const applied = api.apply(routePath(route), routeFrom(route, options.services, String(revision))).then(() => performance.now() - sent);
    const seen = untilSeen(route, revision, sent);
    return {
      applied,
      seen: Promise.all([applied, seen]).then(([applyMs, found]) => ({ route, at: sent - start, applied: applyMs, ...found })),
    };
  };

  let unseen = 0;
  const untilSeen = async (route: number, revision: number, sent: number): Promise<Pick<Seen, 'seen' | 'gap'>> => {
    unseen += 1;
    try {
      return await seeing(route, revision, sent);
    } finally {
      unseen -= 1;
    }
  };

  const seeing = async (route: number, revision: number, sent: number): Promise<Pick<Seen, 'seen' | 'gap'>> => {
    let missed = sent;
    for (;;) {
      const after = load.revisionOf(route);
      const asked = performance.now();
      const answer = await connections.ask(hostOf(route));
      const now = performance.now();
      if (answer.status === 200 && answer.revision === revision) {
        load.seen(route, revision);
        return { seen: now - sent, gap: asked - missed };
      }
      load.judge(route, answer, { after });
      if (now - sent > options.giveUpMs) return { seen: undefined, gap: Number.NaN };
      missed = asked;
      await sleep(Math.max(0, asked + Math.max(options.pollMs, (unseen * 1000) / options.pollRate) - now));
    }
  };

  load.begin('add');
  const adding: Promise<Seen>[] = [];
  for (let route = 0; route < options.routes; route += 1) {
    const wait = start + (route * 1000) / options.pace - performance.now();
    if (wait > 0) await sleep(wait);
    if (route % 250 === 0) process.stderr.write(`route ${route} of ${options.routes}, ${load.failures.length} failures\n`);
    adding.push(change(route, 1).seen);
  }
  const adds = await Promise.all(adding);
  await sleep(1000);

  const edits: Seen[] = [];
  const stride = Math.max(1, Math.floor(options.routes / options.edits));
  for (let round = 0; round < options.rounds; round += 1) {
    load.begin(`edit ${round}`);
    const editing: Promise<Seen>[] = [];
    for (let edit = 0; edit < options.edits; edit += 1) {
      const { applied, seen } = change((edit * stride + round) % options.routes, round + 2);
      editing.push(seen);
      await applied; // as `kubectl apply` of a file: one request after the other, whether traffic follows or not
    }
    edits.push(...(await Promise.all(editing)));
    await sleep(1000);
  }
  load.begin('after');
  await sleep(2000);
  await load.stop();
  lag.disable();
  const busy = performance.eventLoopUtilization(busyBefore).utilization;
  await Promise.all([connections.close(), api.close()]);
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - lagResolutionMs);
  return {
    adds,
    edits,
    failures: load.failures,
    stale: load.stale,
    load: {
      requests: load.requests,
      seconds: (performance.now() - start) / 1000,
      late: load.skipped,
      latency: quantilesOf(load.latencies),
    },
    client: { lag: { p50: late(lag.percentile(50)), p99: late(lag.percentile(99)), max: late(lag.max) }, busy },
  };
};

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '') as ClientOptions)));
