/** What TailscaleRoutePolicies make of bytes, from YAML to graph and status. */
import { describe, expect, it } from 'vitest';
import type { KnownTailnet } from '../src/api/observations.ts';
import { graphBuilder } from '../src/model/build.ts';
import type { Backend, Graph, StreamRule } from '../src/model/graph.ts';
import { deviceOf, objectsOf, stateOf } from '../src/model/tailnets/fixtures.ts';
import { messageOf, shown, statusOf } from './support/gateway-api.ts';
import { aged, entrancesOf, gatewayOf, graphOf, observed, options, route, share, tailnet, worldOf } from './support/shared-gateway.ts';

const standard = 'group: gateway.networking.k8s.io';
const onEdge = `${standard}, kind: Gateway, name: edge`;
const onRoute = (name: string, more = '', kind = 'TCPRoute'): string => `${standard}, kind: ${kind}, name: ${name}${more}`;

/** `rules`, and the inside of each target, in flow style. */
const policy = (rules: string, ...targets: readonly string[]): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: who, namespace: default }
spec: { targetRefs: [${targets.map((target) => `{ ${target} }`).join(', ')}], rules: [${rules}] }
---
`;
const admins = '{ actions: { identity: { allow: { tags: ["tag:admin"] } } } }';
const noContractors = '{ actions: { identity: { deny: { groups: ["group:contractors"] } } } }';

const ssh = (name: string, more = ''): string => route('TCPRoute', name, '', more, 'default', 'ssh');
const vault = route('TLSRoute', 'vault', 'hostnames: [vault.example]', '', 'default', 'tls');
const app = route('HTTPRoute', 'web', '', '', 'default', 'https');

const heard = (known: Partial<KnownTailnet> = {}) => {
  const state = stateOf([deviceOf('laptop', '100.64.0.1', { user: 'ann@example.com' })]);
  return observed({}, {}, [{ ...state, known: { ...(state.known as KnownTailnet), ...known } }]);
};

/** Rules for bytes by the service whose peers they are for, or by `own` on the Gateway's own listeners. */
const rulesIn = (graph: Graph): Readonly<Record<string, StreamRule>> =>
  Object.fromEntries(
    gatewayOf(graph).sockets.flatMap(({ tailnet, listeners }) =>
      listeners.flatMap((listener) => {
        const rules = 'serverNames' in listener ? listener.serverNames.map(({ rule }) => rule) : 'rule' in listener ? [listener.rule] : [];
        return rules.flatMap((rule) => (rule === undefined ? [] : [[`${tailnet?.service ?? 'own'} ${rule.owner}`, rule] as const]));
      }),
    ),
  );

/** Whom rules let in: the tags that are allowed, `everybody` where nobody is asked, `nobody` where connections are closed. */
const openTo = (graph: Graph): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(rulesIn(graph)).map(([at, { identities, shares }]) => {
      if (shares.every(({ backend }) => backend === undefined)) return [at, 'nobody'];
      return [at, identities?.flatMap(({ allow }) => allow?.tags ?? ['not denied']).join(' and ') ?? 'everybody'];
    }),
  );

const said = (graph: Graph, type: string): string => {
  const [ancestor] = statusOf(graph, 'TailscaleRoutePolicy', 'who').ancestors;
  return `${shown(ancestor?.conditions ?? [], type)}: ${messageOf(ancestor?.conditions ?? [], type)}`;
};

describe('a policy on a listener', () => {
  it('is asked of what comes from a tailnet to the routes that are on it, and of no other', () => {
    const yaml = share() + ssh('shell') + vault + policy(admins, `${onEdge}, sectionName: ssh`);
    expect(openTo(graphOf(yaml))).toMatchObject({
      'svc:shell TCPRoute/default/shell': 'tag:admin',
      'svc:vault TLSRoute/default/vault': 'everybody',
    });
  });

  it('is asked of TLS that is passed through, too', () => {
    const yaml = share() + vault + policy(admins, `${onEdge}, sectionName: tls`);
    expect(openTo(graphOf(yaml))).toMatchObject({ 'svc:vault TLSRoute/default/vault': 'tag:admin' });
  });

  it('is asked of a route that an older one keeps from being served there', () => {
    const yaml = share() + ssh('older', aged(2025)) + ssh('younger', aged(2026)) + policy(admins, `${onEdge}, sectionName: ssh`);
    expect(openTo(graphOf(yaml))).toMatchObject({
      'svc:older TCPRoute/default/older': 'tag:admin',
      'svc:younger TCPRoute/default/younger': 'tag:admin',
    });
  });

  it('is asked of requests while the listener itself waits for its certificate', () => {
    const byHttp = share('share', tailnet('prod', '', 'protocol: HTTP'));
    const objects = worldOf(byHttp + app + policy(admins, `${onEdge}, sectionName: https`)).filter(({ kind }) => kind !== 'Secret');
    const graph = graphBuilder(options)(objectsOf(...objects), heard());
    expect(gatewayOf(graph).sockets.some(({ tailnet, port }) => tailnet === undefined && port === 443)).toBe(false);
    const rules = entrancesOf(graph).flatMap(({ listeners }) =>
      listeners.flatMap((one) => ('virtualHosts' in one ? one.virtualHosts.flatMap(({ entries }) => entries.map(({ rule }) => rule)) : [])),
    );
    expect(rules.length).toBeGreaterThan(0);
    for (const { identities } of rules) expect(identities?.[0]?.allow?.tags).toEqual(['tag:admin']);
  });
});

describe('a policy that denies by group', () => {
  const yaml = share() + ssh('shell') + policy(noContractors, `group: gateway.tailscale.com, kind: TailscaleGateway, name: share`);
  const at = 'svc:shell TCPRoute/default/shell';

  it('closes connections of bytes while nobody can say who is in one, and no longer', () => {
    const build = graphBuilder(options);
    const objects = objectsOf(...worldOf(yaml));
    expect(openTo(build(objects, heard()))[at]).toBe('nobody');
    expect(openTo(build(objects, heard({ groups: new Map([['group:contractors', []]]) })))[at]).toBe('not denied');
    expect(openTo(build(objects, heard()))[at]).toBe('nobody');
  });

  it('says that nobody passes until then', () => {
    expect(said(graphOf(yaml, heard()), 'ResolvedRefs')).toBe(
      'True ResolvedRefs: All references resolve; groups of a tailnet cannot be read: give its OAuth client the scope policy_file:read; until it is known who is in the groups that are denied, nobody passes',
    );
  });
});

describe('a policy on a TCPRoute or TLSRoute', () => {
  const two = share() + ssh('shell') + vault;

  it('is asked of what comes from a tailnet, closes the route elsewhere, and leaves others open', () => {
    const graph = graphOf(two + policy(admins, onRoute('shell')));
    expect(openTo(graph)).toEqual({
      'own Gateway/default/edge': 'nobody',
      'own TCPRoute/default/shell': 'nobody',
      'own TLSRoute/default/vault': 'everybody',
      'svc:shell TCPRoute/default/shell': 'tag:admin',
      'svc:vault TLSRoute/default/vault': 'everybody',
    });
    expect(openTo(graphOf(two + policy(admins, onRoute('vault', '', 'TLSRoute'))))).toMatchObject({
      'own TCPRoute/default/shell': 'everybody',
      'own TLSRoute/default/vault': 'nobody',
      'svc:vault TLSRoute/default/vault': 'tag:admin',
    });
  });

  it('adds to those of its Gateway and listener: each has to let the peer through', () => {
    const listener = policy('{ actions: { identity: { allow: { tags: ["tag:here"] } } } }', `${onEdge}, sectionName: ssh`);
    const yaml = two + policy(admins, onRoute('shell')) + listener.replace('name: who', 'name: here');
    expect(openTo(graphOf(yaml))['svc:shell TCPRoute/default/shell']).toBe('tag:admin and tag:here');
  });

  it('with the name of a rule is about that rule', () => {
    const named = `
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: shell, namespace: default }
spec:
  parentRefs: [{ name: edge, sectionName: ssh }]
  rules: [{ name: only, backendRefs: [{ name: web, port: 80 }] }]
---
`;
    const under = (section: string): Graph => graphOf(share() + named + policy(admins, onRoute('shell', `, sectionName: ${section}`)));
    expect(openTo(under('only'))['svc:shell TCPRoute/default/shell']).toBe('tag:admin');
    expect(openTo(under('other'))['svc:shell TCPRoute/default/shell']).toBe('everybody');
    expect(said(under('other'), 'Accepted')).toBe(
      'False TargetNotFound: spec.targetRefs[0]: TCPRoute "default/shell" has no rule named "other"',
    );
  });

  it('tells its Gateway what became of it', () => {
    const graph = graphOf(two + policy(admins, onRoute('shell')));
    expect(statusOf(graph, 'TailscaleRoutePolicy', 'who').ancestors.map(({ ancestorRef }) => ancestorRef)).toEqual([
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default', name: 'edge' },
    ]);
    expect(said(graph, 'Accepted')).toBe('True Accepted: The policy is accepted');
    expect(said(graph, 'PartiallyInvalid')).toBe(
      'True UnsupportedValue: spec.rules[0]: TCPRoute/default/shell: who connects is known on services of a tailnet only, so all other connections are closed',
    );
  });

  it('says what of it is for requests only, and is not accepted where that is all', () => {
    const timed = '{ actions: { timeouts: { request: 5s } } }';
    const mixed = graphOf(
      two + policy(`{ matches: [{ path: { value: /a } }], actions: { cors: { allowOrigins: ["*"] } } }, ${admins}`, onRoute('shell')),
    );
    expect(said(mixed, 'Accepted')).toBe('True Accepted: The policy is accepted');
    expect(said(mixed, 'PartiallyInvalid')).toContain('spec.rules[0].matches: bytes have no paths, methods, headers or parameters; ');
    expect(openTo(mixed)['svc:shell TCPRoute/default/shell']).toBe('tag:admin');
    const idle = graphOf(two + policy(timed, onRoute('shell')));
    expect(said(idle, 'Accepted')).toBe('False UnsupportedValue: spec.rules[0].actions.timeouts: is for requests, not for bytes');
    expect(openTo(idle)['own TCPRoute/default/shell']).toBe('everybody');
    const both = graphOf(two + app + policy(timed, onRoute('shell'), onRoute('web', '', 'HTTPRoute')));
    expect(said(both, 'Accepted')).toBe('True Accepted: The policy is accepted');
    expect(said(both, 'PartiallyInvalid')).toBe('True UnsupportedValue: spec.rules[0].actions.timeouts: is for requests, not for bytes');
  });

  it.each([
    [
      'a token',
      '{ actions: { jwt: { providers: [{ name: a, issuer: b, jwks: { uri: "https://a.example" } }] } } }',
      '.actions.jwt: is for requests, not for bytes',
    ],
    [
      'who asks for a path',
      `{ matches: [{ path: { value: /a } }], ${admins.slice(1)}`,
      '.matches: bytes have no paths, methods, headers or parameters',
    ],
  ])('closes every connection when it asks for %s, which bytes do not have', (_, rules, message) => {
    const graph = graphOf(two + policy(rules, onRoute('shell')));
    expect(openTo(graph)).toMatchObject({
      'own TCPRoute/default/shell': 'nobody',
      'svc:shell TCPRoute/default/shell': 'nobody',
      'svc:vault TLSRoute/default/vault': 'everybody',
    });
    expect(said(graph, 'Accepted')).toContain(`False UnsupportedValue: spec.rules[0]${message}, so all connections are closed`);
  });

  it('limits the connections to its backends', () => {
    const limited = '{ actions: { circuitBreaker: { maxConnections: 7 } } }';
    const limitsOf = (yaml: string): readonly Backend['limits'][] =>
      gatewayOf(graphOf(yaml)).backends.flatMap(({ limits }) => (limits === undefined ? [] : [limits]));
    expect(limitsOf(two + policy(limited, onRoute('shell')))).toEqual([{ maxConnections: 7 }]);
    expect(said(graphOf(two + policy(limited, onRoute('shell'))), 'Accepted')).toBe('True Accepted: The policy is accepted');
  });
});
