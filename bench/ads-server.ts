/**
 * Our ADS server with the yardstick's configuration, and its HTTP interface: POST /trigger?kind=… changes the configuration, GET /stats tells
 * memory and CPU. Run as `node bench/ads-server.ts DUMP ADS_PORT HTTP_PORT`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { adsServer } from '../xds/ads/server.ts';
import { snapshotOf } from '../xds/snapshot/snapshot-of.ts';
import { changed, type ChangeKind, changeKinds, resourcesFrom } from './ads-config.ts';

const [dump = '', adsPort = '0', httpPort = '0'] = process.argv.slice(2);

let resources = resourcesFrom(dump);
let snapshot = snapshotOf(resources);
let epoch = 0;

const server = adsServer({ address: `127.0.0.1:${adsPort}`, groupOf: () => 'all', controlPlaneId: 'tailplane' });
server.publish('all', snapshot);

const trigger = (kind: ChangeKind): object => {
  const at = Math.round((performance.timeOrigin + performance.now()) * 1e6);
  const start = performance.now();
  resources = changed(resources, kind, ++epoch);
  snapshot = snapshotOf(resources, snapshot);
  server.publish('all', snapshot);
  return { t_ns: at, set_ms: performance.now() - start };
};

const statusField = (name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;

const stats = (): object => {
  const { user, system } = process.cpuUsage();
  const { sotw, delta } = server.stats.streams;
  const sum = (field: 'responses' | 'nacks'): number =>
    [...server.stats.byType.values()].reduce((total, counts) => total + counts[field], 0);
  return {
    rss_mb: statusField('VmRSS'),
    rss_peak_mb: statusField('VmHWM'),
    heap_mb: process.memoryUsage().heapUsed / 2 ** 20,
    cpu_s: (user + system) / 1e6,
    streams: sotw + delta,
    requests: server.stats.requests,
    responses: sum('responses'),
    nacks: sum('nacks'),
  };
};

await server.listen();
createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const kind = changeKinds.find((known) => known === (url.searchParams.get('kind') ?? 'endpoint'));
  const answer = url.pathname === '/stats' ? stats() : url.pathname === '/trigger' && kind !== undefined ? trigger(kind) : undefined;
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
}).listen(Number(httpPort), '127.0.0.1');
