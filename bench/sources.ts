/**
 * `npm run bench:sources`: how long the Kubernetes source takes to read many objects from a real API server, what it costs, and what it keeps in
 * memory: HTTPRoutes, Services with an EndpointSlice each, and Secrets that nothing refers to. The source runs in a process of its own, once with
 * none of the objects and once with all; the difference is what they cost. Then one route is edited over and over, from before the write to the
 * state that holds it, and the status of one is written, which must give no state.
 *
 * Flags: --objects 10000 --edits 100
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../src/kubernetes/api-server.ts';
import { connect } from '../src/kubernetes/connect.ts';
import { kubernetesSource } from '../src/sources/kubernetes/kubernetes-source.ts';
import { hasApiServer, startApiServer } from '../test/support/kube-apiserver.ts';

const { values } = parseArgs({
  options: { objects: { type: 'string', default: '10000' }, edits: { type: 'string', default: '100' }, read: { type: 'string' } },
});
const [objects, edits] = [Number(values.objects), Number(values.edits)];
const controllerName = 'gateway.tailscale.com/tailplane';
const routePath = (name: string): string => `/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/${name}`;

/** What one reading of everything took: `heapMb` and `rssMb` once it rests, `peakMb` at most. */
type Reading = {
  readonly count: number;
  readonly syncMs: number;
  readonly cpuMs: number;
  readonly heapMb: number;
  readonly rssMb: number;
  readonly peakMb: number;
};

const memoryMb = (): { readonly heapMb: number; readonly rssMb: number } => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20 };
};

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** The source by itself: prints a Reading as JSON. */
const read = async (kubeconfig: string): Promise<void> => {
  const started = performance.now();
  const before = process.cpuUsage();
  const { state$ } = kubernetesSource({ api: connect({ kubeconfig }), controllerName });
  const reading = await new Promise<Pick<Reading, 'count' | 'syncMs' | 'cpuMs'>>((resolve) => {
    state$.subscribe(({ health, objects: all }) => {
      if (!health.synced) return;
      const { user, system } = process.cpuUsage(before);
      const count = Object.values(all).reduce((sum, { size }) => sum + size, 0);
      resolve({ count, syncMs: performance.now() - started, cpuMs: (user + system) / 1000 });
    });
  });
  await sleep(1000);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...reading, ...memoryMb(), peakMb } satisfies Reading)}\n`);
  process.exit(0);
};

const readApart = async (kubeconfig: string): Promise<Reading> => {
  const child = spawn(process.execPath, ['--expose-gc', import.meta.filename, '--read', kubeconfig], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Reading;
};

const collection = (path: string): string => (path.includes('/') ? `/apis/${path}` : `/api/v1/namespaces/default/${path}`);
const kindsMade: readonly { readonly path: string; readonly share: number; readonly body: (index: number) => object }[] = [
  {
    path: collection('gateway.networking.k8s.io/v1/namespaces/default/httproutes'),
    share: 0.3,
    body: (index) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: `route-${index}` },
      spec: {
        parentRefs: [{ name: 'gateway' }],
        hostnames: [`route-${index}.example`],
        rules: [
          { matches: [{ path: { value: '/api' } }], backendRefs: [{ name: `service-${index}`, port: 80 }] },
          { backendRefs: [{ name: `service-${index}`, port: 80 }] },
        ],
      },
    }),
  },
  {
    path: collection('services'),
    share: 0.3,
    body: (index) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `service-${index}` },
      spec: { clusterIP: 'None', selector: { app: `service-${index}` }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    }),
  },
  {
    path: collection('discovery.k8s.io/v1/namespaces/default/endpointslices'),
    share: 0.3,
    body: (index) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `service-${index}-a`, labels: { 'kubernetes.io/service-name': `service-${index}` } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [1, 2, 3].map((pod) => ({
        addresses: [`10.${pod}.${index >> 8}.${index & 255}`],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `node-${pod}`,
        zone: `zone-${pod}`,
        targetRef: { kind: 'Pod', namespace: 'default', name: `service-${index}-${pod}`, uid: `00000000-0000-0000-0000-${index}-${pod}` },
      })),
    }),
  },
  {
    path: collection('secrets'),
    share: 0.1,
    body: (index) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `secret-${index}` },
      stringData: { password: 'x'.repeat(4000) },
    }),
  },
];

/** Writes with 16 requests under way at a time. */
const fill = async (api: ApiServer): Promise<void> => {
  const bodies = kindsMade.flatMap(({ path, share, body }) =>
    Array.from({ length: Math.round(objects * share) }, (_, index) => ({ path, body: body(index) })),
  );
  const queue = bodies.values();
  const write = async (): Promise<void> => {
    for (const { path, body } of queue) await api.request({ method: 'POST', path, body });
  };
  await Promise.all(Array.from({ length: 16 }, write));
};

type Edited = { readonly sorted: readonly number[]; readonly statesOfStatus: number };

/** Milliseconds from each write of a route to the state that holds it, and how many states came of writes of status. */
const edit = async (api: ApiServer): Promise<Edited> => {
  let heard = (_host: string | undefined): void => undefined;
  let states = 0;
  const { state$, observed } = kubernetesSource({ api, controllerName });
  const ready = Promise.withResolvers<void>();
  const subscription = state$.subscribe(({ health, objects: all }) => {
    states += 1;
    if (health.synced) ready.resolve();
    heard(all.HTTPRoute.get('default/route-7')?.spec.hostnames?.[0]);
  });
  await ready.promise;
  const contentType = 'application/merge-patch+json';
  const times: number[] = [];
  for (let index = 0; index < edits; index += 1) {
    const host = `edit-${index}.example`;
    const arrived = new Promise<void>((resolve) => (heard = (seen) => seen === host && resolve()));
    const start = performance.now();
    await Promise.all([
      arrived,
      api.request({ method: 'PATCH', path: routePath('route-7'), contentType, body: { spec: { hostnames: [host] } } }),
    ]);
    times.push(performance.now() - start);
  }
  const before = states;
  let seen = 0;
  const watching = observed.changed$.subscribe(() => (seen += 1));
  const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', lastTransitionTime: '2026-01-01T00:00:00Z' };
  for (let index = 0; index < edits; index += 1) {
    const parents = [{ parentRef: { name: 'gateway' }, controllerName, conditions: [{ ...condition, message: `${index}` }] }];
    await api.request({ method: 'PATCH', path: `${routePath('route-8')}/status`, contentType, body: { status: { parents } } });
  }
  while (seen < edits) await sleep(10);
  await sleep(50);
  watching.unsubscribe();
  subscription.unsubscribe();
  return { sorted: times.toSorted((a, b) => a - b), statesOfStatus: states - before };
};

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const bench = async (): Promise<void> => {
  if (!hasApiServer) throw new Error('no kube-apiserver: set KUBEBUILDER_ASSETS, or have the lab beside the checkout');
  const server = await startApiServer();
  try {
    const empty = await readApart(server.kubeconfig);
    const started = performance.now();
    await fill(server.api);
    print(`${objects} objects written in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const full = await readApart(server.kubeconfig);
    const row = (what: string, { count, syncMs, cpuMs, heapMb, rssMb, peakMb }: Reading): boolean =>
      print([what.padEnd(12), ...[count, syncMs, cpuMs, heapMb, rssMb, peakMb].map((cell) => cell.toFixed(0).padStart(8))].join(' '));
    print(
      ['cluster'.padEnd(12), ...['kept', 'sync ms', 'CPU ms', 'heap MB', 'RSS MB', 'peak MB'].map((title) => title.padStart(8))].join(' '),
    );
    row('empty', empty);
    row('full', full);
    print(`${(((full.heapMb - empty.heapMb) * 2 ** 20) / (full.count - empty.count)).toFixed(0)} bytes of heap for each object kept`);
    const { sorted, statesOfStatus } = await edit(server.api);
    print(`edit of a route to its state: p50 ${quantile(sorted, 0.5).toFixed(1)} ms, p99 ${quantile(sorted, 0.99).toFixed(1)} ms`);
    print(`${edits} writes of a status gave ${statesOfStatus} states`);
    process.exitCode = statesOfStatus === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
};

if (values.read === undefined) await bench();
else await read(values.read);
