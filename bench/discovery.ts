/**
 * `npm run bench:discovery`: what a poll of a large tailnet costs: CPU of reading its machines from the API, with all that is done to the
 * answer (transfer, JSON, checks, what changed), when nothing changed and when one machine did; and what many polls leave in memory. The API is
 * a process of its own, so that only our part is counted. Before that, each stage by itself on the same answer.
 *
 * Flags: --devices 10000 --polls 200
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { Knowledge } from '../src/sources/tailnets/knowledge.ts';
import { devicesSchema } from '../src/tailscale/answers.ts';
import { tailscaleClient } from '../src/tailscale/client.ts';
import { quantile } from './churn/figures.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '10000' },
    polls: { type: 'string', default: '200' },
    serve: { type: 'boolean', default: false },
  },
});
const [count, polls] = [Number(values.devices), Number(values.polls)];

/** A machine with every field that the API gives by default. Every fourth is tagged, every tenth offline; `poll` makes `seen` move, as it does. */
const listed = (index: number, poll: number): object => {
  const [offline, tagged] = [index % 10 === 0, index % 4 === 0];
  return {
    addresses: [`100.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`, `fd7a:115c:a1e0::${index.toString(16)}`],
    authorized: true,
    blocksIncomingConnections: false,
    clientVersion: '1.102.3-t0123456789-g0123456789',
    connectedToControl: !offline,
    created: '2026-01-01T00:00:00Z',
    expires: '2036-01-01T00:00:00Z',
    hostname: `machine-${index}`,
    id: String(1_000_000_000_000_000 + index),
    isEphemeral: false,
    isExternal: false,
    keyExpiryDisabled: tagged,
    ...(offline && { lastSeen: new Date(Date.UTC(2026, 0, 1) + poll * 40_000).toISOString() }),
    machineKey: `mkey:${index.toString(16).padStart(64, '0')}`,
    name: `machine-${index}.tail1234.ts.net`,
    nodeId: `n${index}CNTRL`,
    nodeKey: `nodekey:${index.toString(16).padStart(64, '0')}`,
    os: 'linux',
    ...(tagged && { tags: ['tag:k8s', 'tag:web'] }),
    tailnetLockError: '',
    tailnetLockKey: `nlpub:${index.toString(16).padStart(64, '0')}`,
    updateAvailable: false,
    user: tagged ? 'tagged-devices' : `user-${index % 500}@example.com`,
  };
};

/** The list as poll number `poll` finds it. `changing`: with one machine that goes on and off. */
const answerOf = (poll: number, changing: boolean): string => {
  const devices = Array.from({ length: count }, (_, index) => listed(index, poll));
  if (changing) devices[7] = { ...devices[7], connectedToControl: poll % 2 === 0 };
  return JSON.stringify({ devices });
};

/** The API by itself: two answers that differ in what always differs, and two more in which one machine changed too. */
const serve = async (): Promise<void> => {
  const answers = [false, true].map((changing) => [0, 1].map((poll) => Buffer.from(answerOf(poll, changing))));
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    if (request.url?.endsWith('/oauth/token')) return response.end(JSON.stringify({ access_token: 'token', expires_in: 3600 }));
    const changing = request.url?.includes('/tailnet/changing/') ? 1 : 0;
    asked += 1;
    return response.end(answers[changing]?.[asked % 2]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
};

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Milliseconds of CPU, and of the clock, that each run of `work` took, sorted. */
const timesOf = async (runs: number, work: (run: number) => unknown): Promise<Record<'cpu' | 'clock', readonly number[]>> => {
  const [cpu, clock]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const [startCpu, start] = [process.cpuUsage(), performance.now()];
    await work(run);
    const { user, system } = process.cpuUsage(startCpu);
    cpu.push((user + system) / 1000);
    clock.push(performance.now() - start);
  }
  const sort = (times: readonly number[]): readonly number[] => times.toSorted((one, other) => one - other);
  return { cpu: sort(cpu), clock: sort(clock) };
};

const row = (what: string, { cpu, clock }: Awaited<ReturnType<typeof timesOf>>): boolean =>
  print(
    [what.padEnd(34), ...[cpu, clock].flatMap((times) => [0.5, 0.95].map((share) => quantile(times, share).toFixed(1).padStart(10)))].join(
      ' ',
    ),
  );

const stages = async (): Promise<void> => {
  const texts = [answerOf(0, false), answerOf(1, false)];
  const parsed = texts.map((text) => JSON.parse(text) as unknown);
  const lists = parsed.map((value) => devicesSchema.parse(value));
  const knowledge = new Knowledge();
  row('JSON', await timesOf(30, (run) => JSON.parse(texts[run % 2] ?? '')));
  row('checks', await timesOf(30, (run) => devicesSchema.parse(parsed[run % 2])));
  row('what changed', await timesOf(30, (run) => knowledge.takeDevices(lists[run % 2] ?? [], Date.UTC(2026, 0, 1))));
};

const rssMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

/** Polls of one tailnet, by the client that the server uses. */
const pollsOf = async (apiURL: string, tailnet: string, runs: number) => {
  const client = tailscaleClient({
    apiURL,
    tailnet,
    credentials: { clientId: 'bench', clientSecret: 'bench' },
    userAgent: 'bench',
    limits: { perSecond: 1000, burst: 1000 },
  });
  const knowledge = new Knowledge();
  knowledge.takeServices([], Date.now());
  const poll = async (): Promise<void> => {
    knowledge.takeDevices(await client.devices(), Date.now());
    knowledge.known();
  };
  const start = rssMb();
  for (let warm = 0; warm < 20; warm += 1) await poll();
  const before = rssMb();
  const times = await timesOf(runs, poll);
  const after = rssMb();
  client.close();
  return { times, memory: [start, before, after] };
};

const bench = async (): Promise<void> => {
  const api = fork(import.meta.filename, ['--serve', '--devices', String(count)]);
  try {
    const [port] = (await once(api, 'message')) as [number];
    const apiURL = `http://127.0.0.1:${port}`;
    print(`${count} machines; milliseconds`);
    print(
      [''.padEnd(34), 'CPU p50', 'CPU p95', 'clock p50', 'clock p95']
        .map((cell, index) => (index === 0 ? cell : cell.padStart(10)))
        .join(' '),
    );
    const quiet = await pollsOf(apiURL, 'quiet', polls);
    row('a poll that finds nothing new', quiet.times);
    const changing = await pollsOf(apiURL, 'changing', polls);
    row('a poll that finds one changed', changing.times);
    await stages();
    const [start, warm, end] = quiet.memory.map((mb) => mb.toFixed(0));
    print(`RSS before the first poll ${start} MB, after 20 ${warm} MB, after ${polls + 20} ${end} MB`);
    const more = quantile(changing.times.cpu, 0.5) - quantile(quiet.times.cpu, 0.5);
    print(`one changed machine: ${more.toFixed(1)} ms more`);
    process.exitCode = quantile(quiet.times.cpu, 0.5) < 100 && more < 20 ? 0 : 1;
  } finally {
    api.kill();
  }
};

await (values.serve ? serve() : bench());
