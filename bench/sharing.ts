/**
 * `npm run bench:sharing`: what sharing costs between an edited route and encoded xDS. One Gateway with many HTTPRoutes, each with a host of its own;
 * the same with a TailscaleGateway, so that each route is a Tailscale Service with two listeners at Envoy; then routes are edited, and
 * added, one at a time: CPU of model, translation and encoding, and how many resources are not what they were.
 *
 * Flags: --routes 1000 --changes 100
 */
import { parseArgs } from 'node:util';
import type { Observations } from '../src/api/observations.ts';
import type { Objects } from '../src/api/objects.ts';
import { stepsFor } from '../src/cli/steps.ts';
import type { Snapshot } from '../xds/snapshot/snapshot.ts';
import { quantile } from './churn/figures.ts';
import { admitted, cpuOf, objectsFrom } from './graph.ts';

const { values } = parseArgs({ options: { routes: { type: 'string', default: '1000' }, changes: { type: 'string', default: '100' } } });
const [routes, changes] = [Number(values.routes), Number(values.changes)];

const upstream = 'gateway.networking.k8s.io/v1';
const own = 'gateway.tailscale.com/v1alpha1';

const routeAt = (index: number, generation: number): object => ({
  apiVersion: upstream,
  kind: 'HTTPRoute',
  metadata: {
    name: `app-${index}`,
    namespace: 'bench',
    generation,
    creationTimestamp: new Date(1_700_000_000_000 + index * 1000).toISOString(),
  },
  spec: {
    parentRefs: [{ name: 'edge' }],
    hostnames: [`app-${index}.example.com`],
    rules: [
      {
        filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-revision', value: String(generation) }] } }],
        backendRefs: [{ name: 'app', port: 80 }],
      },
    ],
  },
});

const world = (shared: boolean): Objects =>
  objectsFrom([
    {
      apiVersion: upstream,
      kind: 'GatewayClass',
      metadata: { name: 'tailplane' },
      spec: { controllerName: 'gateway.tailscale.com/tailplane' },
    },
    {
      apiVersion: upstream,
      kind: 'Gateway',
      metadata: { name: 'edge', namespace: 'bench', uid: 'edge' },
      spec: { gatewayClassName: 'tailplane', listeners: [{ name: 'http', protocol: 'HTTP', port: 8000 }] },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app', namespace: 'bench' }, spec: { ports: [{ port: 80 }] } },
    { apiVersion: own, kind: 'TailscaleTailnet', metadata: { name: 'corp' }, spec: { oauthSecretName: 'corp' } },
    ...(shared
      ? [
          {
            apiVersion: own,
            kind: 'TailscaleGateway',
            metadata: { name: 'share', namespace: 'bench', uid: 'share' },
            spec: {
              gatewayRef: { name: 'edge' },
              tailnets: [{ name: 'corp', tailscaleTailnetRef: { name: 'corp' }, routeGeneration: { ingress: { protocol: 'HTTP' } } }],
            },
          },
        ]
      : []),
    ...Array.from({ length: routes }, (_, index) => routeAt(index, 1)),
  ]);

const observations: Observations = {
  tailnets: new Map([
    ['corp', { name: 'corp', known: { devices: new Map(), services: new Map(), suffix: 'corp.ts.net', lastSync: '2026-01-01T00:00:00Z' } }],
  ]),
  proxies: new Map(),
  sharedServices: new Map(),
};

const differing = (before: ReadonlyMap<string, Snapshot>, after: ReadonlyMap<string, Snapshot>): number =>
  [...after].reduce((sum, [gateway, snapshot]) => {
    for (const [type, { resources }] of snapshot)
      for (const [name, resource] of resources)
        if (before.get(gateway)?.get(type)?.resources.get(name)?.version !== resource.version) sum += 1;
    return sum;
  }, 0);

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const measure = (shared: boolean): number => {
  const { build, translate, encode } = stepsFor({ privilegedPorts: false, onCluster: true });
  let objects = world(shared);
  const make = (): ReadonlyMap<string, Snapshot> => encode(translate(build(objects, observations)));
  const first = cpuOf(make);
  let before = first.result;
  const apply = (index: number, generation: number): { readonly ms: number; readonly resources: number } => {
    const route = admitted(routeAt(index, generation));
    objects = { ...objects, HTTPRoute: new Map(objects.HTTPRoute).set(`bench/app-${index}`, route as never) };
    const after = cpuOf(make);
    const resources = differing(before, after.result);
    before = after.result;
    return { ms: after.ms, resources };
  };
  const edits = Array.from({ length: changes }, (_, round) => apply((round * 7) % routes, round + 2));
  const adds = Array.from({ length: changes }, (_, round) => apply(routes + round, 1));
  print(`${routes} HTTPRoutes of one Gateway, ${shared ? 'each shared as a Tailscale Service' : 'not shared'}; milliseconds of CPU`);
  print(`  first build   ${first.ms.toFixed(0)}`);
  for (const [what, times] of [
    ['edited', edits],
    ['added', adds],
  ] as const) {
    const spent = times.map(({ ms }) => ms);
    const touched = times.reduce((sum, { resources }) => sum + resources, 0) / times.length;
    print(
      `  one ${what.padEnd(9)} p50 ${quantile(spent, 0.5).toFixed(2)}, p95 ${quantile(spent, 0.95).toFixed(2)}; ${touched.toFixed(1)} resources changed`,
    );
  }
  return quantile(
    edits.map(({ ms }) => ms),
    0.5,
  );
};

measure(false);
process.exitCode = measure(true) < 20 ? 0 : 1;
