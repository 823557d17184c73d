import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/model/graph.ts';
import { proxiesAssignmentFrom, tunnelledFrom } from './tunnelled-endpoints.ts';

const via = (host: string, set: string): Pick<Endpoint, 'via'> => ({ via: { kind: 'proxy', proxy: { host, port: 1055 }, set } });
const target = (address: string, host: string, set = 'default/egress'): Endpoint => ({
  address,
  port: 80,
  healthy: true,
  ...via(host, set),
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
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.1:80', proxies: 'default/egress' } } },
        healthStatus: 'HEALTHY',
      },
      {
        endpoint: {
          address: {
            envoyInternalAddress: { serverListenerName: 'tailnet/tunnel', endpointId: '100.64.0.2:80 via 10.0.0.1:1055,10.0.0.2:1055' },
          },
        },
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.2:80', proxies: 'default/egress' } } },
        healthStatus: 'HEALTHY',
        loadBalancingWeight: 2,
      },
    ]);
  });

  it('are asked for in brackets where they are IPv6', () => {
    const [endpoint] = tunnelledFrom([target('fd7a::2', 'fd00::1')]);
    expect(endpoint?.metadata?.filterMetadata?.['tailplane.tunnel']).toEqual({ target: '[fd7a::2]:80', proxies: 'default/egress' });
  });

  it('are two where one address is a machine in two tailnets, each with its own proxies and health', () => {
    const endpoints = [target('100.64.0.2', '10.0.0.1', 'a/egress'), { ...target('100.64.0.2', '10.0.0.2', 'b/egress'), healthy: false }];
    expect(
      tunnelledFrom(endpoints).map(({ metadata, healthStatus }) => [
        metadata?.filterMetadata?.['tailplane.tunnel']?.['proxies'],
        healthStatus,
      ]),
    ).toEqual([
      ['a/egress', 'HEALTHY'],
      ['b/egress', 'UNHEALTHY'],
    ]);
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

  it('are there once each, with the sets that they are in', () => {
    expect(
      setsByProxy(
        [target('100.64.0.2', '10.0.0.1', 'a/egress'), target('100.64.0.2', '10.0.0.2', 'a/egress')],
        [target('100.64.0.3', '10.0.0.1', 'b/egress'), target('100.64.0.4', '10.0.0.1', 'a/egress')],
      ),
    ).toEqual({ '10.0.0.1': ['a/egress', 'b/egress'], '10.0.0.2': ['a/egress'] });
  });

  it('stay in a set that another one leaves, as endpoints go on asking for it by the same name', () => {
    const both = [target('100.64.0.2', '10.0.0.1'), target('100.64.0.2', '10.0.0.2')];
    const one = both.slice(1);
    expect(setsByProxy(one)['10.0.0.2']).toEqual(setsByProxy(both)['10.0.0.2']);
    expect(tunnelledFrom(one)[0]?.metadata).toEqual(tunnelledFrom(both)[0]?.metadata);
    expect(namesOf(one)).not.toEqual(namesOf(both));
  });

  it('are none, but told, while none is ready', () => {
    expect(proxiesAssignmentFrom([[locality()], []])).toEqual({ clusterName: 'tailnet/proxies', endpoints: [] });
  });

  it('are in every set that an endpoint names, and each in no set that it does not lead by', () => {
    const endpoint = fc
      .record({ address: fc.constantFrom('a', 'b', 'c'), host: fc.constantFrom('1', '2', '3'), set: fc.constantFrom('x/1', 'y/1') })
      .map(({ address, host, set }) => target(address, host, set));
    fc.assert(
      fc.property(fc.array(fc.array(endpoint), { maxLength: 3 }), (backends) => {
        const sets = setsByProxy(...backends);
        const named = backends.flatMap(tunnelledFrom).map((one) => one.metadata?.filterMetadata?.['tailplane.tunnel']?.['proxies']);
        for (const name of named) expect(Object.values(sets).flat()).toContain(name);
        for (const [host, names] of Object.entries(sets))
          for (const name of names as string[])
            expect(backends.flat().some(({ via: by }) => by?.kind === 'proxy' && by.proxy.host === host && by.set === name)).toBe(true);
      }),
    );
  });
});
