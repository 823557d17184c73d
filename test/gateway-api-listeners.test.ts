/** What Gateway API v1.6 says of listeners, as rules on the graph. */
import { describe, expect, it } from 'vitest';
import {
  gateway,
  gatewayIn,
  graphFrom,
  listenerIn,
  listenerStatus,
  messageOf,
  shown,
  socketIn,
  statusOf,
  tlsSecret,
} from './support/gateway-api.ts';

const conditionsOf = (graph: ReturnType<typeof graphFrom>, name: string, listener: string): readonly string[] => {
  const { conditions } = listenerStatus(graph, 'Gateway', name, listener);
  return ['Accepted', 'Programmed', 'ResolvedRefs', 'Conflicted'].map((type) => shown(conditions, type));
};

const good = ['True Accepted', 'True Programmed', 'True ResolvedRefs', 'False NoConflicts'];

describe('a Gateway', () => {
  it('of our class is accepted and programmed, with its generation', () => {
    const graph = graphFrom(gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]'));
    const { conditions } = statusOf(graph, 'Gateway', 'one');
    expect(conditions.map(({ type }) => `${type} ${shown(conditions, type)}`)).toEqual([
      'Accepted True Accepted',
      'Programmed True Programmed',
      'ResolvedRefs True ResolvedRefs',
    ]);
    expect(conditions.every(({ observedGeneration }) => observedGeneration === 1)).toBe(true);
    expect(conditionsOf(graph, 'one', 'http')).toEqual(good);
  });

  it('of somebody else’s class is not ours to answer for', () => {
    const graph = graphFrom(gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]').replace('tailplane', 'foreign'));
    expect(graph.gateways.size).toBe(0);
    expect(graph.statuses.has('Gateway/default/one')).toBe(false);
  });

  it('of a class that does not exist is pending, and says which class', () => {
    const graph = graphFrom(gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]').replace('tailplane', 'missing'));
    const { conditions } = statusOf(graph, 'Gateway', 'one');
    expect(shown(conditions, 'Accepted')).toBe('Unknown Pending');
    expect(messageOf(conditions, 'Accepted')).toContain('missing');
    expect(graph.gateways.size).toBe(0);
  });

  it('with parameters of a kind we do not know is refused', () => {
    const graph = graphFrom(
      gateway(
        'one',
        'infrastructure: { parametersRef: { group: example.com, kind: Thing, name: x } }, listeners: [{ name: http, port: 8080, protocol: HTTP }]',
      ),
    );
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('False InvalidParameters');
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Programmed')).toBe('False Invalid');
    expect(graph.gateways.size).toBe(0);
  });
});

describe('protocols', () => {
  it('that nobody implements cost their listener, not the Gateway', () => {
    const graph = graphFrom(
      gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }, { name: odd, port: 8081, protocol: example.com/odd }]'),
    );
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('True ListenersNotValid');
    expect(conditionsOf(graph, 'one', 'odd')[0]).toBe('False UnsupportedProtocol');
    expect(listenerStatus(graph, 'Gateway', 'one', 'odd').supportedKinds).toEqual([]);
    expect(conditionsOf(graph, 'one', 'http')).toEqual(good);
  });

  it('that nobody implements cost a Gateway that has no other listener', () => {
    const graph = graphFrom(gateway('one', 'listeners: [{ name: odd, port: 8081, protocol: example.com/odd }]'));
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('False ListenersNotValid');
  });

  it.each([
    ['HTTP', ['HTTPRoute', 'GRPCRoute']],
    ['TCP', ['TCPRoute']],
    ['UDP', ['UDPRoute']],
  ])('%s listeners take %s', (protocol, kinds) => {
    const graph = graphFrom(gateway('one', `listeners: [{ name: it, port: 8080, protocol: ${protocol} }]`));
    expect(listenerStatus(graph, 'Gateway', 'one', 'it').supportedKinds.map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe('allowedRoutes.kinds', () => {
  it('that cannot attach to the protocol do not resolve; the others stay supported', () => {
    const graph = graphFrom(
      gateway(
        'one',
        'listeners: [{ name: http, port: 8080, protocol: HTTP, allowedRoutes: { kinds: [{ kind: HTTPRoute }, { kind: TCPRoute }, { kind: Odd, group: example.com }] } }]',
      ),
    );
    const status = listenerStatus(graph, 'Gateway', 'one', 'http');
    expect(shown(status.conditions, 'ResolvedRefs')).toBe('False InvalidRouteKinds');
    expect(messageOf(status.conditions, 'ResolvedRefs')).toContain('Odd');
    expect(status.supportedKinds.map(({ kind }) => kind)).toEqual(['HTTPRoute']);
    expect(shown(status.conditions, 'Programmed')).toBe('True Programmed');
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'ResolvedRefs')).toBe('False ListenersNotResolved');
  });

  it('that all cannot leave no supported kind', () => {
    const graph = graphFrom(
      gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP, allowedRoutes: { kinds: [{ kind: TLSRoute }] } }]'),
    );
    const status = listenerStatus(graph, 'Gateway', 'one', 'http');
    expect(status.supportedKinds).toEqual([]);
    expect(shown(status.conditions, 'ResolvedRefs')).toBe('False InvalidRouteKinds');
  });
});

describe('listeners of one Gateway', () => {
  it('with other hostnames share a port', () => {
    const graph = graphFrom(
      gateway('one', 'listeners: [{ name: a, port: 8080, protocol: HTTP, hostname: a.example }, { name: b, port: 8080, protocol: HTTP }]'),
    );
    expect(conditionsOf(graph, 'one', 'a')).toEqual(good);
    expect(socketIn(graph, 'one', 8080).listeners.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('with protocols that cannot share a port are all in conflict, and the rest is served', () => {
    const graph = graphFrom(
      gateway(
        'one',
        'listeners: [{ name: http, port: 8080, protocol: HTTP }, { name: tcp, port: 8080, protocol: TCP }, { name: other, port: 8081, protocol: HTTP }]',
      ),
    );
    for (const name of ['http', 'tcp']) {
      expect(conditionsOf(graph, 'one', name)).toEqual([
        'False ProtocolConflict',
        'False Invalid',
        'True ResolvedRefs',
        'True ProtocolConflict',
      ]);
    }
    expect(conditionsOf(graph, 'one', 'other')).toEqual(good);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('True ListenersNotValid');
    expect(gatewayIn(graph, 'one').sockets.map(({ port }) => port)).toEqual([8081]);
  });

  it('may have one port for TCP and for UDP', () => {
    const graph = graphFrom(
      gateway('one', 'listeners: [{ name: tcp, port: 5353, protocol: TCP }, { name: udp, port: 5353, protocol: UDP }]'),
    );
    expect(gatewayIn(graph, 'one').sockets.map(({ transport }) => transport)).toEqual(['TCP', 'UDP']);
  });

  it('may mix HTTPS, TLS terminated and passed through on a port, by server name', () => {
    const graph = graphFrom(
      `${gateway(
        'one',
        `listeners: [
          { name: https, port: 8443, protocol: HTTPS, hostname: a.example, tls: { certificateRefs: [{ name: pair }] } },
          { name: ended, port: 8443, protocol: TLS, hostname: b.example, tls: { certificateRefs: [{ name: pair }] } },
          { name: through, port: 8443, protocol: TLS, hostname: c.example, tls: { mode: Passthrough } }]`,
      )}${tlsSecret('pair')}`,
    );
    for (const name of ['https', 'ended', 'through']) expect(conditionsOf(graph, 'one', name)).toEqual(good);
    expect(listenerIn(graph, 'one', 'ended', 'TLS').tls).toBeDefined();
    expect(listenerIn(graph, 'one', 'through', 'TLS').tls).toBeUndefined();
  });

  it('with one server name for terminated and passed through are in conflict', () => {
    const graph = graphFrom(
      `${gateway(
        'one',
        `listeners: [
          { name: https, port: 8443, protocol: HTTPS, hostname: a.example, tls: { certificateRefs: [{ name: pair }] } },
          { name: through, port: 8443, protocol: TLS, hostname: a.example, tls: { mode: Passthrough } }]`,
      )}${tlsSecret('pair')}`,
    );
    for (const name of ['https', 'through']) expect(conditionsOf(graph, 'one', name)[3]).toMatch(/^True (Hostname|Protocol)Conflict$/);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('False ListenersNotValid');
    expect(graph.gateways.size).toBe(0);
  });

  it('with overlapping hostnames under TLS are told so, and only those', () => {
    const https = (name: string, host: string): string =>
      `{ name: ${name}, port: 8443, protocol: HTTPS, hostname: '${host}', tls: { certificateRefs: [{ name: pair }] } }`;
    const graph = graphFrom(
      `${gateway('one', `listeners: [${https('a', 'foo.example.com')}, ${https('b', 'foo.example.org')}, ${https('c', '*.example.com')}]`)}${tlsSecret('pair', 'unrelated.test')}`,
    );
    const overlapOf = (name: string): string => shown(listenerStatus(graph, 'Gateway', 'one', name).conditions, 'OverlappingTLSConfig');
    expect([overlapOf('a'), overlapOf('b'), overlapOf('c')]).toEqual(['True OverlappingHostnames', '(none)', 'True OverlappingHostnames']);
  });
});

describe('ports', () => {
  it('below 1024 are bound 10000 higher unless Envoy may bind them', () => {
    const yaml = gateway('one', 'listeners: [{ name: http, port: 80, protocol: HTTP }]');
    expect(socketIn(graphFrom(yaml, { privilegedPorts: false }), 'one', 80).boundPort).toBe(10_080);
    expect(socketIn(graphFrom(yaml, { privilegedPorts: true }), 'one', 80).boundPort).toBe(80);
  });

  it('that shifting makes equal belong to one listener, and the other names it', () => {
    const yaml = gateway('one', 'listeners: [{ name: low, port: 80, protocol: HTTP }, { name: high, port: 10080, protocol: HTTP }]');
    const graph = graphFrom(yaml, { privilegedPorts: false });
    const refused = ['low', 'high'].filter((name) => conditionsOf(graph, 'one', name)[0] === 'False PortUnavailable');
    expect(refused).toHaveLength(1);
    const [loser = ''] = refused;
    expect(messageOf(listenerStatus(graph, 'Gateway', 'one', loser).conditions, 'Accepted')).toContain(loser === 'low' ? 'high' : 'low');
    expect(gatewayIn(graph, 'one').sockets).toHaveLength(1);
    expect(gatewayIn(graphFrom(yaml), 'one').sockets).toHaveLength(2);
  });
});

describe('two Gateways on one address and port', () => {
  const http = 'listeners: [{ name: http, port: 8080, protocol: HTTP }]';
  const created = (year: number): string => `, creationTimestamp: '${year}-01-01T00:00:00Z'`;

  it('cannot both bind it: the older has it, and the younger says who has', () => {
    const graph = graphFrom(`${gateway('a', http, created(2025))}${gateway('b', http, created(2024))}`);
    expect(conditionsOf(graph, 'b', 'http')).toEqual(good);
    const { conditions } = listenerStatus(graph, 'Gateway', 'a', 'http');
    expect(shown(conditions, 'Accepted')).toBe('False PortUnavailable');
    expect(shown(conditions, 'Programmed')).toMatch(/^False/);
    expect(messageOf(conditions, 'Accepted')).toContain('default/b');
  });

  it('go by name where neither says when it was made', () => {
    const graph = graphFrom(`${gateway('b', http)}${gateway('a', http)}`);
    expect(conditionsOf(graph, 'a', 'http')).toEqual(good);
    expect(conditionsOf(graph, 'b', 'http')[0]).toBe('False PortUnavailable');
  });

  it('both bind it where each has Envoys of its own', () => {
    const graph = graphFrom(`${gateway('a', http)}${gateway('b', http)}`, { exclusivePorts: false });
    expect(conditionsOf(graph, 'b', 'http')).toEqual(good);
  });

  it('both bind it on other addresses, but an address and all addresses are the same', () => {
    const on = (address: string): string => `addresses: [{ value: ${address} }], ${http}`;
    const apart = graphFrom(`${gateway('a', on('127.0.0.1'))}${gateway('b', on('127.0.0.2'))}`);
    expect(conditionsOf(apart, 'b', 'http')).toEqual(good);
    const together = graphFrom(`${gateway('a', on('127.0.0.1'))}${gateway('b', http)}`);
    expect(conditionsOf(together, 'b', 'http')[0]).toBe('False PortUnavailable');
  });

  it('do not conflict where the older one is not accepted', () => {
    const graph = graphFrom(`${gateway('a', `addresses: [{ type: Hostname, value: a.example }], ${http}`)}${gateway('b', http)}`);
    expect(conditionsOf(graph, 'b', 'http')).toEqual(good);
  });
});

describe('addresses', () => {
  const http = 'listeners: [{ name: http, port: 8080, protocol: HTTP }]';

  it('that are IP literals are bound and published', () => {
    const graph = graphFrom(gateway('one', `addresses: [{ value: 127.0.0.1 }, { type: IPAddress, value: '::1' }], ${http}`));
    expect(socketIn(graph, 'one', 8080).addresses).toEqual(['127.0.0.1', '::1']);
    expect(statusOf(graph, 'Gateway', 'one').addresses).toEqual([
      { type: 'IPAddress', value: '127.0.0.1' },
      { type: 'IPAddress', value: '::1' },
    ]);
  });

  it('that are not asked for come from the options', () => {
    for (const asked of ['', 'addresses: [{ type: IPAddress }], ']) {
      const graph = graphFrom(gateway('one', `${asked}${http}`), { defaultAddresses: ['192.0.2.1'] });
      expect(socketIn(graph, 'one', 8080).addresses).toEqual([]);
      expect(statusOf(graph, 'Gateway', 'one').addresses).toEqual([{ type: 'IPAddress', value: '192.0.2.1' }]);
    }
  });

  it('of another type refuse the Gateway', () => {
    const graph = graphFrom(gateway('one', `addresses: [{ type: Hostname, value: a.example }, { value: 127.0.0.1 }], ${http}`));
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).toBe('False UnsupportedAddress');
    expect(graph.gateways.size).toBe(0);
  });

  it('that nothing can bind are not published, and the Gateway is not programmed', () => {
    const graph = graphFrom(gateway('one', `addresses: [{ value: 224.0.0.1 }, { value: 127.0.0.1 }], ${http}`));
    const { conditions, addresses } = statusOf(graph, 'Gateway', 'one');
    expect(shown(conditions, 'Accepted')).toBe('True Accepted');
    expect(shown(conditions, 'Programmed')).toBe('False AddressNotUsable');
    expect(messageOf(conditions, 'Programmed')).toContain('224.0.0.1');
    expect(addresses.map(({ value }) => value)).not.toContain('224.0.0.1');
  });
});

describe('a GatewayClass', () => {
  it('of ours is accepted, and lists what we support in order', () => {
    const status = graphFrom('').statuses.get('GatewayClass//tailplane');
    if (status?.kind !== 'GatewayClass') throw new Error('no status');
    expect(shown(status.conditions, 'Accepted')).toBe('True Accepted');
    expect(shown(status.conditions, 'SupportedVersion')).toBe('True SupportedVersion');
    expect(status.supportedFeatures).toEqual(status.supportedFeatures.toSorted());
    expect(status.supportedFeatures).toContain('TLSRouteModeMixed');
    expect(graphFrom('').statuses.has('GatewayClass//foreign')).toBe(false);
  });

  it('with parameters of a kind we do not know is refused, and its Gateways with it', () => {
    const graph = graphFrom(`
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: odd }
spec: { controllerName: gateway.tailscale.com/tailplane, parametersRef: { group: example.com, kind: Thing, name: x } }
${gateway('one', 'listeners: [{ name: http, port: 8080, protocol: HTTP }]').replace('tailplane', 'odd')}`);
    const status = graph.statuses.get('GatewayClass//odd');
    expect(status?.kind === 'GatewayClass' && shown(status.conditions, 'Accepted')).toBe('False InvalidParameters');
    expect(graph.gateways.size).toBe(0);
    expect(shown(statusOf(graph, 'Gateway', 'one').conditions, 'Accepted')).not.toMatch(/^True/);
  });
});
