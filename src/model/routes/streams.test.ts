import { describe, expect, it } from 'vitest';
import { grantOf, messageOf, policyOf, portOf, refTo, serviceOf, streamRouteOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const dns = serviceOf('web', [portOf(80, { name: 'tcp' }), portOf(80, { name: 'udp', protocol: 'UDP' }), portOf(81)]);

describe('a stream route', () => {
  it('shares connections by weight, and leaves out what has none', () => {
    const node = routeNodeOf(
      streamRouteOf('TCPRoute', [refTo('web', { weight: 3 }), refTo('web', { port: 81, weight: 0 })]),
      tablesOf(dns),
    );
    expect(node.streams).toMatchObject([
      { id: 'TCPRoute/default/bytes/rule/0', shares: [{ weight: 3, backend: { id: 'Service/default/web/80/tcp', protocol: 'tcp' } }] },
    ]);
  });

  it.each(['TCPRoute', 'TLSRoute', 'UDPRoute'] as const)('%s drops what it cannot send on, and says why', (kind) => {
    const node = routeNodeOf(streamRouteOf(kind, [refTo('gone', { weight: 5 })]), tablesOf());
    expect(node.streams[0]?.shares).toEqual([{ weight: 5 }]);
    expect(node.unresolved?.reason).toBe('BackendNotFound');
    expect(node).not.toHaveProperty('rejected');
  });

  it('with weights of zero only drops everything', () => {
    const node = routeNodeOf(streamRouteOf('TCPRoute', [refTo('web', { weight: 0 })]), tablesOf(dns));
    expect(node.streams[0]?.shares).toEqual([{ weight: 1 }]);
  });

  it('needs a grant of its own kind', () => {
    const route = streamRouteOf('TCPRoute', [refTo('web', { namespace: 'other' })]);
    const service = serviceOf('web', [portOf(80)], 'other');
    expect(routeNodeOf(route, tablesOf(service, grantOf('HTTPRoute', 'other'))).unresolved?.reason).toBe('RefNotPermitted');
    expect(routeNodeOf(route, tablesOf(service, grantOf('TCPRoute', 'other'))).backends).toHaveLength(1);
  });

  it('has host names only as a TLSRoute', () => {
    expect(routeNodeOf(streamRouteOf('TLSRoute', [refTo('web')]), tablesOf(dns)).hostnames).toEqual(['db.example.com']);
    expect(routeNodeOf(streamRouteOf('TCPRoute', [refTo('web')]), tablesOf(dns)).hostnames).toEqual([]);
  });
});

describe('a UDPRoute', () => {
  it('takes the UDP port of two with one number', () => {
    expect(routeNodeOf(streamRouteOf('UDPRoute', [refTo('web')]), tablesOf(dns)).backends).toMatchObject([
      { id: 'Service/default/web/80/udp', protocol: 'udp' },
    ]);
  });

  it('refuses a port that is TCP only', () => {
    const node = routeNodeOf(streamRouteOf('UDPRoute', [refTo('web', { port: 81 })]), tablesOf(dns));
    expect(node.unresolved?.reason).toBe('UnsupportedProtocol');
    expect(messageOf(node.unresolved)).toContain('is TCP, not UDP');
  });
});

describe('a BackendTLSPolicy', () => {
  const tables = tablesOf(dns, policyOf('strict'));

  it('encrypts what a TCPRoute sends', () => {
    expect(routeNodeOf(streamRouteOf('TCPRoute', [refTo('web')]), tables).backends).toMatchObject([
      { id: 'Service/default/web/80/tls', protocol: 'tcp', tls: { verify: { by: 'system' } } },
    ]);
  });

  it('encrypts what a TLSRoute sends only where its listener has decrypted it', () => {
    const node = routeNodeOf(streamRouteOf('TLSRoute', [refTo('web')]), tables);
    expect(node.backends.map(({ id }) => id)).toEqual(['Service/default/web/80/tcp']);
    expect(node.terminated?.backends.map(({ id }) => id)).toEqual(['Service/default/web/80/tls']);
  });

  it('that is invalid costs a TLSRoute nothing where it does not apply', () => {
    const broken = tablesOf(dns, policyOf('strict', { wellKnownCACertificates: 'example.com/own' }));
    const node = routeNodeOf(streamRouteOf('TLSRoute', [refTo('web')]), broken);
    expect(node).not.toHaveProperty('unresolved');
    expect(node.terminated?.unresolved?.reason).toBe('InvalidBackendTLS');
  });
});
