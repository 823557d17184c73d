import { expect, it } from 'vitest';
import type { Endpoint, Locality } from '../../src/model/graph.ts';
import { loadAssignmentFrom } from './load-assignment.ts';
import { combinedLoadAssignmentFrom } from './udp.ts';

const endpoint = (address: string, more: Partial<Endpoint> = {}): Endpoint => ({ address, port: 80, healthy: true, ...more });
const at = (priority: number, ...endpoints: readonly Endpoint[]): Locality => ({ zone: '', weight: 1, priority, endpoints });

it('a backend with priorities has the next one used only when nothing of those before it is left', () => {
  const { policy, endpoints } = loadAssignmentFrom('app', [at(1, endpoint('10.0.0.2')), at(0, endpoint('10.0.0.1'))]);
  expect(endpoints?.map(({ priority }) => priority)).toEqual([0, 1]);
  expect(policy).toEqual({ overprovisioningFactor: 10_000 });
  expect(loadAssignmentFrom('app', [at(0, endpoint('10.0.0.1'))]).policy).toBeUndefined();
});

it('an endpoint says its weight, and its own HTTP proxy where it has one', () => {
  const [locality] =
    loadAssignmentFrom(
      'app',
      [
        at(
          0,
          endpoint('100.64.0.1', { weight: 3, via: { kind: 'proxy', proxy: { host: '10.0.0.1', port: 1055 }, set: 'default/egress' } }),
          endpoint('10.0.0.9'),
        ),
      ],
      'proxied',
    ).endpoints ?? [];
  const [plain, proxied] = locality?.lbEndpoints ?? [];
  expect(plain?.metadata).toBeUndefined();
  expect(proxied?.loadBalancingWeight).toBe(3);
  expect(proxied?.metadata?.typedFilterMetadata).toEqual({
    'envoy.http11_proxy_transport_socket.proxy_address': {
      '@type': 'type.googleapis.com/envoy.config.core.v3.Address',
      socketAddress: { address: '10.0.0.1', portValue: 1055 },
    },
  });
});

it('a share of UDP has the endpoints of the first priority in which one is healthy', () => {
  const backend = { id: 'a', key: 'TailscaleEndpoints/default/a', port: 53, protocol: 'udp' } as const;
  const rule = { id: 'rule', owner: 'UDPRoute/default/dns', shares: [{ backend, weight: 1 }] } as const;
  const addressesOf = (...localities: readonly Locality[]) =>
    combinedLoadAssignmentFrom(rule, () => localities).endpoints?.[0]?.lbEndpoints?.map(
      (one) => one.endpoint?.address?.socketAddress?.address,
    );
  expect(addressesOf(at(1, endpoint('b')), at(0, endpoint('a')))).toEqual(['a']);
  expect(addressesOf(at(0, endpoint('a', { healthy: false })), at(1, endpoint('b')))).toEqual(['b']);
  expect(addressesOf(at(0, endpoint('a', { healthy: false })), at(1, endpoint('b', { healthy: false })))).toEqual(['a']);
});
