/** Laws of TailscaleRoutePolicies, from YAML to graph. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../src/api/kinds.ts';
import type { KnownTailnet, Observations } from '../src/api/observations.ts';
import { noObservations } from '../src/api/observations.ts';
import { graphBuilder } from '../src/model/build.ts';
import type { Graph, HttpMatch, HttpRule, RouteEntry } from '../src/model/graph.ts';
import { policiesBuilder } from '../src/model/policies/governing.ts';
import { policer } from '../src/model/policies/police.ts';
import { tablesBuilder } from '../src/model/tables.ts';
import { gatewayOf, entryOf, hostOf, listenerOf, socketOf } from './support/graph.ts';
import { gateway, listenerIn, messageOf, objectsIn, objectsOf, prelude, shown, statusOf, streamRoute } from './support/gateway-api.ts';

const levels = ['gateway', 'listener', 'route', 'rule'] as const;
type Level = (typeof levels)[number];
const targets: Readonly<Record<Level, string>> = {
  gateway: 'kind: Gateway, name: edge',
  listener: 'kind: Gateway, name: edge, sectionName: http',
  route: 'kind: HTTPRoute, name: web',
  rule: 'kind: HTTPRoute, name: web, sectionName: first',
};

const policy = (name: string, target: string, rules: string, created = ''): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: ${name}, namespace: default${created === '' ? '' : `, creationTimestamp: '${created}'`} }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, ${target} }], rules: [${rules}] }
`;
const timeout = (seconds: number): string => `{ actions: { timeouts: { request: ${seconds}s } } }`;
const users = (name: string): string => `{ actions: { identity: { allow: { users: [${name}@example.com] } } } }`;

/** One rule, with `more` in flow style. */
const routeOf = (more: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: default }
spec: { parentRefs: [{ name: edge }], rules: [{ name: first, ${more}backendRefs: [{ name: web, port: 80 }] }] }
`;

const world = [
  ...prelude,
  ...objectsIn(gateway('edge', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]')),
  ...objectsIn(routeOf('')),
];
const build = graphBuilder({ privilegedPorts: true, exclusivePorts: true, defaultAddresses: [] });
const graphOf = (yaml: string, observations: Observations = noObservations): Graph =>
  build(objectsOf([...world, ...objectsIn(yaml)]), observations);

const ruleIn = (graph: Graph): HttpRule => {
  const [listener] = graph.gateways.get('default/edge')?.sockets[0]?.listeners ?? [];
  const rule = listener !== undefined && 'virtualHosts' in listener ? listener.virtualHosts[0]?.entries[0]?.rule : undefined;
  if (rule === undefined) throw new Error('no rule');
  return rule;
};

describe('policies', () => {
  it('of the most specific target win, whatever order they come in', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...levels], { minLength: 1 }), (some) => {
        const yaml = some.map((level) => policy(level, targets[level], timeout(levels.indexOf(level) + 1))).join('');
        const winner = Math.max(...some.map((level) => levels.indexOf(level)));
        expect(ruleIn(graphOf(yaml)).requestTimeoutMs).toBe((winner + 1) * 1000);
      }),
    );
  });

  it('all have to let a peer through, be they as specific as they may', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...levels]), (some) => {
        const asked = ruleIn(graphOf(some.map((level) => policy(level, targets[level], users(level))).join(''))).identities ?? [];
        expect(asked.map(({ allow }) => allow?.users[0] ?? '').toSorted()).toEqual(some.map((level) => `${level}@example.com`).toSorted());
      }),
    );
  });

  it('leave everything as it was once they are gone', () => {
    const before = graphOf('');
    for (const level of levels) {
      expect(ruleIn(graphOf(policy(level, targets[level], `${timeout(9)}, ${users('a')}`)))).not.toEqual(ruleIn(before));
      expect(graphOf('').gateways).toBe(before.gateways);
    }
  });

  it('of others leave a Gateway the very object it is', () => {
    const before = graphOf('');
    const after = graphOf(policy('other', 'kind: Gateway, name: other', users('a')));
    expect(after.gateways.get('default/edge')).toBe(before.gateways.get('default/edge'));
  });

  it('of one target share what they do not both say, and of that the older has its way', () => {
    const older = policy('older', targets.route, timeout(1), '2026-01-01T00:00:00Z');
    const younger = policy(
      'younger',
      targets.route,
      '{ actions: { timeouts: { request: 2s }, retry: { attempts: 4 } } }',
      '2026-01-02T00:00:00Z',
    );
    const graph = graphOf(younger + older);
    expect(ruleIn(graph)).toMatchObject({ requestTimeoutMs: 1000, retry: { attempts: 4 } });
    const [said] = statusOf(graph, 'TailscaleRoutePolicy', 'younger').ancestors;
    expect([shown(said?.conditions ?? [], 'Accepted'), shown(said?.conditions ?? [], 'Conflicted')]).toEqual([
      'True Accepted',
      'True Conflicted',
    ]);
    expect(messageOf(said?.conditions ?? [], 'Conflicted')).toContain('"default/older"');
  });

  it('try their rules by priority, then as written', () => {
    const rule = (priority: number, seconds: number): string =>
      `{ priority: ${priority}, actions: { timeouts: { request: ${seconds}s } } }`;
    expect(ruleIn(graphOf(policy('p', targets.route, [rule(0, 1), rule(5, 2), rule(5, 3)].join()))).requestTimeoutMs).toBe(2000);
  });

  it('that replace a route do not let past what its own filters forbid', () => {
    const blocked = routeOf(
      'filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, http: {}, backendRef: { name: missing, port: 80 } } }], ',
    );
    const route = policy('p', targets.gateway, '{ actions: { route: { backendRefs: [{ name: web, port: 80 }] } } }');
    const objects = [...world.filter(({ kind }) => kind !== 'HTTPRoute'), ...objectsIn(blocked + route)];
    expect(ruleIn(build(objectsOf(objects))).action).toEqual({ kind: 'respond', status: 500 });
  });

  it('are told of names that no tailnet knows, and are in force', () => {
    const known: KnownTailnet = { devices: new Map(), services: new Map(), groups: new Map(), lastSync: '2026-01-01T00:00:00Z' };
    const observations = { ...noObservations, tailnets: new Map([['prod', { name: 'prod', known }]]) };
    const yaml = policy('p', targets.route, '{ actions: { identity: { allow: { users: [a@example.com], groups: ["group:x"] } } } }');
    const graph = graphOf(yaml, observations);
    const [said] = statusOf(graph, 'TailscaleRoutePolicy', 'p').ancestors;
    expect(messageOf(said?.conditions ?? [], 'ResolvedRefs')).toBe(
      'All references resolve; no tailnet knows users a@example.com; no tailnet knows groups group:x',
    );
    expect(ruleIn(graph).identities).toHaveLength(1);
  });
});

describe('a policy that names nobody, which no admission kept out', () => {
  const named = objectsIn(policy('p', targets.gateway, users('a')));
  const naming = (identity: object): readonly AnyObject[] =>
    named.map(
      (one) =>
        ({
          ...one,
          spec: {
            targetRefs: one.kind === 'TailscaleRoutePolicy' ? one.spec.targetRefs : [],
            rules: [{ priority: 0, actions: { identity } }],
          },
        }) as AnyObject,
    );
  const bytes = objectsIn(streamRoute('TCPRoute', 'bytes', '{ name: edge, sectionName: bytes }'));
  const withBytes = objectsIn(
    gateway('edge', 'listeners: [{ name: http, port: 8080, protocol: HTTP }, { name: bytes, port: 5432, protocol: TCP }]'),
  );

  it.each([
    ['neither allow nor deny', {}],
    ['an empty allow', { allow: {} }],
    ['an empty deny', { deny: {} }],
    ['an allow of empty lists', { allow: { users: [], groups: [], tags: [], nodes: [] } }],
  ])('lets nobody in, and says so: %s', (_, identity) => {
    const graph = build(objectsOf([...world.filter(({ kind }) => kind !== 'Gateway'), ...withBytes, ...bytes, ...naming(identity)]));
    const [conditions = []] = statusOf(graph, 'TailscaleRoutePolicy', 'p').ancestors.map((one) => one.conditions);
    expect(shown(conditions, 'Accepted')).toBe('False Invalid');
    expect(messageOf(conditions, 'Accepted')).toMatch(
      /^spec\.rules\[0\]\.actions\.identity(\.(allow|deny))?: (needs allow or deny|names nobody)/,
    );
    expect(listenerIn(graph, 'edge', 'http', 'HTTP').virtualHosts[0]?.entries.map(({ rule }) => rule.action)).toEqual([
      { kind: 'respond', status: 500 },
    ]);
    expect(listenerIn(graph, 'edge', 'bytes', 'TCP').rule?.shares).toEqual([{ weight: 1 }]);
  });
});

describe('where tailnets come in', () => {
  const tailnet = {
    tailnet: 'prod',
    service: 'svc:web',
    sharedBy: 'TailscaleGateway/default/share',
    listenersOf: new Map([['HTTPRoute/default/web', ['http']]] as const),
  } as const;
  const listener = listenerOf('http', hostOf('*', entryOf('web')));
  const shared = gatewayOf({ sockets: [{ ...socketOf(80, listener), tailnet }, socketOf(8080, listener)] });
  const entriesUnder = (yaml: string, groupless: readonly string[] = []): readonly RouteEntry[] => {
    const policies = policiesBuilder()(tablesBuilder()(objectsOf(objectsIn(yaml))));
    const { gateways } = policer()(new Map([['default/edge', shared]]), policies, new Set(groupless));
    return (gateways.get('default/edge')?.sockets ?? []).flatMap(({ listeners }) =>
      listeners.flatMap((one) => ('virtualHosts' in one ? one.virtualHosts.flatMap(({ entries }) => entries) : [])),
    );
  };
  const rulesUnder = (...under: Parameters<typeof entriesUnder>): readonly HttpRule[] => entriesUnder(...under).map(({ rule }) => rule);
  const matchesUnder = (...under: Parameters<typeof entriesUnder>): readonly HttpMatch[] =>
    entriesUnder(...under).map(({ match }) => match);
  const ofShare = (rules: string): string =>
    policy('share', 'kind: X', rules).replace(
      'group: gateway.networking.k8s.io, kind: X',
      'group: gateway.tailscale.com, kind: TailscaleGateway, name: share',
    );
  const denying = (group: string): string => ofShare(`{ actions: { identity: { deny: { groups: ["${group}"] } } } }`);

  it('policies of the TailscaleGateway hold, and nowhere else', () => {
    expect(rulesUnder(ofShare(timeout(3))).map(({ requestTimeoutMs }) => requestTimeoutMs)).toEqual([3000, undefined]);
  });

  it('policies of the listeners that a route is on hold, too', () => {
    expect(rulesUnder(policy('l', targets.listener, users('a'))).map(({ identities }) => identities?.length)).toEqual([1, 1]);
  });

  it('nobody passes who may be in a group that is denied, while groups are not known', () => {
    expect(rulesUnder(denying('group:x'), ['prod'])[0]?.action).toEqual({ kind: 'respond', status: 403 });
    expect(rulesUnder(denying('group:x'))[0]?.action.kind).toBe('forward');
  });

  it('nobody passes of whom more may be asked as one of a group, while groups are not known', () => {
    const asking = (actions: string): string =>
      ofShare(`{ matches: [{ path: { value: /a }, identity: { groups: ["group:x"] } }], actions: { ${actions} } }`);
    const strict = 'identity: { allow: { users: [boss@example.com] } }';
    expect(rulesUnder(asking(strict)).map(({ action }) => action.kind)).toEqual(['forward', 'forward', 'forward']);
    expect(rulesUnder(asking(strict), ['prod']).map(({ action }) => action.kind)).toEqual(['respond', 'forward', 'forward']);
    expect(matchesUnder(asking(strict), ['prod'])[0]).toMatchObject({ path: { value: '/a' } });
    expect(matchesUnder(asking(strict), ['prod'])[0]).not.toHaveProperty('peers');
    expect(matchesUnder(asking('timeouts: { request: 1s }'), ['prod'])[0]?.peers).toHaveLength(1);
  });

  it('groups that follow from machines are known all the same, and others of the tailnet never', () => {
    for (const group of ['autogroup:member', 'autogroup:shared', 'autogroup:tagged'])
      expect(rulesUnder(denying(group), ['prod'])[0]?.action.kind).toBe('forward');
    expect(rulesUnder(denying('autogroup:admin'))[0]?.action).toEqual({ kind: 'respond', status: 403 });
  });
});
