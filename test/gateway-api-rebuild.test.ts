/** What a change leaves alone: everything downstream is made again only for what is another object. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../src/model/build.ts';
import type { Graph } from '../src/model/graph.ts';
import {
  gateway,
  gatewayIn,
  httpRoute,
  listenerIn,
  listenerSet,
  objectsIn,
  objectsOf,
  prelude,
  socketIn,
  streamRoute,
  tlsSecret,
} from './support/gateway-api.ts';

const options = { privilegedPorts: false, exclusivePorts: true, defaultAddresses: [] };
const slice = (address: string): string => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
endpoints: [{ addresses: [${address}] }]
ports: [{ port: 8080 }]
---
`;
const documents = [
  gateway(
    'a',
    `allowedListeners: { namespaces: { from: Same } }, listeners: [{ name: http, port: 8080, protocol: HTTP }, { name: https, port: 8443, protocol: HTTPS, tls: { certificateRefs: [{ name: pair }] } }, { name: tcp, port: 9000, protocol: TCP }]`,
  ),
  gateway('b', 'listeners: [{ name: http, port: 8081, protocol: HTTP }]'),
  listenerSet('more', 'a', "{ name: wide, port: 8080, protocol: HTTP, hostname: '*.example' }"),
  tlsSecret('pair'),
  httpRoute('one', '{ name: a, sectionName: http }', 'hostnames: [one.test]'),
  httpRoute('two', '{ name: a, sectionName: http }, { name: b }', 'hostnames: [two.test]'),
  httpRoute('three', '{ name: a, sectionName: https }, { kind: ListenerSet, name: more }'),
  httpRoute('lost', '{ name: missing }'),
  streamRoute('TCPRoute', 'bytes', '{ name: a }'),
  slice('10.0.0.1'),
];
const objects = [...prelude, ...documents.flatMap(objectsIn)];

const world = objectsOf(objects);

/** The world with one document replaced, everything else the same objects, as a source gives them. */
const changed = (yaml: string) => {
  const [next] = objectsIn(yaml);
  if (next === undefined) throw new Error('no object');
  const rest = objects.filter(({ kind, metadata }) => kind !== next.kind || metadata.name !== next.metadata.name);
  return { ...world, [next.kind]: objectsOf([...rest, next])[next.kind] };
};
const rebuilt = (yaml: string): readonly [before: Graph, after: Graph] => {
  const build = graphBuilder(options);
  return [build(world), build(changed(yaml))];
};
const changedStatuses = (before: Graph, after: Graph): readonly string[] =>
  [...after.statuses].filter(([key, status]) => before.statuses.get(key) !== status).map(([key]) => key);

describe('a graph', () => {
  it('says the same when built twice, by one builder or by two', () => {
    const build = graphBuilder(options);
    const first = build(objectsOf(objects));
    expect(graphBuilder(options)(objectsOf(objects))).toEqual(first);
    const again = build(objectsOf(objects));
    expect(again.gateways.get('default/a')).toBe(first.gateways.get('default/a'));
    expect(again.statuses).toBe(first.statuses);
    expect(again.endpoints).toBe(first.endpoints);
  });

  it('does not depend on the order of its objects', () => {
    const expected = graphBuilder(options)(objectsOf(objects));
    fc.assert(
      fc.property(fc.shuffledSubarray(objects, { minLength: objects.length }), (shuffled) => {
        const graph = graphBuilder(options)(objectsOf(shuffled));
        expect([...graph.gateways]).toEqual([...expected.gateways]);
        expect([...graph.statuses]).toEqual([...expected.statuses]);
      }),
      { numRuns: 20 },
    );
  });

  it('after any changes is what it would be had it been built at once', () => {
    const step = fc.shuffledSubarray(objects);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
        const build = graphBuilder(options);
        let graph = build(objectsOf([]));
        for (const some of steps) graph = build(objectsOf(some));
        const fresh = graphBuilder(options)(objectsOf(steps.at(-1) ?? []));
        expect([...graph.gateways]).toEqual([...fresh.gateways]);
        expect([...graph.statuses]).toEqual([...fresh.statuses]);
        expect(new Map(graph.endpoints)).toEqual(new Map(fresh.endpoints));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a change', () => {
  it('of one route leaves all other Gateways the same, and of its own what it is not in', () => {
    const [before, after] = rebuilt(httpRoute('one', '{ name: a, sectionName: http }', 'hostnames: [other.test]'));
    expect(gatewayIn(after, 'b')).toBe(gatewayIn(before, 'b'));
    expect(gatewayIn(after, 'a')).not.toBe(gatewayIn(before, 'a'));
    for (const port of [8443, 9000]) expect(socketIn(after, 'a', port)).toBe(socketIn(before, 'a', port));
    const hosts = (graph: Graph) => new Map(listenerIn(graph, 'a', 'http', 'HTTP').virtualHosts.map((host) => [host.domain, host]));
    expect(hosts(after).get('two.test')).toBe(hosts(before).get('two.test'));
    expect(hosts(after).has('other.test')).toBe(true);
    expect(listenerIn(after, 'a', 'ListenerSet/default/more/wide', 'HTTP')).toBe(
      listenerIn(before, 'a', 'ListenerSet/default/more/wide', 'HTTP'),
    );
    expect(gatewayIn(after, 'a').backends).toBe(gatewayIn(before, 'a').backends);
    expect(changedStatuses(before, after)).toEqual([]);
  });

  it('of a route’s parent changes its status, and that of listeners whose routes it counts in', () => {
    const [before, after] = rebuilt(httpRoute('one', '{ name: b }', 'hostnames: [one.test]'));
    expect(changedStatuses(before, after)).toEqual(['Gateway/default/a', 'Gateway/default/b', 'HTTPRoute/default/one']);
  });

  it('of endpoints leaves Gateways and statuses the same', () => {
    const [before, after] = rebuilt(slice('10.0.0.2'));
    expect(after.gateways).toBe(before.gateways);
    expect(after.statuses).toBe(before.statuses);
    expect([...after.endpoints.values()]).not.toEqual([...before.endpoints.values()]);
  });

  it('of a Gateway that means nothing leaves its node the same', () => {
    const [before, after] = rebuilt(
      gateway('b', 'listeners: [{ name: http, port: 8081, protocol: HTTP }]', ', annotations: { note: new }'),
    );
    expect(gatewayIn(after, 'b')).toBe(gatewayIn(before, 'b'));
    expect(changedStatuses(before, after)).toEqual([]);
  });

  it('that takes an object away takes its status, and tells who named it', () => {
    const build = graphBuilder(options);
    const before = build(objectsOf(objects));
    const without = objects.filter(({ kind, metadata }) => kind !== 'Gateway' || metadata.name !== 'b');
    const after = build(objectsOf(without));
    expect(after.statuses.has('Gateway/default/b')).toBe(false);
    expect(changedStatuses(before, after)).toEqual(['HTTPRoute/default/two']);
  });
});
