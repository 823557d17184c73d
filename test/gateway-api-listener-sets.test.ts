/** ListenerSets by Gateway API v1.6: who may attach, who wins, and what each is told. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../src/model/graph.ts';
import {
  acceptance,
  gateway,
  gatewayIn,
  graphFrom,
  httpRoute,
  listenerIn,
  listenerSet,
  listenerStatus,
  messageOf,
  shown,
  statusOf,
  tlsSecret,
} from './support/gateway-api.ts';

const http = (name: string, hostname: string, port = 8080): string =>
  `{ name: ${name}, port: ${port}, protocol: HTTP, hostname: ${hostname} }`;
const open = (from: string, listeners = http('own', 'own.example')): string =>
  `allowedListeners: { namespaces: { ${from} } }, listeners: [${listeners}]`;
const ofSet = (graph: Graph, name: string): readonly string[] =>
  ['Accepted', 'Programmed'].map((type) => shown(statusOf(graph, 'ListenerSet', name).conditions, type));
const ofEntry = (graph: Graph, set: string, listener: string): readonly string[] => {
  const { conditions } = listenerStatus(graph, 'ListenerSet', set, listener);
  return ['Accepted', 'Programmed', 'ResolvedRefs', 'Conflicted'].map((type) => shown(conditions, type));
};
const attached = (graph: Graph): number => statusOf(graph, 'Gateway', 'one').attachedListenerSets;

describe('a ListenerSet', () => {
  it('adds its listeners to the Gateway that allows it', () => {
    const graph = graphFrom(
      `${gateway('one', open('from: Same'))}${listenerSet('more', 'one', http('extra', 'extra.example'))}${httpRoute('web', '{ kind: ListenerSet, name: more }')}`,
    );
    expect(ofSet(graph, 'more')).toEqual(['True Accepted', 'True Programmed']);
    expect(ofEntry(graph, 'more', 'extra').slice(0, 3)).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
    expect(listenerStatus(graph, 'ListenerSet', 'more', 'extra').attachedRoutes).toBe(1);
    expect(listenerStatus(graph, 'Gateway', 'one', 'own').attachedRoutes).toBe(0);
    expect(attached(graph)).toBe(1);
    const listener = listenerIn(graph, 'one', 'ListenerSet/default/more/extra', 'HTTP');
    expect(listener.owner).toBe('ListenerSet/default/more');
    expect(listener.virtualHosts.map(({ domain }) => domain)).toEqual(['extra.example']);
  });

  it.each([
    ['from: None', 'default', false],
    ['from: Same', 'default', true],
    ['from: Same', 'other', false],
    ['from: All', 'other', true],
    ['from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: other } }', 'other', true],
    ['from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: other } }', 'default', false],
  ])('where the Gateway allows %s, from namespace %s: %s', (from, namespace, admitted) => {
    const graph = graphFrom(
      `${gateway('one', open(from))}${listenerSet('more', 'one', http('extra', 'extra.example'), `namespace: ${namespace}`)}`,
    );
    expect(ofSet(graph, `${namespace}/more`)).toEqual(
      admitted ? ['True Accepted', 'True Programmed'] : ['False NotAllowed', 'False NotAllowed'],
    );
    expect(attached(graph)).toBe(admitted ? 1 : 0);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('True Accepted');
  });

  it('is not allowed by a Gateway that says nothing of ListenerSets', () => {
    const graph = graphFrom(
      `${gateway('one', `listeners: [${http('own', 'own.example')}]`)}${listenerSet('more', 'one', http('extra', 'extra.example'))}`,
    );
    expect(ofSet(graph, 'more')).toEqual(['False NotAllowed', 'False NotAllowed']);
  });

  it('of a Gateway that is not accepted is not either', () => {
    const graph = graphFrom(
      `${gateway('one', `addresses: [{ type: Hostname, value: a.example }], ${open('from: Same')}`)}${listenerSet('more', 'one', http('extra', 'extra.example'))}`,
    );
    expect(ofSet(graph, 'more')).toEqual(['False ParentNotAccepted', 'False ParentNotProgrammed']);
    expect(attached(graph)).toBe(0);
  });

  it('of a Gateway that does not exist is told which', () => {
    const graph = graphFrom(listenerSet('more', 'missing', http('extra', 'extra.example')));
    const { conditions } = statusOf(graph, 'ListenerSet', 'more');
    expect(shown(conditions, 'Accepted')).toMatch(/^False /);
    expect(messageOf(conditions, 'Accepted')).toContain('missing');
  });

  it('of another controller’s Gateway is not ours to answer for', () => {
    const foreign = gateway('one', open('from: Same')).replace('tailplane', 'foreign');
    expect(
      graphFrom(`${foreign}${listenerSet('more', 'one', http('extra', 'extra.example'))}`).statuses.has('ListenerSet/default/more'),
    ).toBe(false);
  });

  it('is not where a route to the Gateway attaches', () => {
    const graph = graphFrom(
      `${gateway('one', open('from: Same'))}${listenerSet('more', 'one', http('extra', 'extra.example'))}${httpRoute('a', '{ name: one, sectionName: extra }')}${httpRoute('b', '{ name: one, sectionName: own }, { kind: ListenerSet, name: more }')}`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'a')).toEqual(['False NoMatchingParent']);
    expect(acceptance(graph, 'HTTPRoute', 'b')).toEqual(['True Accepted', 'True Accepted']);
  });

  it('takes routes of its own namespace, not of its Gateway’s, by default', () => {
    const graph = graphFrom(
      `${gateway('one', open('from: All'))}${listenerSet('more', 'one', http('extra', 'extra.example'), 'namespace: other')}
       ${httpRoute('near', '{ kind: ListenerSet, name: more }', '', 'namespace: other')}${httpRoute('far', '{ kind: ListenerSet, name: more, namespace: other }')}`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'other/near')).toEqual(['True Accepted']);
    expect(acceptance(graph, 'HTTPRoute', 'far')).toEqual(['False NotAllowedByListeners']);
  });

  it('that is not allowed takes no routes, and they are told', () => {
    const graph = graphFrom(
      `${gateway('one', open('from: None'))}${listenerSet('more', 'one', http('extra', 'extra.example'))}${httpRoute('web', '{ kind: ListenerSet, name: more }')}`,
    );
    expect(acceptance(graph, 'HTTPRoute', 'web')[0]).toMatch(/^False /);
  });

  it('uses Secrets of its own namespace, and of others only by a grant to ListenerSets', () => {
    const https = (name: string, namespace: string): string =>
      `{ name: ${name}, port: 8443, protocol: HTTPS, hostname: ${name}.example, tls: { certificateRefs: [{ name: pair, namespace: ${namespace} }] } }`;
    const grant = (kind: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: grant, namespace: default }
spec: { from: [{ group: gateway.networking.k8s.io, kind: ${kind}, namespace: other }], to: [{ group: '', kind: Secret }] }
---
`;
    const set = listenerSet('more', 'one', https('far', 'default'), 'namespace: other');
    const base = `${gateway('one', open('from: All'))}${tlsSecret('pair')}${set}`;
    const refused = graphFrom(`${base}${grant('Gateway')}`);
    expect(ofEntry(refused, 'other/more', 'far')[2]).toBe('False RefNotPermitted');
    expect(ofSet(refused, 'other/more')).toEqual(['False ListenersNotValid', 'False ListenersNotValid']);
    const granted = graphFrom(`${base}${grant('ListenerSet')}`);
    expect(ofEntry(granted, 'other/more', 'far').slice(0, 3)).toEqual(['True Accepted', 'True Programmed', 'True ResolvedRefs']);
  });
});

describe('listeners of several objects that cannot be told apart', () => {
  it('go to the Gateway first, then to the older ListenerSet; a set with none left is not accepted', () => {
    const graph = graphFrom(
      `${gateway('one', open('from: Same', `${http('own', 'own.example')}, ${http('clash', 'clash.example')}`))}
       ${listenerSet('b', 'one', `${http('first', 'b.example')}, ${http('clash', 'clash.example')}, ${http('mine', 'set.example')}`, "namespace: default, creationTimestamp: '2024-01-01T00:00:00Z'")}
       ${listenerSet('a', 'one', http('mine', 'set.example'), "namespace: default, creationTimestamp: '2025-01-01T00:00:00Z'")}`,
    );
    expect(shown(listenerStatus(graph, 'Gateway', 'one', 'clash').conditions, 'Accepted')).toBe('True Accepted');
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('True Accepted');
    expect(ofEntry(graph, 'b', 'clash')).toEqual([
      'False HostnameConflict',
      'False HostnameConflict',
      'True ResolvedRefs',
      'True HostnameConflict',
    ]);
    expect(ofEntry(graph, 'b', 'mine').slice(0, 2)).toEqual(['True Accepted', 'True Programmed']);
    expect(ofSet(graph, 'b').map((condition) => condition.split(' ')[0])).toEqual(['True', 'True']);
    expect(ofEntry(graph, 'a', 'mine')).toEqual([
      'False HostnameConflict',
      'False HostnameConflict',
      'True ResolvedRefs',
      'True HostnameConflict',
    ]);
    expect(ofSet(graph, 'a')).toEqual(['False ListenersNotValid', 'False ListenersNotValid']);
    expect(attached(graph)).toBe(1);
  });

  it('by protocol too; what is refused for that takes nothing from its neighbours in the same set, nor from younger sets', () => {
    const tcp = '{ name: tcp, port: 8080, protocol: TCP }';
    const graph = graphFrom(
      `${gateway('one', open('from: Same'))}${listenerSet('a', 'one', `${tcp}, ${http('good', 'good.example')}`)}${listenerSet('b', 'one', http('also', 'also.example'))}${listenerSet('c', 'one', tcp)}`,
    );
    expect(ofEntry(graph, 'a', 'tcp')).toEqual([
      'False ProtocolConflict',
      'False ProtocolConflict',
      'True ResolvedRefs',
      'True ProtocolConflict',
    ]);
    expect(ofEntry(graph, 'a', 'good').slice(0, 2)).toEqual(['True Accepted', 'True Programmed']);
    expect(ofEntry(graph, 'b', 'also').slice(0, 2)).toEqual(['True Accepted', 'True Programmed']);
    expect(ofSet(graph, 'c')).toEqual(['False ListenersNotValid', 'False ListenersNotValid']);
    expect(gatewayIn(graph, 'one').sockets[0]?.listeners).toHaveLength(3);
    expect(attached(graph)).toBe(2);
  });
});
