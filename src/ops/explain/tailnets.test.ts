import { describe, expect, it } from 'vitest';
import { entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../../test/support/graph.ts';
import type { TailscaleEndpointsSpec } from '../../api/generated/tailscale.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { ObservedProxies, Observations } from '../../api/observations.ts';
import type { Graph } from '../../model/graph.ts';
import type { ProxySet } from '../../model/proxy-set.ts';
import {
  backendEntry,
  backendFor,
  deviceOf,
  endpointOf,
  endpointsOf,
  objectsOf,
  observationsOf,
  offline,
  proxiesOf,
  proxyOf,
  servicesOf,
  stateOf,
  tablesFor,
  tailnetOf,
  vipServiceOf,
} from '../../model/tailnets/fixtures.ts';
import { tailnetLocalitiesOf } from '../../model/tailnets/localities.ts';
import { explainTarget } from './target.ts';

const db = deviceOf('db', '100.64.0.1');
const gone = { ...offline(deviceOf('old', '100.64.0.2')), lastSeen: '2025-12-31T00:00:00Z' };
const both = observationsOf([stateOf([db, gone])]);
const byName = endpointOf('one', { tailscaleFQDN: 'db.tail1.ts.net' });
const byIP = endpointOf('one', { tailscaleIP: '100.64.0.1' });
const second = endpointOf('two', { tailscaleIP: '100.64.0.2', weight: 2 });

type Rest = {
  /** Absent: only files are read. */
  readonly observations?: Observations | undefined;
  readonly objects?: readonly AnyObject[];
  readonly proxySets?: Graph['proxySets'];
  readonly use?: 'http' | 'tcp' | 'udp';
};

/** What is said of the one backend of a route, as `tailplane explain` has it below the backend's line, and what becomes of the request. */
const explained = (subject: Parameters<typeof backendFor>[0], { observations, objects = [], proxySets = new Map(), use = 'tcp' }: Rest) => {
  const all = [tailnetOf(), subject, ...objects];
  const tables = tablesFor(all, observations);
  const backend = backendFor(subject, use, tables);
  const { localities } = tailnetLocalitiesOf(backend, tables);
  const entry = entryOf('shop', {}, { action: { kind: 'forward', shares: [shareOf(backend)] } });
  const graph: Graph = {
    ...graphOf(
      [gatewayOf({ sockets: [socketOf(80, listenerOf('web', hostOf('*', entry)))], backends: [backend] })],
      new Map(localities === undefined ? [] : [[backend.id, localities]]),
    ),
    proxySets,
  };
  const state = {
    objects: objectsOf(...all),
    problems: [],
    health: { name: 'files', synced: true, lastRead: 0 },
    ...(observations === undefined ? {} : { observations }),
  };
  const explanation = explainTarget({ graph, state }, { target: 'http://a/', method: 'GET', headers: [] });
  const path = typeof explanation === 'string' ? undefined : explanation.paths[0];
  if (path === undefined) throw new Error(JSON.stringify(explanation));
  return { ...path, lines: path.steps.slice(4).map(({ at, name, detail }) => `${at} ${name}: ${detail}`) };
};

const linesOf = (spec: Partial<TailscaleEndpointsSpec>, rest: Rest = {}) =>
  explained(endpointsOf('a', spec), { observations: both, ...rest }).lines;

const at = (kind: string, lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith(`${kind} `));

const noChecks = 'no active health checks are asked for; an endpoint that fails three times in a row is left alone for a while';
const prod = 'tailnet prod: tail1.ts.net, 1 of 2 devices connected, last answered at 2026-01-01T00:00:00Z';

describe('a backend in a tailnet', () => {
  it('is told from the way there to its machines and the proxies before each', () => {
    const objects = [proxiesOf('a-egress', ['10.0.0.1', '10.0.0.2'])];
    const answer = explained(endpointsOf('a', { proxy: proxyOf({ replicas: 2 }), endpoints: [byName, second] }), {
      observations: both,
      objects,
    });
    expect(answer.outcome).toBe('forwarded');
    expect(answer.lines).toEqual([
      'reach tunnelled: through a tunnel in Envoy, and by CONNECT through any ready HTTP proxy of default/a-egress into tailnet "prod"',
      `health passive: ${noChecks}`,
      prod,
      'proxies default/a-egress: 2 ready: 10.0.0.1:1055, 10.0.0.2:1055',
      'machine one: db.tail1.ts.net, 100.64.0.1, online',
      'endpoint db.tail1.ts.net:80 via 10.0.0.1:1055: healthy, priority 0, weight 1',
      'endpoint db.tail1.ts.net:80 via 10.0.0.2:1055: healthy, priority 0, weight 1',
      'machine two: old.tail1.ts.net, 100.64.0.2, offline, last seen 2025-12-31T00:00:00Z',
      'endpoint 100.64.0.2:80 via 10.0.0.1:1055: unhealthy, priority 0, weight 2',
      'endpoint 100.64.0.2:80 via 10.0.0.2:1055: unhealthy, priority 0, weight 2',
    ]);
  });

  it.each([
    ['directly', {}, [], 'plain: directly: Envoys have to stand in tailnet "prod" themselves'],
    ['through one proxy', { proxy: proxyOf() }, ['10.0.0.1'], 'proxied: through the HTTP proxy of default/a-egress into tailnet "prod"'],
    [
      'forwarded',
      { proxy: proxyOf({ mode: 'forward' }) },
      ['10.0.0.1'],
      'plain: by ports that the proxies of default/a-egress forward into tailnet "prod"',
    ],
  ] as const)('says how it is reached: %s', (_how, spec, ready, way) => {
    const lines = linesOf({ ...spec, endpoints: [byIP] }, { objects: [proxiesOf('a-egress', ready)] });
    expect(at('reach', lines)).toEqual([`reach ${way}`]);
  });

  it('says what stands for a machine outside, and that its name is not looked up in a tailnet', () => {
    const lines = linesOf({ endpoints: [endpointOf('out', { externalTarget: 'db.example.com:5432' })] });
    expect(at('reach', lines)).toEqual(['reach tunnelled: outside of tailnets, by address or by a name that Envoy resolves']);
    expect(lines.slice(-2)).toEqual([
      'machine out: outside of tailnets',
      'endpoint db.example.com:5432 by name: healthy, priority 0, weight 1',
    ]);
  });

  const check = { enabled: true, interval: '5s', timeout: '2s', healthyThreshold: 1, unhealthyThreshold: 2 } as const;
  const checked = endpointOf('one', { tailscaleIP: '100.64.0.1', healthCheck: { ...check, path: '/up' } });

  it.each([
    ['that they are', {}, [checked], 'health active: GET /up every 5 s, for 2 s at most'],
    [
      'that they show a proxy only',
      { proxy: proxyOf() },
      [endpointOf('one', { tailscaleIP: '100.64.0.1', healthCheck: check })],
      'health active: by connecting every 5 s, for 2 s at most, which shows the proxy and not what is behind it: give healthCheck.path',
    ],
    [
      'that they are not, though asked for',
      { proxy: proxyOf({ replicas: 2 }) },
      [checked],
      'health passive: active health checks are asked for, but do not work through a tunnel: they do with one replica and every machine by tailscaleIP, or with mode forward or direct; an endpoint that fails three times in a row is left alone for a while',
    ],
  ] as const)('says of active health checks %s', (_what, spec, endpoints, line) => {
    expect(at('health', linesOf({ ...spec, endpoints }))).toEqual([line]);
  });

  it.each([
    ['a key that has expired', { expired: true }, 'its key has expired: log it in again, or disable key expiry'],
    ['one nobody approved', { authorized: false }, 'not authorized: approve it in the admin console'],
  ])('names the next step for %s', (_state, more, text) => {
    const observations = observationsOf([stateOf([{ ...db, usable: false, ...more }])]);
    const { lines, outcome, status } = explained(endpointsOf('a', { endpoints: [byIP] }), { observations });
    expect({ outcome, status }).toEqual({ outcome: 'answered', status: 503 });
    expect(lines.slice(-3)).toEqual([
      `machine one: db.tail1.ts.net, 100.64.0.1, ${text}`,
      'endpoint 100.64.0.1:80: unhealthy, priority 0, weight 1',
      'endpoint : none of 1 endpoints may be sent traffic: bring one of the machines above back',
    ]);
  });

  it('says what a machine is that is no device', () => {
    const observations = observationsOf([stateOf([], [vipServiceOf('svc:web', '100.100.0.1')])]);
    const endpoints = [endpointOf('vip', { tailscaleIP: '100.100.0.1' }), byIP];
    expect(at('machine', linesOf({ endpoints }, { observations }))).toEqual([
      'machine vip: no device but a Tailscale Service',
      'machine one: not known to tailnet "prod", and used as it is written, since it may be shared in',
    ]);
  });

  it('says which machines get nothing, and why', () => {
    const endpoints = [byIP, endpointOf('none', { tailscaleIP: '100.64.0.2', weight: 0 }), endpointOf('x', { tailscaleFQDN: 'x.ts.net' })];
    const lines = linesOf({ endpoints });
    expect(lines.slice(-2)).toEqual([
      'machine none: old.tail1.ts.net, 100.64.0.2, offline, last seen 2025-12-31T00:00:00Z; gets nothing: its weight is 0',
      'machine x: not known to tailnet "prod", and used as it is written, since it may be shared in; reached nowhere: it has no address; check the name, or write tailscaleIP',
    ]);
  });
});

describe('a backend without endpoints', () => {
  const discovered: Partial<TailscaleEndpointsSpec> = { autoDiscovery: { port: 80, protocol: 'TCP', tags: ['tag:db'] } };

  it('says what no machine has', () => {
    const autoDiscovery = { port: 80, protocol: 'TCP', patterns: ['web-*', 'app'], excludePatterns: ['*-old'] } as const;
    const endpoints = [endpointOf('tagged', { tags: ['tag:db', 'tag:eu'] })];
    expect(linesOf({ endpoints, autoDiscovery }).at(-1)).toBe(
      'endpoint : no endpoints: no machine has tag:db, tag:eu; or a name like web-* or app, no name like *-old: compare the tags and names of the machines of tailnet "prod"',
    );
  });

  it('has a tailnet that was never heard of, in its words', () => {
    const trouble = { kind: 'credentials', message: 'the OAuth client is refused: make a new one', since: '2026-01-01T00:00:00Z' } as const;
    const { lines, outcome, status } = explained(endpointsOf('a', discovered), {
      observations: observationsOf([{ name: 'prod', trouble }]),
    });
    expect({ outcome, status }).toEqual({ outcome: 'answered', status: 503 });
    expect(lines.slice(-2)).toEqual([
      'tailnet prod: has not been heard of yet; cannot be asked since 2026-01-01T00:00:00Z: the OAuth client is refused: make a new one',
      'endpoint : no endpoints: tailnets have not been heard of yet, so that Envoys keep the endpoints they have, if any; see the status of TailscaleTailnet "prod"',
    ]);
    expect(linesOf(discovered, { observations: observationsOf() })).toContain(
      'tailnet prod: has not been heard of yet: the Tailscale API is being asked',
    );
  });

  it('says that tailnets are not asked where only files are read', () => {
    const lines = explained(endpointsOf('a', discovered), {}).lines;
    expect(lines.slice(-2)).toEqual([
      'tailnet prod: not asked, as only files are read: ask a running server (--server)',
      'endpoint : no endpoints: which machines there are is known to tailnets alone, and they are not asked here: ask a running server (--server)',
    ]);
    expect(explained(endpointsOf('a', { endpoints: [byIP] }), {}).lines).toContain(
      'machine one: not looked up: tailnets are not asked here',
    );
  });

  const proxied = { proxy: proxyOf({ replicas: 2 }), endpoints: [byName] };

  it('has no ready proxy in files', () => {
    expect(linesOf(proxied).slice(-3)).toEqual([
      'proxies default/a-egress: none is ready: no EndpointSlice of Service default/a-egress has a ready endpoint; write the address of a proxy that runs there',
      'machine one: db.tail1.ts.net, 100.64.0.1, online; reached nowhere: no proxy of default/a-egress is ready',
      'endpoint : no endpoints: see the machine above',
    ]);
  });

  const observed = (more: Partial<ObservedProxies> = {}) =>
    observationsOf([stateOf([db])], { 'default/a-egress': { desired: 2, ready: 0, pods: [], ...more } });

  it.each([
    ['is not made yet', observationsOf([stateOf([db])]), 'the StatefulSet is not there yet; see the status of its owner'],
    ['is not ready', observed(), '0 of 2 replicas are; see kubectl -n default describe statefulset a-egress, and the logs of its pods'],
    ['failed', observed({ failure: { reason: 'Refused', message: 'the tag is not owned' } }), 'Refused: the tag is not owned'],
  ])('has proxies on a cluster of which none %s', (_what, observations, text) => {
    const proxySets = new Map<string, ProxySet>([['default/a-egress', {} as ProxySet]]);
    expect(at('proxies', linesOf(proxied, { observations, proxySets }))[0]).toContain(`none is ready: ${text}`);
  });
});

describe('a TailscaleServices', () => {
  it('names the machines of what it selects, those used last, and what else it has, by priority', () => {
    const a = endpointsOf('a', { endpoints: [byIP, second] }, { labels: { app: 'web' } });
    const backends = [
      backendEntry({ tailscale: { address: 'db.tail1.ts.net', port: 81, tailnet: 'prod' }, priority: 1 }),
      backendEntry({ external: { address: '192.0.2.1', port: 80 }, priority: 2 }),
      backendEntry({ kubernetes: { name: 'none', port: 80 } }),
    ];
    const { lines } = explained(servicesOf('web', { backends }), { observations: both, objects: [a] });
    expect(lines).toEqual([
      'reach plain: directly: Envoys have to stand in tailnet "prod" themselves; outside of tailnets, by address or by a name that Envoy resolves',
      `health passive: ${noChecks}`,
      prod,
      'machine : left out: spec.backends[2] of TailscaleServices "default/web": Service "default/none" not found',
      'machine a/one: db.tail1.ts.net, 100.64.0.1, online',
      'endpoint 100.64.0.1:80: healthy, priority 0, weight 1',
      'machine a/two: old.tail1.ts.net, 100.64.0.2, offline, last seen 2025-12-31T00:00:00Z, used when nothing else is left',
      'endpoint 100.64.0.2:80: healthy, priority 3, weight 1',
      'machine db.tail1.ts.net: db.tail1.ts.net, 100.64.0.1, online',
      'endpoint 100.64.0.1:81: healthy, priority 1, weight 1',
      'machine 192.0.2.1: outside of tailnets',
      'endpoint 192.0.2.1:80: healthy, priority 2, weight 1',
    ]);
  });

  it('says of parts in a tailnet that no proxy is ready for them', () => {
    const a = endpointsOf('a', { proxy: proxyOf({ replicas: 2 }), endpoints: [byIP] }, { labels: { app: 'web' } });
    const backends = [backendEntry({ tailscale: { address: 'db.tail1.ts.net', port: 80, tailnet: 'prod' }, priority: 1 })];
    const { lines, outcome } = explained(servicesOf('web', { backends }), { observations: both, objects: [a] });
    expect(outcome).toBe('answered');
    expect(lines.slice(-3)).toEqual([
      'machine a/one: db.tail1.ts.net, 100.64.0.1, online; reached nowhere: no proxy of default/a-egress is ready',
      'machine : one of spec.backends, vipService or serviceDiscovery, in tailnet "prod"; reached nowhere: no proxy of default/a-egress is ready',
      'endpoint : no endpoints: see the 2 machines above',
    ]);
  });
});
