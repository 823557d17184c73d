/**
 * `npm run bench:tailnets`: what news of a large tailnet cost between discovery and Envoy. Ten Gateways with routes to many TailscaleEndpoints, each
 * of which finds its machines by tag; then one machine goes offline or online, over and over: CPU of model, translation and encoding, and how
 * many resource types of how many Gateways were touched, which must be one or none.
 *
 * Flags: --devices 10000 --endpoints 1000 --changes 200
 */
import { parseArgs } from 'node:util';
import type { Device, Observations } from '../src/api/observations.ts';
import type { Objects } from '../src/api/objects.ts';
import { stepsFor } from '../src/cli/steps.ts';
import type { Snapshot } from '../xds/snapshot/snapshot.ts';
import { quantile } from './churn/figures.ts';
import { cpuOf, objectsFrom } from './graph.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '10000' },
    endpoints: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '200' },
  },
});
const [devices, endpoints, changes] = [Number(values.devices), Number(values.endpoints), Number(values.changes)];
const gateways = 10;

const world = (): Objects => {
  const own = 'gateway.tailscale.com/v1alpha1';
  const upstream = 'gateway.networking.k8s.io/v1';
  return objectsFrom([
    {
      apiVersion: upstream,
      kind: 'GatewayClass',
      metadata: { name: 'tailplane' },
      spec: { controllerName: 'gateway.tailscale.com/tailplane' },
    },
    { apiVersion: own, kind: 'TailscaleTailnet', metadata: { name: 'corp' }, spec: { oauthSecretName: 'corp' } },
    ...Array.from({ length: gateways }, (_, index) => ({
      apiVersion: upstream,
      kind: 'Gateway',
      metadata: { name: `gateway-${index}`, namespace: 'bench' },
      spec: { gatewayClassName: 'tailplane', listeners: [{ name: 'http', protocol: 'HTTP', port: 8000 + index }] },
    })),
    ...Array.from({ length: endpoints }, (_, index) => [
      {
        apiVersion: own,
        kind: 'TailscaleEndpoints',
        metadata: { name: `app-${index}`, namespace: 'bench' },
        spec: { tailnet: 'corp', autoDiscovery: { tags: [`tag:app-${index}`], port: 80, protocol: 'HTTP' } },
      },
      {
        apiVersion: upstream,
        kind: 'HTTPRoute',
        metadata: { name: `app-${index}`, namespace: 'bench' },
        spec: {
          parentRefs: [{ name: `gateway-${index % gateways}` }],
          hostnames: [`app-${index}.example.com`],
          rules: [{ backendRefs: [{ group: 'gateway.tailscale.com', kind: 'TailscaleEndpoints', name: `app-${index}`, port: 80 }] }],
        },
      },
    ]).flat(),
  ]);
};

const deviceAt = (index: number, usable: boolean): Device => ({
  id: `n${index}CNTRL`,
  fqdn: `machine-${index}.corp.ts.net`,
  hostname: `machine-${index}`,
  addresses: [`100.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`, `fd7a:115c:a1e0::${index.toString(16)}`],
  tags: [`tag:app-${index % endpoints}`],
  user: '',
  usable,
  connected: usable,
  authorized: true,
  expired: false,
});

const observationsOf = (known: ReadonlyMap<string, Device>): Observations => ({
  tailnets: new Map([
    ['corp', { name: 'corp', known: { devices: known, services: new Map(), suffix: 'corp.ts.net', lastSync: '2026-01-01T00:00:00Z' } }],
  ]),
  proxies: new Map(),
  sharedServices: new Map(),
});

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const { build, translate, encode } = stepsFor({ privilegedPorts: false, onCluster: true });
const objects = world();
const make = (observations: Observations): ReadonlyMap<string, Snapshot> => encode(translate(build(objects, observations)));

let known = new Map(Array.from({ length: devices }, (_, index) => [`n${index}CNTRL`, deviceAt(index, true)]));
let observations = observationsOf(known);
const first = cpuOf(() => make(observations));
let before = first.result;
/** Resource types, of all Gateways, that are not what they were. */
const differing = (now: ReadonlyMap<string, Snapshot>): number =>
  [...now].reduce(
    (sum, [gateway, snapshot]) => sum + [...snapshot].filter(([type, resources]) => before.get(gateway)?.get(type) !== resources).length,
    0,
  );

const quiet: number[] = [];
const changed: number[] = [];
let types = 0;
for (let round = 0; round < changes; round += 1) {
  quiet.push(cpuOf(() => make(observations)).ms);
  const index = (round * 7) % devices;
  known = new Map(known).set(`n${index}CNTRL`, deviceAt(index, round % 2 === 1));
  observations = observationsOf(known);
  const after = cpuOf(() => make(observations));
  changed.push(after.ms);
  types += differing(after.result);
  before = after.result;
}
const rss = process.memoryUsage().rss / 2 ** 20;
print(`${devices} machines, ${endpoints} TailscaleEndpoints, ${gateways} Gateways; milliseconds of CPU`);
print(`first build                ${first.ms.toFixed(0)}`);
print(`nothing changed            p50 ${quantile(quiet, 0.5).toFixed(2)}, p95 ${quantile(quiet, 0.95).toFixed(2)}`);
print(`one machine changed        p50 ${quantile(changed, 0.5).toFixed(2)}, p95 ${quantile(changed, 0.95).toFixed(2)}`);
print(`resource types touched     ${(types / changes).toFixed(2)} a change`);
print(`RSS                        ${rss.toFixed(0)} MB`);
process.exitCode = quantile(changed, 0.5) < 20 && quantile(quiet, 0.5) < 5 ? 0 : 1;
