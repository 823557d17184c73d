import { describe, expect, it } from 'vitest';
import type { Backend, Endpoint } from '../../src/model/graph.ts';
import { backendOf, gatewayOf } from '../../test/support/graph.ts';
import { tunnelAssignmentsOf } from './tunnel-resources.ts';
import { tunnelledFrom } from './tunnelled-endpoints.ts';

const via = (host: string, set: string): Pick<Endpoint, 'via'> => ({ via: { kind: 'proxy', proxy: { host, port: 1055 }, set } });
const target = (address: string, host: string, set = 'default/egress'): Endpoint => ({
  address,
  port: 80,
  healthy: true,
  ...via(host, set),
});

const namesOf = (endpoints: readonly Endpoint[]) =>
  tunnelledFrom(endpoints).map(({ endpoint }) => endpoint?.address?.envoyInternalAddress?.endpointId);

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
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.1:80', proxies: 'tailnet/proxies/default/egress' } } },
        healthStatus: 'HEALTHY',
      },
      {
        endpoint: {
          address: {
            envoyInternalAddress: { serverListenerName: 'tailnet/tunnel', endpointId: '100.64.0.2:80 via 10.0.0.1:1055,10.0.0.2:1055' },
          },
        },
        metadata: { filterMetadata: { 'tailplane.tunnel': { target: '100.64.0.2:80', proxies: 'tailnet/proxies/default/egress' } } },
        healthStatus: 'HEALTHY',
        loadBalancingWeight: 2,
      },
    ]);
  });

  it('are asked for in brackets where they are IPv6', () => {
    const [endpoint] = tunnelledFrom([target('fd7a::2', 'fd00::1')]);
    expect(endpoint?.metadata?.filterMetadata?.['tailplane.tunnel']).toEqual({
      target: '[fd7a::2]:80',
      proxies: 'tailnet/proxies/default/egress',
    });
  });

  it('are two where one address is a machine in two tailnets, each with its own proxies and health', () => {
    const endpoints = [target('100.64.0.2', '10.0.0.1', 'a/egress'), { ...target('100.64.0.2', '10.0.0.2', 'b/egress'), healthy: false }];
    expect(
      tunnelledFrom(endpoints).map(({ metadata, healthStatus }) => [
        metadata?.filterMetadata?.['tailplane.tunnel']?.['proxies'],
        healthStatus,
      ]),
    ).toEqual([
      ['tailnet/proxies/a/egress', 'HEALTHY'],
      ['tailnet/proxies/b/egress', 'UNHEALTHY'],
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
  const tunnelled = (name: string, ...sets: readonly string[]): Backend =>
    backendOf(name, { reach: { form: 'tunnelled', sets, balancing: 'round-robin', outlierDetection: true } });
  const [a, b] = [tunnelled('a', 'a/egress'), tunnelled('b', 'a/egress', 'b/egress')];
  const proxiesBySet = (known: Readonly<Record<string, readonly Endpoint[]>>) =>
    Object.fromEntries(
      tunnelAssignmentsOf(
        gatewayOf({ backends: [a, b] }),
        new Map(Object.entries(known).map(([name, endpoints]) => [backendOf(name).id, [{ zone: '', weight: 1, endpoints }]])),
      ).map(({ name, message }) => [
        name,
        message.endpoints?.flatMap(({ lbEndpoints = [] }) => lbEndpoints.map(({ endpoint }) => endpoint?.address?.socketAddress?.address)),
      ]),
    );

  it('are there once in each set that some endpoint is reached by', () => {
    expect(
      proxiesBySet({
        a: [target('100.64.0.2', '10.0.0.1', 'a/egress'), target('100.64.0.2', '10.0.0.2', 'a/egress')],
        b: [target('100.64.0.3', '10.0.0.2', 'a/egress'), target('100.64.0.3', '10.0.0.3', 'b/egress')],
      }),
    ).toEqual({ 'tailnet/proxies/a/egress': ['10.0.0.1', '10.0.0.2'], 'tailnet/proxies/b/egress': ['10.0.0.3'] });
  });

  it('are none, but told, while none is ready, and left alone while no backend of theirs has been heard of', () => {
    expect(proxiesBySet({ a: [] })).toEqual({ 'tailnet/proxies/a/egress': [] });
    expect(proxiesBySet({})).toEqual({});
  });

  it('may come and go without an endpoint being led to another set', () => {
    const both = [target('100.64.0.2', '10.0.0.1'), target('100.64.0.2', '10.0.0.2')];
    const one = both.slice(1);
    expect(tunnelledFrom(one)[0]?.metadata).toEqual(tunnelledFrom(both)[0]?.metadata);
    expect(namesOf(one)).not.toEqual(namesOf(both));
  });
});
