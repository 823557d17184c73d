import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ingressMappingsFrom, type Mappings, mappingProblem, readIngressStatus, readMappings } from './ingress-config.ts';

const ipv4 = { from: '100.100.0.7', to: '10.96.0.10' };
const ipv6 = { from: 'fd7a:115c:a1e0::7', to: 'fd00::10' };

describe('ingressMappingsFrom', () => {
  it('says which address leads where as containerboot reads it, without families that are not there', () => {
    expect(ingressMappingsFrom(new Map([['svc:web', { ipv4 }]]))).toBe(
      '{"svc:web":{"IPv4Mapping":{"TailscaleServiceIP":"100.100.0.7","ClusterIP":"10.96.0.10"}}}',
    );
    expect(JSON.parse(ingressMappingsFrom(new Map([['svc:web', { ipv4, ipv6 }]])))).toMatchObject({
      'svc:web': { IPv6Mapping: { TailscaleServiceIP: 'fd7a:115c:a1e0::7', ClusterIP: 'fd00::10' } },
    });
    expect(ingressMappingsFrom(new Map([['svc:web', {}]]))).toBe('{}');
  });

  it('says the same in the same bytes, and what it says is read back, from a file or a status', () => {
    const name = fc.stringMatching(/^[a-z]{1,10}$/).map((label) => `svc:${label}`);
    const pair = fc.record({ from: fc.ipV4(), to: fc.ipV4() });
    const mapping = fc.oneof(
      pair.map((one) => ({ ipv4: one })),
      pair.map((one) => ({ ipv4: one, ipv6 })),
      fc.constant({ ipv6 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, mapping), { maxLength: 4 }), (services) => {
        const mappings: Mappings = new Map(services);
        const text = ingressMappingsFrom(mappings);
        expect(readMappings(text)).toEqual(mappings);
        expect(ingressMappingsFrom(new Map([...mappings].toReversed()))).toBe(text);
        const status = JSON.stringify({ configs: JSON.parse(text) as unknown, podIPv4: '10.0.0.1' });
        expect(readIngressStatus(status)).toEqual({ podIPs: ['10.0.0.1'], mappings });
      }),
    );
  });

  it('is never asked for what a proxy would end of', () => {
    expect(() => ingressMappingsFrom(new Map([['svc:web', { ipv4: { from: '', to: '10.0.0.1' } }]]))).toThrow('no IPv4 address');
  });
});

describe('mappingProblem', () => {
  it('has nothing against addresses of their family', () => {
    expect(mappingProblem('svc:web', { ipv4, ipv6 })).toBeUndefined();
  });

  it.each(['', '10.0.0', '10.0.0.1/32', 'fd00::1', '010.0.0.1', 'web.default.svc'])('refuses %j for IPv4, on either side', (ip) => {
    expect(mappingProblem('svc:web', { ipv4: { ...ipv4, from: ip } })).toContain('no IPv4 address');
    expect(mappingProblem('svc:web', { ipv4: { ...ipv4, to: ip } })).toContain('no IPv4 address');
  });

  it.each(['', '10.0.0.1', 'fd00::/64', '[fd00::1]'])('refuses %j for IPv6', (ip) => {
    expect(mappingProblem('svc:web', { ipv6: { ...ipv6, to: ip } })).toContain('no IPv6 address');
  });

  it('refuses a name that is none of a service', () => {
    expect(mappingProblem('web', { ipv4 })).toContain('DNS label');
  });
});

describe('readIngressStatus', () => {
  it.each(['', 'null', '7', '{'])('says nothing of %j', (text) => {
    expect(readIngressStatus(text)).toBeUndefined();
  });

  it('leads nowhere before it says so', () => {
    expect(readIngressStatus('{}')).toEqual({ podIPs: [], mappings: new Map() });
    expect(readIngressStatus('{"configs":{"svc:web":{"IPv4Mapping":7}},"podIPv4":""}')).toEqual({
      podIPs: [],
      mappings: new Map([['svc:web', {}]]),
    });
  });
});
