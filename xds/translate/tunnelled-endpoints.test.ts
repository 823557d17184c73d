import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/model/graph.ts';
import { proxiesAssignmentFrom, tunnelledFrom } from './tunnelled-endpoints.ts';

const via = (host: string): Pick<Endpoint, 'via'> => ({ via: { kind: 'proxy', proxy: { host, port: 1055 } } });
const target = (address: string, host: string, more: Partial<Endpoint> = {}): Endpoint => ({
  address,
  port: 80,
  healthy: true,
  ...via(host),
  ...more,
});

const namesOf = (endpoints: readonly Endpoint[]) =>
  tunnelledFrom(endpoints).map(({ endpoint }) => endpoint?.address?.envoyInternalAddress?.endpointId);
const locality = (...endpoints: readonly Endpoint[]) => ({ zone: '', weight: 1, endpoints });

describe('endpoints of a tunnelled backend', () => {
  it('are one for each destination, of the weight of all that lead there, and say which proxies these are', () => {
    const endpoints = [target('100.64.0.2', '10.0.0.2'), target('100.64.0.2', '10.0.0.1'), target('100.64.0.1', '10.0.0.1')];
    expect(tunnelledFrom(endpoints)).toEqual([
      {
        endpoint: {
          address: {
            envoyInternalAddress: { serverListenerName: 'tailnet/tunnel', endpointId: '100.64.0.1:80 via 10.0.0.1:1055' },
          },
        },
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.1:80', proxies: '10.0.0.1:1055' } } },
        healthStatus: 'HEALTHY',
      },
      {
        endpoint: {
          address: {
            envoyInternalAddress: { serverListenerName: 'tailnet/tunnel', endpointId: '100.64.0.2:80 via 10.0.0.1:1055,10.0.0.2:1055' },
          },
        },
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.2:80', proxies: '10.0.0.1:1055,10.0.0.2:1055' } } },
        healthStatus: 'HEALTHY',
        loadBalancingWeight: 2,
      },
    ]);
  });

  it('are asked for in brackets where they are IPv6', () => {
    const [endpoint] = tunnelledFrom([target('fd7a::2', 'fd00::1')]);
    expect(endpoint?.metadata?.filterMetadata?.['tailplane.tunnel']).toEqual({ target: '[fd7a::2]:80', proxies: '[fd00::1]:1055' });
  });

  it('do not share proxies where one address is two machines: one well, the other not', () => {
    const endpoints = [target('100.64.0.2', '10.0.0.1'), target('100.64.0.2', '10.0.0.2', { healthy: false })];
    expect(namesOf(endpoints)).toEqual(['100.64.0.2:80 via 10.0.0.1:1055', '100.64.0.2:80 via 10.0.0.2:1055']);
    expect(tunnelledFrom(endpoints).map(({ healthStatus }) => healthStatus)).toEqual(['HEALTHY', 'UNHEALTHY']);
  });

  it('keep their address where they have one, and go by the name that Envoy looks up where they have that', () => {
    const [plain, named] = tunnelledFrom([
      { address: '10.0.0.9', port: 80, healthy: true },
      { address: 'db.example', port: 5432, healthy: true, via: { kind: 'dns' } },
    ]);
    expect(plain?.endpoint?.address?.socketAddress).toEqual({ address: '10.0.0.9', portValue: 80 });
    expect(named?.endpoint?.address?.envoyInternalAddress).toEqual({ serverListenerName: 'tailnet/names', endpointId: 'db.example:5432' });
    expect(named?.metadata?.filterMetadata?.['tailplane.tunnel']).toEqual({ host: 'db.example', port: '5432' });
  });
});

describe('the proxies of a Gateway', () => {
  const setsByProxy = (...backends: readonly (readonly Endpoint[])[]) =>
    Object.fromEntries(
      (proxiesAssignmentFrom(backends.map((endpoints) => [locality(...endpoints)])).endpoints?.[0]?.lbEndpoints ?? []).map((one) => [
        one.endpoint?.address?.socketAddress?.address,
        one.metadata?.filterMetadata?.['envoy.lb']?.['proxies'],
      ]),
    );

  it('are there once each, with the sets of all backends that they are in', () => {
    expect(setsByProxy([target('100.64.0.2', '10.0.0.1'), target('100.64.0.2', '10.0.0.2')], [target('100.64.0.3', '10.0.0.1')])).toEqual({
      '10.0.0.1': ['10.0.0.1:1055', '10.0.0.1:1055,10.0.0.2:1055'],
      '10.0.0.2': ['10.0.0.1:1055,10.0.0.2:1055'],
    });
  });

  it('are none, but told, while none is ready', () => {
    expect(proxiesAssignmentFrom([[locality()], []])).toEqual({ clusterName: 'tailnet/proxies', endpoints: [] });
  });

  it('are in every set that an endpoint names, and in no set with a proxy that does not lead to its target', () => {
    const endpoint = fc
      .record({ address: fc.constantFrom('a', 'b', 'c'), host: fc.constantFrom('1', '2', '3'), healthy: fc.boolean() })
      .map(({ address, host, healthy }) => target(address, host, { healthy }));
    fc.assert(
      fc.property(fc.array(fc.array(endpoint), { maxLength: 3 }), (backends) => {
        const sets = setsByProxy(...backends);
        for (const endpoints of backends)
          for (const one of tunnelledFrom(endpoints)) {
            const { target: to = '', proxies = '' } = (one.metadata?.filterMetadata?.['tailplane.tunnel'] ?? {}) as Record<string, string>;
            const members = Object.keys(sets).filter((proxy) => (sets[proxy] as string[]).includes(proxies));
            expect(
              members
                .map((member) => `${member}:1055`)
                .toSorted()
                .join(','),
            ).toBe(proxies);
            for (const member of members)
              expect(
                endpoints.some(({ address, via: by }) => `${address}:80` === to && by?.kind === 'proxy' && by.proxy.host === member),
              ).toBe(true);
          }
      }),
    );
  });
});
