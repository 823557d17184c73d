import { describe, expect, it } from 'vitest';
import type { Backend, HealthCheck, Reach } from '../../src/model/graph.ts';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, shareOf, socketOf } from '../../test/support/graph.ts';
import { envoy } from '../../test/support/envoy.ts';
import { envoyRefuses } from '../../test/support/envoy-validate.ts';
import { clusterFrom } from './cluster.ts';
import { translator } from './translate.ts';

const reach: Reach = { form: 'plain', balancing: 'round-robin', outlierDetection: true };
const check: HealthCheck = { path: '/health', intervalMs: 5000, timeoutMs: 2000, healthyThreshold: 1, unhealthyThreshold: 2 };
const forms = ['plain', 'proxied', 'tunnelled'] as const;
const app = (more: Partial<Reach>, rest: Partial<Backend> = {}): Backend =>
  backendOf('app', { reach: { ...reach, ...(more.form === 'tunnelled' ? { sets: ['default/egress'] } : {}), ...more }, ...rest });
const cluster = (backend: Backend) => clusterFrom(backend, undefined, '/ca');

const endpoint = {
  address: '100.64.0.1',
  port: 80,
  healthy: true,
  via: { kind: 'proxy', proxy: { host: '10.0.0.1', port: 1055 }, set: 'default/egress' },
} as const;

const resourcesOf = (backend: Backend) => {
  const entry = entryOf('app', {}, { action: { kind: 'forward', shares: [shareOf(backend)] } });
  const gateway = gatewayOf({ sockets: [socketOf(80, listenerOf('http', hostOf('*', entry)))], backends: [backend] });
  const resources = translator()(graphOf([gateway], new Map([[backend.id, [{ zone: '', weight: 1, endpoints: [endpoint] }]]])));
  return resources.get('default/edge');
};

describe('a cluster', () => {
  it('connects plainly, by a proxy, or into a tunnel, with TLS inside where there is any', () => {
    const tls = { subjectAltNames: [], verify: { by: 'none' } } as const;
    const sockets = (backend: Backend) => cluster(backend).transportSocket?.name?.split('.').at(-1);
    expect(forms.map((form) => sockets(app({ form })))).toEqual([undefined, 'http_11_proxy', 'internal_upstream']);
    expect(forms.map((form) => sockets(app({ form }, { tls })))).toEqual(['tls', 'http_11_proxy', 'internal_upstream']);
    for (const form of ['proxied', 'tunnelled'] as const)
      expect(cluster(app({ form }, { tls })).transportSocket?.typedConfig).toMatchObject({
        transportSocket: { name: 'envoy.transport_sockets.tls' },
      });
  });

  it('asks for health by HTTP where there is a path, with a Host that is one, else by connecting', () => {
    expect(cluster(app({ healthCheck: check })).healthChecks?.[0]).toMatchObject({
      interval: '5s',
      httpHealthCheck: { path: '/health', host: 'app', codecClientType: 'HTTP1' },
    });
    const { path: _, ...byConnecting } = check;
    expect(cluster(app({ healthCheck: byConnecting })).healthChecks?.[0]?.tcpHealthCheck).toEqual({});
  });

  it('of a Service waits for its endpoints without end, one of a tailnet for a while only', () => {
    const limit = (backend: Backend) => cluster(backend).edsClusterConfig?.edsConfig?.initialFetchTimeout;
    expect([limit(backendOf('app')), limit(app({}))]).toEqual(['0s', '5s']);
  });

  it('of a tunnelled backend brings listeners, clusters and proxies with it, others nothing', () => {
    const namesOf = (form: Reach['form']) => {
      const resources = resourcesOf(app({ form }));
      return [resources?.Listener, resources?.Cluster, resources?.ClusterLoadAssignment].map((map) =>
        [...(map?.keys() ?? [])].filter((name) => name.startsWith('tailnet/')),
      );
    };
    expect(namesOf('tunnelled')).toEqual([
      ['tailnet/connect', 'tailnet/names', 'tailnet/tunnel'],
      ['tailnet/connect', 'tailnet/names', 'tailnet/proxies/default/egress'],
      ['tailnet/proxies/default/egress'],
    ]);
    expect([namesOf('proxied'), namesOf('plain')].flat(2)).toEqual([]);
  });

  it
    .skipIf(envoy === undefined)
    .each(
      forms.flatMap((form) => [
        [form, 'least-requests', app({ form, balancing: 'least-requests' })] as const,
        [form, 'checked', app({ form, healthCheck: check }, { protocol: 'http2' })] as const,
      ]),
    )('that is %s and %s is accepted by Envoy', async (_form, _kind, backend) => {
    const resources = resourcesOf(backend);
    if (resources === undefined) throw new Error('unreachable: the Gateway is there');
    expect(await envoyRefuses(resources)).toBeUndefined();
  });
});
