/** Which listeners routes attach to, and what they are told, by Gateway API v1.6. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../src/model/graph.ts';
import {
  acceptance,
  gateway,
  graphFrom,
  httpRoute,
  listenerIn,
  listenerStatus,
  messageOf,
  shown,
  statusOf,
  streamRoute,
  tlsSecret,
} from './support/gateway-api.ts';

const attachedTo = (graph: Graph, listener: string): number => listenerStatus(graph, 'Gateway', 'one', listener).attachedRoutes;
const http = (more = ''): string => `{ name: http, port: 8080, protocol: HTTP${more} }`;
const created = (year: number): string => `creationTimestamp: '${year}-01-01T00:00:00Z'`;
const domainsOf = (graph: Graph, listener: string): readonly string[] =>
  listenerIn(graph, 'one', listener, 'HTTP').virtualHosts.map(({ domain }) => domain);

describe('a route', () => {
  it('attaches to every listener of its Gateway, and is told so with its generation', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}, { name: more, port: 8081, protocol: HTTP }]`)}${httpRoute('web', '{ name: one }')}`,
    );
    const [parent] = statusOf(graph, 'HTTPRoute', 'web').parents;
    expect(parent?.controllerName).toBe('gateway.tailscale.com/tailplane');
    expect(parent?.parentRef).toEqual({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'one' });
    expect(parent?.conditions.map(({ type, status, reason, observedGeneration }) => [type, status, reason, observedGeneration])).toEqual([
      ['Accepted', 'True', 'Accepted', 1],
      ['ResolvedRefs', 'True', 'ResolvedRefs', 1],
    ]);
    expect([attachedTo(graph, 'http'), attachedTo(graph, 'more')]).toEqual([1, 1]);
  });

  it('attaches to the listener that sectionName and port name', () => {
    const listeners = `listeners: [${http()}, { name: more, port: 8081, protocol: HTTP }]`;
    const graph = graphFrom(
      `${gateway('one', listeners)}${httpRoute('by-name', '{ name: one, sectionName: more }')}${httpRoute('by-port', '{ name: one, port: 8080 }')}${httpRoute('by-both', '{ name: one, port: 8080, sectionName: more }')}`,
    );
    expect([attachedTo(graph, 'http'), attachedTo(graph, 'more')]).toEqual([1, 1]);
    expect(acceptance(graph, 'HTTPRoute', 'by-both')).toEqual(['False NoMatchingParent']);
  });

  it.each([
    ['{ name: one, sectionName: missing }', 'missing'],
    ['{ name: one, port: 9999 }', '9999'],
  ])('that names no listener (%s) has no matching parent, and is told what it named', (ref, named) => {
    const graph = graphFrom(`${gateway('one', `listeners: [${http()}]`)}${httpRoute('web', ref)}`);
    const [parent] = statusOf(graph, 'HTTPRoute', 'web').parents;
    expect(shown(parent?.conditions ?? [], 'Accepted')).toBe('False NoMatchingParent');
    expect(messageOf(parent?.conditions ?? [], 'Accepted')).toContain(named);
    expect(shown(parent?.conditions ?? [], 'ResolvedRefs')).toBe('True ResolvedRefs');
    expect(attachedTo(graph, 'http')).toBe(0);
  });

  it('to a Gateway that does not exist is told which', () => {
    const graph = graphFrom(httpRoute('web', '{ name: missing }'));
    const [parent] = statusOf(graph, 'HTTPRoute', 'web').parents;
    expect(shown(parent?.conditions ?? [], 'Accepted')).toBe('False NoMatchingParent');
    expect(messageOf(parent?.conditions ?? [], 'Accepted')).toContain('missing');
  });

  it('to a Gateway of another controller, or to a Service, is not ours to answer for', () => {
    const foreign = gateway('one', `listeners: [${http()}]`).replace('tailplane', 'foreign');
    const graph = graphFrom(`${foreign}${httpRoute('web', "{ name: one }, { group: '', kind: Service, name: web, port: 80 }")}`);
    expect(graph.statuses.has('HTTPRoute/default/web')).toBe(false);
  });

  it('keeps the order of its parentRefs in status, and each is judged alone', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}, { name: more, port: 8081, protocol: HTTP }]`)}${httpRoute('web', '{ name: one, sectionName: missing }, { name: one, sectionName: more }')}`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'web')).toEqual(['False NoMatchingParent', 'True Accepted']);
  });

  it('counts once on a listener however many of its parentRefs lead there', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}]`)}${httpRoute('web', '{ name: one, sectionName: http, port: 8080 }, { name: one, sectionName: http, port: 8080, namespace: default }')}`,
    );
    expect(attachedTo(graph, 'http')).toBe(1);
    expect(listenerIn(graph, 'one', 'http', 'HTTP').virtualHosts.flatMap(({ entries }) => entries)).toHaveLength(1);
  });

  it('attaches whatever the listener’s own state: without its certificate, or refused, it still counts', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [{ name: https, port: 8443, protocol: HTTPS, tls: { certificateRefs: [{ name: missing }] } }, ${http()}, { name: tcp, port: 8080, protocol: TCP }]`)}${httpRoute('a', '{ name: one, sectionName: https }')}${httpRoute('b', '{ name: one, sectionName: http }')}`,
    );
    expect([attachedTo(graph, 'https'), attachedTo(graph, 'http')]).toEqual([1, 1]);
    expect(acceptance(graph, 'HTTPRoute', 'a')).toEqual(['True Accepted']);
    expect(shown(listenerStatus(graph, 'Gateway', 'one', 'https').conditions, 'Programmed')).toMatch(/^False/);
  });

  it('with a backend that does not exist is accepted and unresolved', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}]`)}${httpRoute('web', '{ name: one }').replace('name: web, port', 'name: none, port')}`,
    );
    const [parent] = statusOf(graph, 'HTTPRoute', 'web').parents;
    expect(['Accepted', 'ResolvedRefs'].map((type) => shown(parent?.conditions ?? [], type))).toEqual([
      'True Accepted',
      'False BackendNotFound',
    ]);
  });
});

describe('allowedRoutes', () => {
  const elsewhere = httpRoute('web', '{ name: one, namespace: default }', '', 'namespace: other');

  it('admit the Gateway’s namespace only, by default', () => {
    const graph = graphFrom(`${gateway('one', `listeners: [${http()}]`)}${elsewhere}`);
    expect(acceptance(graph, 'HTTPRoute', 'other/web')).toEqual(['False NotAllowedByListeners']);
    expect(shown(statusOf(graph, 'HTTPRoute', 'other/web').parents[0]?.conditions ?? [], 'ResolvedRefs')).toBe('False BackendNotFound');
  });

  it.each([
    ['from: All', true],
    ['from: Same', false],
    ['from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: other } }', true],
    ['from: Selector, selector: { matchLabels: { team: a } }', true],
    ['from: Selector, selector: { matchLabels: { team: b } }', false],
    ['from: Selector, selector: { matchExpressions: [{ key: team, operator: In, values: [a, b] }] }', true],
    ['from: Selector, selector: { matchExpressions: [{ key: team, operator: NotIn, values: [a] }] }', false],
    ['from: Selector, selector: { matchExpressions: [{ key: team, operator: Exists }, { key: stage, operator: DoesNotExist }] }', true],
  ])('with %s: %s', (namespaces, admitted) => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http(`, allowedRoutes: { namespaces: { ${namespaces} } }`)}]`)}${elsewhere}
---
apiVersion: v1
kind: Namespace
metadata: { name: other, labels: { team: a } }
`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'other/web')).toEqual([admitted ? 'True Accepted' : 'False NotAllowedByListeners']);
  });

  it('select a namespace without an object by its name', () => {
    const selector = '{ from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: other } } }';
    const graph = graphFrom(`${gateway('one', `listeners: [${http(`, allowedRoutes: { namespaces: ${selector} }`)}]`)}${elsewhere}`);
    expect(acceptance(graph, 'HTTPRoute', 'other/web')).toEqual(['True Accepted']);
  });

  it.each(['TCPRoute', 'TLSRoute', 'UDPRoute'] as const)('do not let a %s attach to a listener of another protocol', (kind) => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}]`)}${streamRoute(kind, 'bytes', '{ name: one }', kind === 'TLSRoute' ? 'hostnames: [a.example]' : '')}`,
    );
    expect(acceptance(graph, kind, 'bytes')).toEqual(['False NotAllowedByListeners']);
    expect(attachedTo(graph, 'http')).toBe(0);
  });
});

describe('hostnames', () => {
  it('of a route that meet none of the listeners’ keep it out', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http(", hostname: '*.example.com'")}]`)}${httpRoute('web', '{ name: one }', 'hostnames: [example.com, a.example.net]')}`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'web')).toEqual(['False NoMatchingListenerHostname']);
    expect(attachedTo(graph, 'http')).toBe(0);
  });

  it.each([
    ['*.example.com', '[a.example.com, a.b.example.com, example.com, a.example.net]', ['a.b.example.com', 'a.example.com']],
    ['a.example.com', "['*.example.com', b.example.com]", ['a.example.com']],
    ['*.example.com', "['*.b.example.com', '*.com']", ['*.b.example.com', '*.example.com']],
    ['*.Example.com'.toLowerCase(), '[]', ['*.example.com']],
  ])('of listener %s and route %s meet in %s', (listener, route, domains) => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http(`, hostname: '${listener}'`)}]`)}${httpRoute('web', '{ name: one }', `hostnames: ${route}`)}`,
    );
    const served = listenerIn(graph, 'one', 'http', 'HTTP').virtualHosts.filter(({ entries }) => entries.length > 0);
    expect(served.map(({ domain }) => domain).toSorted()).toEqual(domains);
  });
});

describe('listeners that share a port', () => {
  it('never answer for a host that a more specific one owns', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}, { name: wide, port: 8080, protocol: HTTP, hostname: '*.example.com' }, { name: exact, port: 8080, protocol: HTTP, hostname: foo.example.com }]`)}
       ${httpRoute('any', '{ name: one, sectionName: http }')}
       ${httpRoute('greedy', '{ name: one, sectionName: http }', "hostnames: [foo.example.com, bar.example.com, '*.example.com', bar.com]")}
       ${httpRoute('wide', '{ name: one, sectionName: wide }')}`,
    );
    expect(domainsOf(graph, 'http').toSorted()).toEqual(['*', 'bar.com']);
    expect(domainsOf(graph, 'wide')).toEqual(['*.example.com']);
    expect(domainsOf(graph, 'exact')).toEqual(['foo.example.com']);
    expect(listenerIn(graph, 'one', 'exact', 'HTTP').virtualHosts[0]?.entries).toEqual([]);
  });

  it('have no two virtual hosts of one domain', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}, { name: wide, port: 8080, protocol: HTTP, hostname: '*.example.com' }]`)}
       ${httpRoute('both', '{ name: one }', "hostnames: ['*.example.com', a.example.com, b.test]")}`,
    );
    const domains = [...domainsOf(graph, 'http'), ...domainsOf(graph, 'wide')];
    expect(new Set(domains).size).toBe(domains.length);
    expect(domainsOf(graph, 'wide')).toContain('a.example.com');
  });

  it('send HTTPS requests for another’s host away with 421', () => {
    const https = (name: string, host: string): string =>
      `{ name: ${name}, port: 8443, protocol: HTTPS, ${host === '' ? '' : `hostname: '${host}', `}tls: { certificateRefs: [{ name: pair }] } }`;
    const graph = graphFrom(
      `${gateway('one', `listeners: [${https('any', '')}, ${https('second', 'second.example')}, ${https('wide', '*.wild.example')}, ${https('fourth', 'fourth.wild.example')}]`)}${tlsSecret('pair')}
       ${httpRoute('r', '{ name: one, sectionName: any }', 'hostnames: [first.example]')}`,
    );
    const of = (name: string): readonly string[] => listenerIn(graph, 'one', name, 'HTTPS').misdirected.toSorted();
    expect(of('any')).toEqual(['*.wild.example', 'fourth.wild.example', 'second.example']);
    expect(of('second')).toEqual(['*', '*.wild.example', 'fourth.wild.example']);
    expect(of('wide')).toEqual(['*', 'fourth.wild.example', 'second.example']);
    expect(listenerIn(graph, 'one', 'wide', 'HTTPS').virtualHosts.map(({ domain }) => domain)).toEqual(['*.wild.example']);
    expect(of('fourth')).toEqual(['*', '*.wild.example', 'second.example']);
  });
});

describe('routes with one host', () => {
  const owners = (graph: Graph, domain: string): readonly string[] =>
    (listenerIn(graph, 'one', 'http', 'HTTP').virtualHosts.find((host) => host.domain === domain)?.entries ?? []).map(
      ({ owner }) => owner.split('/')[2] ?? '',
    );

  it('are tried from the oldest where they match the same', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http()}]`)}${httpRoute('a', '{ name: one }', '', `namespace: default, ${created(2025)}`)}${httpRoute('b', '{ name: one }', '', `namespace: default, ${created(2024)}`)}`,
    );
    expect(owners(graph, '*')).toEqual(['b', 'a']);
  });

  it('are tried first where their own hostname is the more specific', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http(', hostname: a.example.com')}]`)}${httpRoute('a', '{ name: one }')}${httpRoute('b', '{ name: one }', "hostnames: ['*.example.com']")}${httpRoute('c', '{ name: one }', 'hostnames: [a.example.com]')}`,
    );
    expect(owners(graph, 'a.example.com')).toEqual(['c', 'b', 'a']);
  });
});

describe('an HTTPRoute and a GRPCRoute whose hostnames meet on a listener', () => {
  const grpc = (name: string, host: string, year: number): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: ${name}, namespace: default, ${created(year)} }
spec: { parentRefs: [{ name: one }], hostnames: ['${host}'], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }
---
`;
  const web = (host: string): string => httpRoute('web', '{ name: one }', `hostnames: ['${host}']`, `namespace: default, ${created(2024)}`);

  it.each([
    ['a.example', 'a.example'],
    ['*.example', 'a.example'],
    ['a.example', '*.example'],
  ])('are not both accepted (%s and %s): the older is', (one, other) => {
    const younger = graphFrom(`${gateway('one', `listeners: [${http()}]`)}${web(one)}${grpc('rpc', other, 2025)}`);
    expect(acceptance(younger, 'HTTPRoute', 'web')).toEqual(['True Accepted']);
    expect(acceptance(younger, 'GRPCRoute', 'rpc')[0]).toMatch(/^False /);
    const older = graphFrom(`${gateway('one', `listeners: [${http()}]`)}${web(one)}${grpc('rpc', other, 2023)}`);
    expect(acceptance(older, 'GRPCRoute', 'rpc')).toEqual(['True Accepted']);
    expect(acceptance(older, 'HTTPRoute', 'web')[0]).toMatch(/^False /);
    expect(attachedTo(older, 'http')).toBe(1);
  });

  it('are both accepted where their hostnames differ', () => {
    const graph = graphFrom(`${gateway('one', `listeners: [${http()}]`)}${web('a.example')}${grpc('rpc', 'b.example', 2025)}`);
    expect([acceptance(graph, 'HTTPRoute', 'web'), acceptance(graph, 'GRPCRoute', 'rpc')]).toEqual([['True Accepted'], ['True Accepted']]);
  });
});

describe('TCP and UDP listeners', () => {
  it.each([
    ['TCPRoute', 'TCP'],
    ['UDPRoute', 'UDP'],
  ] as const)('accept and count every %s, and the oldest has the traffic', (kind, protocol) => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [{ name: it, port: 5353, protocol: ${protocol} }]`)}${streamRoute(kind, 'a', '{ name: one }', '', `, ${created(2025)}`)}${streamRoute(kind, 'b', '{ name: one }', '', `, ${created(2024)}`)}`,
    );
    expect([acceptance(graph, kind, 'a'), acceptance(graph, kind, 'b')]).toEqual([['True Accepted'], ['True Accepted']]);
    expect(attachedTo(graph, 'it')).toBe(2);
    expect(listenerIn(graph, 'one', 'it', protocol).rule?.owner).toBe(`${kind}/default/b`);
  });
});

describe('TLS listeners', () => {
  it('pass server names through by route, the most specific first, and close the rest of their own name', () => {
    const graph = graphFrom(
      `${gateway('one', "listeners: [{ name: tls, port: 8443, protocol: TLS, hostname: '*.example', tls: { mode: Passthrough } }]")}
       ${streamRoute('TLSRoute', 'a', '{ name: one }', 'hostnames: [a.example, a.test]')}${streamRoute('TLSRoute', 'b', '{ name: one }', "hostnames: ['*.b.example']")}`,
    );
    const { serverNames, tls } = listenerIn(graph, 'one', 'tls', 'TLS');
    expect(tls).toBeUndefined();
    expect(serverNames.map(({ name, rule }) => [name, rule.owner])).toEqual([
      ['a.example', 'TLSRoute/default/a'],
      ['*.b.example', 'TLSRoute/default/b'],
      ['*.example', 'Gateway/default/one'],
    ]);
  });

  it('give a server name that two routes claim to the older, and accept both', () => {
    const graph = graphFrom(
      `${gateway('one', 'listeners: [{ name: tls, port: 8443, protocol: TLS, tls: { mode: Passthrough } }]')}
       ${streamRoute('TLSRoute', 'a', '{ name: one }', 'hostnames: [a.example]', `, ${created(2025)}`)}${streamRoute('TLSRoute', 'b', '{ name: one }', 'hostnames: [a.example]', `, ${created(2024)}`)}`,
    );
    expect([acceptance(graph, 'TLSRoute', 'a'), acceptance(graph, 'TLSRoute', 'b')]).toEqual([['True Accepted'], ['True Accepted']]);
    expect(listenerIn(graph, 'one', 'tls', 'TLS').serverNames.find(({ name }) => name === 'a.example')?.rule.owner).toBe(
      'TLSRoute/default/b',
    );
  });
});
