import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gateway, Graph, Locality, Socket, StreamRule } from '../../src/model/graph.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../test/support/graph.ts';
import type { Resources } from '../resources.ts';
import { translator } from './translate.ts';

const localities = (...addresses: readonly string[]): readonly Locality[] => [
  { zone: '', weight: Math.max(1, addresses.length), endpoints: addresses.map((address) => ({ address, port: 8080, healthy: true })) },
];

const app = backendOf('app');
const other = backendOf('other');
const first = entryOf('first', { path: { type: 'prefix', value: '/first' } });
const second = entryOf('second');
const away = entryOf('away', {}, { action: { kind: 'redirect', redirect: { statusCode: 301 } } });

const edgeWith = (...hosts: Parameters<typeof listenerOf> extends [string, ...infer H] ? H : never): Gateway =>
  gatewayOf({ sockets: [socketOf(80, listenerOf('http', ...hosts))], backends: [app, other] });

const edge = edgeWith(hostOf('a.example', first), hostOf('b.example', second));
const endpoints: Graph['endpoints'] = new Map([
  [app.id, localities('10.0.0.1')],
  [other.id, localities('10.0.0.2')],
]);

const edgeOf = (all: ReadonlyMap<string, Resources>): Resources => {
  const found = all.get('default/edge');
  if (found === undefined) throw new Error('unreachable: the edge is in every graph here');
  return found;
};

/** As if read again from outside: equal, and nothing the same object. */
const copied = (graph: Graph): Graph => structuredClone(graph);

describe('the translator', () => {
  it('gives an unchanged Gateway the same Resources, whatever happens to others', () => {
    const translate = translator();
    const before = edgeOf(translate(graphOf([edge], endpoints)));
    const neighbour = gatewayOf({ key: 'Gateway/default/next', name: 'next' });
    expect(edgeOf(translate(graphOf([edge, neighbour], new Map(endpoints))))).toBe(before);
  });

  it('rebuilds one ClusterLoadAssignment, and nothing else, when the endpoints of one backend change', () => {
    const translate = translator();
    const before = edgeOf(translate(graphOf([edge], endpoints)));
    const after = edgeOf(translate(graphOf([edge], new Map(endpoints).set(app.id, localities('10.0.0.1', '10.0.0.3')))));
    expect(after.ClusterLoadAssignment.get(app.id)).not.toBe(before.ClusterLoadAssignment.get(app.id));
    expect(after.ClusterLoadAssignment.get(other.id)).toBe(before.ClusterLoadAssignment.get(other.id));
    for (const type of ['Cluster', 'Listener', 'RouteConfiguration', 'Secret'] as const) expect(after[type]).toBe(before[type]);
  });

  it('rebuilds one RouteConfiguration when one route changes, and reuses the messages of every other route and virtual host in it', () => {
    const translate = translator();
    const secure = { ...listenerOf('https', hostOf('c.example', second)), protocol: 'HTTPS', tls: { certificates: [] } } as const;
    const withSecure = (gateway: Gateway): Gateway => ({ ...gateway, sockets: [...gateway.sockets, socketOf(443, secure)] });
    const third = entryOf('third');
    const untouched = hostOf('b.example', second);
    const before = edgeOf(translate(graphOf([withSecure(edgeWith(hostOf('a.example', first, second), untouched))], endpoints)));
    const after = edgeOf(translate(graphOf([withSecure(edgeWith(hostOf('a.example', first, third), untouched))], endpoints)));
    for (const type of ['Cluster', 'ClusterLoadAssignment', 'Listener', 'Secret'] as const) expect(after[type]).toBe(before[type]);
    expect(after.RouteConfiguration.get('https/443/https')).toBe(before.RouteConfiguration.get('https/443/https'));
    const [a, b] = before.RouteConfiguration.get('http/80')?.message.virtualHosts ?? [];
    const [a2, b2] = after.RouteConfiguration.get('http/80')?.message.virtualHosts ?? [];
    expect(b2).toBe(b);
    expect(a2).not.toBe(a);
    expect(a2?.routes?.[0]).toBe(a?.routes?.[0]);
    expect(a2?.routes?.[1]).not.toBe(a?.routes?.[1]);
  });

  it('makes a route once for all listeners it is attached to, unless what it says depends on the listener', () => {
    const listeners = listenerOf('http', hostOf('a.example', second, away));
    const gateway = gatewayOf({ sockets: [socketOf(80, listeners), socketOf(8080, { ...listeners, name: 'alt' })], backends: [app] });
    const { RouteConfiguration } = edgeOf(translator()(graphOf([gateway])));
    const routesAt = (name: string) => RouteConfiguration.get(name)?.message.virtualHosts?.[0]?.routes ?? [];
    expect(routesAt('http/8080')[0]).toBe(routesAt('http/80')[0]);
    expect(routesAt('http/80')[1]?.redirect?.portRedirect).toBeUndefined();
    expect(routesAt('http/8080')[1]?.redirect?.portRedirect).toBe(8080);
  });

  it('keeps what it made when it is given the same meaning in new objects', () => {
    const translate = translator();
    const graph = graphOf([edge], endpoints);
    expect(edgeOf(translate(copied(graph)))).toBe(edgeOf(translate(graph)));
  });

  it('names every object whose status must say so when Envoy refuses a resource', () => {
    const policed = backendOf('app', {
      tls: { hostname: 'app', subjectAltNames: [], verify: { by: 'system' }, policy: 'BackendTLSPolicy/default/p' },
    });
    const resources = edgeOf(translator()(graphOf([{ ...edge, backends: [policed] }])));
    expect(resources.Listener.get('tcp/80')?.owners).toEqual(['Gateway/default/edge']);
    expect(resources.RouteConfiguration.get('http/80')?.owners).toEqual([
      'Gateway/default/edge',
      'HTTPRoute/default/first',
      'HTTPRoute/default/second',
    ]);
    expect(resources.Cluster.get(app.id)?.owners).toEqual(['BackendTLSPolicy/default/p', 'Service/default/app']);
  });

  it('gives every cluster an assignment, an empty one where its backend has no endpoints', () => {
    const resources = edgeOf(translator()(graphOf([edge], new Map())));
    expect([...resources.ClusterLoadAssignment.keys()]).toEqual([...resources.Cluster.keys()]);
    expect(resources.ClusterLoadAssignment.get(app.id)?.message.endpoints).toEqual([]);
  });

  it('changes the combined assignment of a UDP rule when one of its backends changes', () => {
    const backends = [backendOf('app', { protocol: 'udp' }), backendOf('other', { protocol: 'udp' })] as const;
    const rule: StreamRule = {
      id: 'UDPRoute/default/dns/rule/0',
      owner: 'UDPRoute/default/dns',
      shares: backends.map((backend) => ({ backend, weight: 1 })),
    };
    const gateway = gatewayOf({ sockets: [socketOf(53, { name: 'dns', owner: 'Gateway/default/edge', protocol: 'UDP', rule })], backends });
    const translate = translator();
    const before = edgeOf(translate(graphOf([gateway], endpoints)));
    const after = edgeOf(translate(graphOf([gateway], new Map(endpoints).set(app.id, localities('10.0.0.9')))));
    expect(after.Cluster).toBe(before.Cluster);
    expect(after.ClusterLoadAssignment.get(rule.id)).not.toBe(before.ClusterLoadAssignment.get(rule.id));
  });

  it('reaches by any sequence of changes what it would have made at once', () => {
    const entries = fc.constantFrom(
      first,
      second,
      away,
      entryOf('weighted', {}, { action: { kind: 'forward', shares: [shareOf(app, 1), shareOf(other, 2)] } }),
    );
    const gateways = fc.record({
      hosts: fc.uniqueArray(fc.constantFrom('a.example', 'b.example', '*.example', '*'), { minLength: 1 }),
      entries: fc.array(entries, { maxLength: 4 }),
      port: fc.constantFrom(80, 8080),
      backends: fc.subarray([app, other]),
    });
    const worlds = fc.array(fc.record({ gateway: gateways, addresses: fc.subarray(['10.0.0.1', '10.0.0.2', '10.0.0.3']) }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(worlds, (sequence) => {
        const translate = translator();
        for (const { gateway, addresses } of sequence) {
          const hosts = gateway.hosts.map((domain) => hostOf(domain, ...gateway.entries));
          const node = gatewayOf({ sockets: [socketOf(gateway.port, listenerOf('http', ...hosts))], backends: gateway.backends });
          const graph = graphOf([node], new Map([[app.id, localities(...addresses)]]));
          expect(translate(graph)).toEqual(translator()(graph));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a Gateway that is shared with a tailnet', () => {
  const tailnet = { tailnet: 'example', service: 'svc:web' };
  const tcp: Socket = socketOf(22, { name: 'tcp', owner: 'Gateway/default/edge', protocol: 'TCP' });
  const shared = gatewayOf({
    sockets: [
      socketOf(80, listenerOf('http', hostOf('a.example', first))),
      { ...socketOf(80, listenerOf('http', hostOf('a.example', first))), boundPort: 20_080, tailnet },
      { ...tcp, boundPort: 20_022, tailnet },
    ],
    backends: [app],
  });
  const graphWith = (fence: readonly string[]): Graph => ({ ...graphOf([shared], endpoints), fences: new Map([['default/edge', fence]]) });

  it('has listeners and routes of its own for each port of a service', () => {
    const { Listener, RouteConfiguration } = edgeOf(translator()(graphWith(['10.0.0.1'])));
    expect([...Listener.keys()]).toEqual(['tailnet/example/svc:web/22', 'tailnet/example/svc:web/80', 'tcp/80']);
    expect([...RouteConfiguration.keys()]).toEqual(['http/80', 'tailnet/example/svc:web/80']);
  });

  it('has every filter that a listener looks for by name, so that none waits without end', () => {
    for (const graph of [graphWith([]), { ...graphWith([]), fences: new Map() }]) {
      const { Listener, TypedExtensionConfig } = edgeOf(translator()(graph));
      const wanted: string[] = [];
      JSON.stringify([...Listener.values()], (_, value: unknown) => {
        if (typeof value === 'object' && value !== null && 'configDiscovery' in value && 'name' in value) wanted.push(String(value.name));
        return value;
      });
      expect(wanted.length).toBeGreaterThan(1);
      expect(wanted.filter((name) => !TypedExtensionConfig.has(name))).toEqual([]);
    }
  });

  it('changes one filter, and the listeners that forward bytes, when proxies come and go', () => {
    const translate = translator();
    const before = edgeOf(translate(graphWith(['10.0.0.1'])));
    const after = edgeOf(translate(graphWith(['10.0.0.1', '10.0.0.2'])));
    const changed = (type: 'Listener' | 'TypedExtensionConfig') =>
      [...after[type]].filter(([name, one]) => before[type].get(name) !== one).map(([name]) => name);
    expect(changed('TypedExtensionConfig')).toEqual(['tailnet/fence']);
    expect(changed('Listener')).toEqual(['tailnet/example/svc:web/22']);
    for (const type of ['Cluster', 'ClusterLoadAssignment', 'RouteConfiguration', 'Secret'] as const)
      expect(after[type]).toBe(before[type]);
    expect(edgeOf(translate(graphWith(['10.0.0.1', '10.0.0.2'])))).toBe(after);
  });
});
