import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostedPort } from '../../../src/model/proxy-set.ts';
import { certificateEntryFrom, entryFrom, type Forwarding, readServeConfig, serveConfigFrom, serviceProblem } from './serve-config.ts';

const envoy = { gateway: 'infra/edge', listener: 'tailnet/corp/svc:web/443' };
const one = (port: number, target: HostedPort): Forwarding => new Map([['svc:web', new Map([[port, entryFrom(target)]])]]);

describe('serveConfigFrom', () => {
  it('tells only Envoys who the peer is', () => {
    expect(JSON.parse(serveConfigFrom(one(443, { host: 'edge-tailnet.infra.svc', port: 20_001, envoy })))).toMatchObject({
      Services: { 'svc:web': { TCP: { '443': { TCPForward: 'edge-tailnet.infra.svc:20001', ProxyProtocol: 2 } } } },
    });
    expect(serveConfigFrom(one(5432, { host: 'fd00::3', port: 5432 }))).toContain('{"5432":{"TCPForward":"[fd00::3]:5432"}}');
  });

  it('serves no service that has no port, and lets no peer of the node at the health of its pod', () => {
    expect(serveConfigFrom(new Map([['svc:web', new Map()]]))).toBe('{"TCP":{"9002":{"TCPForward":"127.0.0.1:1"}},"Services":{}}');
  });

  it('says the same in the same bytes, and what it says is read back', () => {
    const name = fc.stringMatching(/^[a-z]{1,10}$/).map((label) => `svc:${label}`);
    const port = fc.integer({ min: 1, max: 65_535 });
    const entry = fc.record({ host: fc.constantFrom('10.0.0.1', 'fd00::1', 'edge.infra.svc'), port, proxyProtocol: fc.boolean() });
    const ports = fc.array(fc.tuple(port, entry), { minLength: 1, maxLength: 4 }).map((entries) => new Map(entries));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, ports), { maxLength: 4 }), (services) => {
        const forwarding: Forwarding = new Map(services);
        expect(readServeConfig(serveConfigFrom(forwarding))).toEqual(forwarding);
        expect(serveConfigFrom(new Map([...forwarding].toReversed()))).toBe(serveConfigFrom(forwarding));
      }),
    );
  });

  it('is never asked for what a proxy would end of', () => {
    expect(() => serveConfigFrom(new Map([['web', new Map([[443, { host: 'a', port: 1, proxyProtocol: true }]])]]))).toThrow('svc:');
  });
});

describe('serviceProblem', () => {
  const to = (port: number, target: Partial<HostedPort> = {}) => new Map([[port, { host: '10.0.0.1', port: 80, ...target }]]);

  it.each(['svc:web', 'svc:w', 'svc:1', `svc:${'a'.repeat(63)}`, 'svc:a-b'])('has nothing against %s', (name) => {
    expect(serviceProblem(name, to(443))).toBeUndefined();
  });

  it.each(['web', 'svc:', 'svc:-a', 'svc:a-', 'svc:A', 'svc:a.b', `svc:${'a'.repeat(64)}`, 'svc:a\n', 'SVC:a'])(
    'refuses the name %j',
    (name) => {
      expect(serviceProblem(name, to(443))).toContain('DNS label');
    },
  );

  it.each([0, -1, 65_536, 1.5, Number.NaN])('refuses port %d, on either side', (port) => {
    expect(serviceProblem('svc:web', to(port))).toContain('65535');
    expect(serviceProblem('svc:web', to(443, { port }))).toContain('no host and port');
  });

  it.each(['', 'a b', 'unix:/x', '10.0.0.1:80', 'a"b'])('refuses host %j', (host) => {
    expect(serviceProblem('svc:web', to(443, { host }))).toContain('no host and port');
  });
});

describe('readServeConfig', () => {
  it.each(['', 'null', '[]', '{', '7', '{"Services":7}', '{"Services":{"svc:web":null}}'])('reads no port from %j', (text) => {
    expect([...readServeConfig(text).values()].flatMap((ports) => [...ports])).toEqual([]);
  });

  it('knows a port that is there for a certificate', () => {
    const entry = certificateEntryFrom('web.tail1234.ts.net');
    const forwarding: Forwarding = new Map([['svc:web', new Map([[65_443, entry]])]]);
    expect(readServeConfig(serveConfigFrom(forwarding))).toEqual(forwarding);
    expect(serviceProblem('svc:web', new Map([[65_443, { ...entry, certificate: 'Not a name' }]]))).toContain('DNS name');
  });

  it.each([
    { HTTPS: true },
    { TCPForward: 'unix:/run/x' },
    { TCPForward: '10.0.0.1:80', TerminateTLS: 'web.tail1234.ts.net' },
    { TCPForward: '10.0.0.1:80', ProxyProtocol: 1 },
    null,
  ])('knows that %j is none of ours', (handler) => {
    const text = JSON.stringify({ Services: { 'svc:web': { TCP: { '443': handler } } } });
    expect(readServeConfig(text).get('svc:web')?.get(443)).toBe('other');
  });
});
