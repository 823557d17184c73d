import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { graphOf } from '../../test/support/graph.ts';
import type { ClientStatus } from '../../xds/ads/events.ts';
import { type Resources, typeUrlOf } from '../../xds/resources.ts';
import { allKinds } from '../api/kinds.ts';
import type { Objects } from '../api/objects.ts';
import type { ObjectKey } from '../lib/key.ts';
import type { Condition, Status } from '../model/status.ts';
import type { SourceProblem } from '../sources/source.ts';
import type { Known } from './known.ts';
import { Overview } from './overview.ts';

const gateway: ObjectKey = 'Gateway/default/edge';
const shop: ObjectKey = 'HTTPRoute/default/shop';
const other: ObjectKey = 'HTTPRoute/default/other';

const condition = (type: string, status: Condition['status'] = 'True', message = ''): Condition => ({
  type,
  status,
  reason: type,
  message,
  observedGeneration: 3,
});
const routeStatus = (...conditions: readonly Condition[]): Status => ({
  kind: 'HTTPRoute',
  parents: [{ parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }, controllerName: 'c', conditions }],
});
const gatewayStatus: Status = {
  kind: 'Gateway',
  conditions: [condition('Accepted'), condition('Programmed')],
  addresses: [],
  listeners: [],
  attachedListenerSets: 0,
};

const none = new Map<string, never>();
const resources: Resources = {
  Cluster: none,
  ClusterLoadAssignment: none,
  Listener: none,
  RouteConfiguration: new Map([['http/80', { name: 'http/80', message: { name: 'http/80' }, owners: [gateway, shop] }]]),
  ScopedRouteConfiguration: none,
  Secret: none,
  TypedExtensionConfig: none,
};

const knownWith = (route: Status, problems: readonly SourceProblem[] = []): Known => ({
  state: {
    objects: Object.fromEntries(allKinds.map((kind) => [kind, new Map()])) as unknown as Objects,
    problems,
    health: { name: 'files', synced: true, lastRead: 0 },
  },
  graph: {
    ...graphOf([]),
    statuses: new Map([
      [gateway, gatewayStatus],
      [shop, route],
      [other, routeStatus(condition('Accepted'))],
    ]),
  },
  resources: new Map([['default/edge', resources]]),
});

const client = { group: 'default/edge', node: { id: 'edge-0', cluster: 'default/edge' }, peer: '127.0.0.1:1', mode: 'delta' } as const;
const rejecting: ClientStatus = {
  ...client,
  served: true,
  current: true,
  since: 0,
  types: [{ typeUrl: typeUrlOf('RouteConfiguration'), version: 'v', acknowledged: false, error: 'bad regex', rejected: ['http/80'] }],
};
const nack = { ...client, kind: 'nack', typeUrl: typeUrlOf('RouteConfiguration'), names: ['http/80'], error: 'bad regex' } as const;

describe('Overview', () => {
  let logged: { level: string; msg: string }[];
  let clients: readonly ClientStatus[];
  let time: Date;
  let overview: Overview;
  beforeEach(() => {
    logged = [];
    clients = [];
    time = new Date('2026-01-01T00:00:00Z');
    const stream = { write: (line: string) => void logged.push(JSON.parse(line) as { level: string; msg: string }) };
    const log = pino({ base: null, formatters: { level: (level) => ({ level }) } }, stream);
    overview = new Overview({ log, clients: () => clients, now: () => time });
  });
  const told = (): readonly string[] => logged.splice(0).map(({ level, msg }) => `${level} ${msg}`);
  const conditionOf = (key: ObjectKey, type: string) => overview.statusOf(key)?.conditions.find((candidate) => candidate.type === type);

  it('is unready until the first update, and again once it stops', () => {
    expect(overview.vitals().published).toBe(false);
    overview.updated(knownWith(routeStatus(condition('Accepted'))));
    expect(overview.vitals()).toMatchObject({ published: true, stopping: false });
    overview.stopping();
    expect(overview.vitals().stopping).toBe(true);
  });

  it('tells a problem once, when it comes and when it is solved', () => {
    const problem = { severity: 'error', reason: 'spec.rules: must be a list', file: 'a.yaml', line: 3, column: 5 } as const;
    const route = routeStatus(condition('Accepted'));
    overview.updated(knownWith(route, [problem]));
    overview.updated(knownWith(route, [problem]));
    expect(told()).toEqual(['info serving Gateways default/edge', 'error a.yaml:3:5: spec.rules: must be a list']);
    overview.updated(knownWith(route));
    expect(told()).toEqual(['info solved: a.yaml:3:5: spec.rules: must be a list']);
  });

  it('tells a condition once, when it says trouble and when it ceases to', () => {
    const dangling = condition('ResolvedRefs', 'False', 'no such Service');
    for (const status of [dangling, dangling, condition('ResolvedRefs')]) overview.updated(knownWith(routeStatus(status)));
    expect(told().slice(1)).toEqual([
      'warn HTTPRoute default/shop: ResolvedRefs ResolvedRefs: no such Service',
      'info HTTPRoute default/shop: ResolvedRefs again',
    ]);
  });

  it('keeps the time of a condition until its status changes', () => {
    overview.updated(knownWith(routeStatus(condition('Accepted', 'True', 'one'))));
    time = new Date('2026-01-01T00:00:05.999Z');
    overview.updated(knownWith(routeStatus(condition('Accepted', 'True', 'two'))));
    expect(conditionOf(shop, 'Accepted')).toMatchObject({ message: 'two', lastTransitionTime: '2026-01-01T00:00:00Z' });
    overview.updated(knownWith(routeStatus(condition('Accepted', 'False'))));
    expect(conditionOf(shop, 'Accepted')?.lastTransitionTime).toBe('2026-01-01T00:00:05Z');
  });

  it('lays what Envoy rejects over the status of its owners, and of nobody else', () => {
    overview.updated(knownWith(routeStatus(condition('Accepted'))));
    clients = [rejecting];
    overview.happened(nack);
    const message = 'Envoy rejects RouteConfiguration http/80, and keeps the version it accepted last: bad regex';
    expect(conditionOf(gateway, 'Programmed')).toMatchObject({ status: 'False', reason: 'Invalid', message, observedGeneration: 3 });
    expect(conditionOf(shop, 'Accepted')).toMatchObject({ status: 'False', reason: 'Invalid', message });
    expect(conditionOf(other, 'Accepted')).toMatchObject({ status: 'True' });
    expect(overview.vitals().rejected).toBe(1);
    expect(told()).toContain('error Envoy edge-0 of default/edge rejects http/80: bad regex');
  });

  it('takes the refusal away when the Envoy accepts again, or leaves', () => {
    for (const event of [
      { ...client, kind: 'ack', typeUrl: nack.typeUrl, version: 'w' },
      { ...client, kind: 'disconnected', reason: 'gone' },
    ] as const) {
      overview.updated(knownWith(routeStatus(condition('Accepted'))));
      clients = [rejecting];
      overview.happened(nack);
      clients = [];
      overview.happened(event);
      expect(conditionOf(gateway, 'Programmed')).toMatchObject({ status: 'True' });
    }
  });

  it('tells which Gateways an edit changed, and not of endpoints that come and go', () => {
    const known = knownWith(routeStatus(condition('Accepted')));
    const withResources = (more: Partial<Resources>): Known => ({
      ...known,
      resources: new Map([['default/edge', { ...resources, ...more }]]),
    });
    overview.updated(known);
    told();
    overview.updated(withResources({ ClusterLoadAssignment: new Map() }));
    expect(told()).toEqual([]);
    overview.updated(withResources({ Listener: new Map() }));
    expect(told()).toEqual(['info changed Gateways default/edge']);
    overview.updated({ ...known, resources: new Map() });
    expect(told()).toEqual(['info serving no longer Gateways default/edge']);
  });

  it('warns of an Envoy that waits for a Gateway which is not there', () => {
    overview.happened({ ...client, kind: 'connected', served: false });
    expect(told()).toEqual(['warn Envoy edge-0 of default/edge connected and waits: no such Gateway is accepted']);
  });

  it('says when a source cannot be read, once, and when it can again', () => {
    const health = { name: 'files', synced: true, lastRead: 0 };
    for (const error of ['gone', 'gone', undefined]) overview.heard(error === undefined ? health : { ...health, error });
    expect(told()).toEqual(['error files: gone; its last good state stands', 'info files: readable again']);
  });

  it('is degraded after a build that threw, until the next one works', () => {
    overview.buildFailed(new Error('bug'));
    expect(overview.vitals().buildFailed).toBe(true);
    overview.updated(knownWith(routeStatus(condition('Accepted'))));
    expect(overview.vitals().buildFailed).toBe(false);
  });
});
