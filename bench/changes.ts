/**
 * `node bench/changes.ts`: what one edit of one of thousands of HTTPRoutes of one Gateway costs in CPU time, from the watch event to the Envoys
 * (played by the lab's `xdsload`) and the status that is written and comes back. The API server is in this process and does next to nothing.
 * Latency depends on who else uses the machine, this much less, so it is what to look at while making it cheaper, or with --cpu-prof.
 *
 * Flags: --routes 3000 --edits 300 --envoys 2 --burst 1, --wait-ms between bursts, and --add for new routes rather than edits
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { EMPTY, of, Subject } from 'rxjs';
import { StatusWriter } from '../controllers/status/writer.ts';
import { kinds } from '../src/api/kinds.ts';
import { stepsFor } from '../src/cli/steps.ts';
import type { ApiRequest, ApiServer } from '../src/kubernetes/api-server.ts';
import type { KubeObject } from '../src/kubernetes/kube-object.ts';
import type { Resource } from '../src/kubernetes/resource.ts';
import { holdUntil } from '../src/lib/hold-until.ts';
import { controllerName } from '../src/model/build.ts';
import type { Status } from '../src/model/status.ts';
import type { ObjectKey } from '../src/lib/key.ts';
import { Overview } from '../src/ops/overview.ts';
import { updatesOf } from '../src/pipeline.ts';
import { kubernetesSource } from '../src/sources/kubernetes/kubernetes-source.ts';
import { observing } from '../src/sources/observing.ts';
import { DecidedElection } from '../test/support/election.ts';
import { FakeApiServer } from '../test/support/fake-api-server.ts';
import { labProgram } from '../test/support/lab.ts';
import { groupByClaim } from '../xds/ads/identity.ts';
import { adsServer } from '../xds/ads/server.ts';
import { gatewayName, namespace, routeFrom, worldFrom } from './memory/world.ts';

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '3000' },
    edits: { type: 'string', default: '300' },
    envoys: { type: 'string', default: '2' },
    burst: { type: 'string', default: '1' },
    'wait-ms': { type: 'string', default: '60' },
    add: { type: 'boolean', default: false },
  },
});
const [routes, edits, envoys, burst, waitMs] = [values.routes, values.edits, values.envoys, values.burst, values['wait-ms']].map(
  Number,
) as [number, number, number, number, number];
const load = labProgram('xdsload', 'xds');
if (load === undefined) throw new Error('the lab program xdsload is needed: put its folder into LAB_BIN');

const resources = Object.values(kinds).map((info): Resource => ({ ...info, version: info.versions[0] }));
const fake = new FakeApiServer(resources);
const resourceOf = (kind: string): Resource => resources.find((one) => one.kind === kind) as Resource;
const stored = new Map<string, KubeObject>();
const put = (object: KubeObject, how: 'spec' | 'status' = 'spec'): KubeObject => {
  const key = `${object.kind}/${object.metadata.name}`;
  const before = stored.get(key);
  const generation = ((before?.metadata as { generation?: number } | undefined)?.generation ?? 0) + (how === 'spec' ? 1 : 0);
  const next = {
    ...before,
    ...object,
    metadata: {
      uid: `uid-${object.metadata.name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...before?.metadata,
      ...object.metadata,
      generation,
    },
  };
  stored.set(key, next);
  fake.put(resourceOf(object.kind), next);
  return next;
};
let statusWrites = 0;
const api: ApiServer = {
  url: fake.url,
  request: async (request: ApiRequest) => {
    if (request.method !== 'PATCH') return JSON.parse(JSON.stringify(await fake.request(request))) as unknown;
    statusWrites += 1;
    const { kind, metadata, status } = request.body as KubeObject & { status: unknown };
    const made = put({ ...(stored.get(`${kind}/${metadata.name}`) as KubeObject), status }, 'status');
    return { ...made, metadata: { ...made.metadata, resourceVersion: String(lastVersion) } };
  },
  stream: async (request, line) =>
    fake.stream(request, (value) => {
      lastVersion = Number((value as { object: KubeObject }).object.metadata.resourceVersion);
      const text = JSON.stringify(value);
      setImmediate(() => line(JSON.parse(text)));
    }),
};
let lastVersion = 0;

/** As the API server would complete it. */
const defaulted = (route: number, revision: number): KubeObject => {
  const object = routeFrom(route, 0, revision);
  const spec = object['spec'] as { parentRefs: object[]; rules: { backendRefs: object[]; filters: object[] }[] };
  spec.parentRefs = spec.parentRefs.map((ref) => ({ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...ref }));
  // One Service for all, as in bench:churn.
  for (const rule of spec.rules) rule.backendRefs = [{ group: '', kind: 'Service', name: 'app-0', port: 80, weight: 1 }];
  return object;
};
for (const object of worldFrom({ gateways: 1, routes })) {
  const number = Number(object.metadata.name.split('-')[1]);
  if (object.kind === 'HTTPRoute') put(defaulted(number, 0));
  else if (object.kind === 'Gateway') {
    put({
      ...object,
      spec: {
        ...(object['spec'] as object),
        listeners: [{ name: 'http', protocol: 'HTTP', port: 80, allowedRoutes: { namespaces: { from: 'Same' } } }],
      },
    });
  } else if (Number.isNaN(number) || number === 0) put(object);
}

const log = pino({ level: 'warn' });
const { state$, observed } = kubernetesSource({ api, controllerName, name: 'Kubernetes' });
const election = new DecidedElection();
const now = (): Date => new Date();
const writer = new StatusWriter({
  api,
  observed,
  election,
  controllerName,
  now,
  log,
  events: () => undefined,
  limits: { perSecond: 5000, burst: 5000 },
});
const told$ = new Subject<ReadonlyMap<ObjectKey, Status>>();
const ads = adsServer({ address: '127.0.0.1:0', groupOf: groupByClaim, controlPlaneId: 'bench' });
const port = await ads.listen();
const overview = new Overview({ log, clients: ads.clients, now, told: (statuses) => told$.next(statuses) });
let pushed = { count: 0, ms: 0 };
ads.events$.subscribe((event) => {
  if (event.kind === 'current') pushed = { count: pushed.count + 1, ms: pushed.ms + event.afterMs };
  overview.happened(event);
});
told$
  .pipe(holdUntil(() => ads.clients().every(({ served, current }) => current || !served), ads.events$, 500))
  .subscribe((statuses) => writer.want(statuses));
const stages = new Map<string, number>();
let builds = 0;
updatesOf(
  observing(state$, { tailnets: of(new Map()), proxies: of(new Map()), sharedServices: EMPTY }),
  stepsFor({ privilegedPorts: false, onCluster: true }),
  {
    now: () => performance.now() / 1000,
    heard: ({ health }) => overview.heard(health),
    took: (stage, seconds) => void stages.set(stage, (stages.get(stage) ?? 0) + seconds),
    failed: (error) => {
      throw error;
    },
  },
).subscribe((update) => {
  builds += 1;
  for (const [gateway, snapshot] of update.snapshots) ads.publish(gateway, snapshot);
  overview.updated(update);
});
election.lead(true);

const gc = new Map<number, { count: number; ms: number }>();
new PerformanceObserver((list) => {
  for (const { detail, duration } of list.getEntries() as readonly (ReturnType<typeof list.getEntries>[number] & {
    readonly detail?: unknown;
  })[]) {
    const { kind } = detail as { kind: number };
    const known = gc.get(kind) ?? { count: 0, ms: 0 };
    gc.set(kind, { count: known.count + 1, ms: known.ms + duration });
  }
}).observe({ entryTypes: ['gc'] });

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const end = Date.now() + 60_000; !holds(); await sleep(50)) if (Date.now() > end) throw new Error(what);
};
await until('published', () => builds > 0);
const client = spawn(
  load,
  [
    `-addr=127.0.0.1:${port}`,
    '-mode=delta',
    `-streams=${envoys}`,
    `-node-cluster=${namespace}/${gatewayName(0)}`,
    '-node-id=envoy-',
    '-runs=0',
    '-hold=600s',
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
await until('connected', () => ads.clients().length === envoys);
await until('statuses', () => statusWrites >= routes);
await sleep(2000);
let next = routes;
const edit = (index: number): void => void put(defaulted(values.add ? next++ : (index * 7) % routes, index + 1));
for (let index = 0; index < 30; index += 1) {
  edit(index);
  await sleep(waitMs);
}
await sleep(500);
fake.compact();
gc.clear();
stages.clear();
pushed = { count: 0, ms: 0 };
[builds, statusWrites] = [0, 0];
const start = process.cpuUsage();
for (let index = 0; index < edits; index += 1) {
  edit(index + 30);
  if (index % burst === burst - 1) await sleep(waitMs);
}
await sleep(600);
const { user, system } = process.cpuUsage(start);
const { rss, heapUsed, heapTotal } = process.memoryUsage();
const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
process.stdout.write(
  [
    `${routes} routes: ${((user + system) / 1000 / edits).toFixed(1)} ms CPU an edit; ${edits} edits, ${builds} builds, ${statusWrites} statuses, pushes ${pushed.count} (${(pushed.ms / pushed.count).toFixed(1)} ms)`,
    `ms a build: ${[...stages].map(([stage, seconds]) => `${stage} ${((seconds * 1000) / builds).toFixed(2)}`).join(', ')}`,
    `GC: ${[...gc].map(([kind, { count, ms }]) => `${kind}: ${count}x ${ms.toFixed(0)} ms`).join(', ')}`,
    `MB: RSS ${mb(rss)}, heap ${mb(heapUsed)} of ${mb(heapTotal)}`,
    '',
  ].join('\n'),
);
client.kill();
process.exit(0);
