import { describe, expect, it } from 'vitest';
import type { TailscaleEndpoint, TailscaleEndpointsSpec } from '../../api/generated/tailscale.ts';
import type { AnyObject } from '../../api/kinds.ts';
import { type Device, noObservations, type Observations } from '../../api/observations.ts';
import type { BackendUse } from '../routes/app-protocol.ts';
import { grpcRouteOf, httpRouteOf, messageOf, policyOf, refTo, ruleOf, streamRouteOf } from '../routes/fixtures.ts';
import { routeNodeOf } from '../routes/route-node.ts';
import {
  backendEntry,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  namespaceOf,
  observationsOf,
  offline,
  proxyOf,
  resolve,
  servicesOf,
  stateOf,
  tablesFor,
  tailnetOf,
} from './fixtures.ts';

const group = 'gateway.tailscale.com';
const machine = endpointOf('it', { tailscaleIP: '100.64.0.1' });
const known = observationsOf([stateOf()]);

const resolved = (
  spec: Partial<TailscaleEndpointsSpec>,
  { use = 'http', port, objects = [] }: { use?: BackendUse; port?: number; objects?: readonly AnyObject[] } = {},
) => {
  const endpoints = endpointsOf('a', spec);
  return resolve(endpoints, use, tablesFor([tailnetOf(), endpoints, ...objects], known), port);
};

const problemOf = (...args: Parameters<typeof resolved>): string => {
  const found = resolved(...args);
  return found.ok ? 'resolves' : `${found.problem.reason}: ${found.problem.message}`;
};

const backendWith = (...args: Parameters<typeof resolved>) => {
  const found = resolved(...args);
  if (!found.ok) throw new Error(found.problem.message);
  return found.value.backend;
};

describe('a reference to a TailscaleEndpoints', () => {
  it('names its backend by port and protocol', () => {
    expect(backendWith({ endpoints: [machine] })).toEqual({
      id: 'TailscaleEndpoints/default/a/80',
      key: 'TailscaleEndpoints/default/a',
      port: 80,
      protocol: 'http1',
      reach: { form: 'plain', balancing: 'round-robin', outlierDetection: true },
    });
    expect(backendWith({ endpoints: [machine] }, { use: 'grpc' }).id).toBe('TailscaleEndpoints/default/a/80/h2c');
  });

  it.each<[string, Partial<TailscaleEndpointsSpec>, Parameters<typeof resolved>[1], string]>([
    ['without machines', {}, {}, 'BackendNotFound: TailscaleEndpoints "default/a" has neither endpoints nor autoDiscovery'],
    ['with a port it has not', { endpoints: [machine] }, { port: 81 }, 'BackendNotFound: TailscaleEndpoints "default/a" has no port 81'],
    [
      'without a port, of several',
      { endpoints: [machine, endpointOf('two', { tailscaleIP: '100.64.0.1', port: 443 })] },
      {},
      'BackendNotFound: TailscaleEndpoints "default/a" has ports 80, 443, and the reference says none of them',
    ],
    [
      'with ingress proxies only',
      { endpoints: [machine], proxy: proxyOf({ connectionType: 'ingress' }) },
      {},
      'BackendNotFound: TailscaleEndpoints "default/a" has ingress proxies only, which take nothing to the tailnet',
    ],
    [
      'with a group that does not exist',
      { endpoints: [machine], proxyGroup: 'gone' },
      {},
      'BackendNotFound: TailscaleProxyGroup "gone" of TailscaleEndpoints "default/a" not found',
    ],
    [
      'with a group of another tailnet',
      { endpoints: [machine], proxyGroup: 'g' },
      { objects: [groupOf('g', { tailnet: 'lab' })] },
      'BackendNotFound: TailscaleProxyGroup "g" of TailscaleEndpoints "default/a" is in tailnet "lab", not in "prod"',
    ],
    [
      'in no tailnet',
      { endpoints: [machine], tailnet: 'gone' },
      {},
      'BackendNotFound: TailscaleEndpoints "default/a": TailscaleTailnet "gone" not found',
    ],
    [
      'for packets to a port of bytes',
      { endpoints: [machine] },
      { use: 'udp' },
      'UnsupportedProtocol: port 80 of TailscaleEndpoints "default/a" is TCP, not UDP',
    ],
    [
      'for packets through proxies that connect',
      { endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1', protocol: 'UDP' })], proxy: proxyOf() },
      { use: 'udp' },
      'UnsupportedProtocol: port 80 of TailscaleEndpoints "default/a": UDP needs proxies of mode forward, or mode direct',
    ],
    [
      'for requests to machines that take bytes',
      { endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1', protocol: 'TLS' })] },
      {},
      'UnsupportedProtocol: TailscaleEndpoints "default/a": machines of protocol TLS take bytes, not requests',
    ],
    [
      'for requests to machines that differ',
      {
        endpoints: [
          endpointOf('it', { tailscaleIP: '100.64.0.1', protocol: 'HTTP' }),
          endpointOf('s', { tailscaleIP: '100.64.0.2', protocol: 'HTTPS' }),
        ],
      },
      {},
      'UnsupportedProtocol: TailscaleEndpoints "default/a": its machines are of protocols HTTP and HTTPS, which cannot be spoken to alike',
    ],
  ])('%s does not resolve', (_what, spec, options, problem) => {
    expect(problemOf(spec, options)).toBe(problem);
  });

  it('leads to the target port of its ports', () => {
    const ports = [{ name: 'web', port: 80, protocol: 'TCP' as const, targetPort: 8080 }];
    const endpoints = [endpointOf('it', { tailscaleIP: '100.64.0.1', port: 8080 })];
    expect(backendWith({ endpoints, ports }, { port: 80 }).id).toBe('TailscaleEndpoints/default/a/80');
    expect(backendWith({ endpoints, ports }, { port: 8080 }).id).toBe('TailscaleEndpoints/default/a/8080');
    expect(problemOf({ endpoints: [machine], ports }, { port: 80 })).toContain('has no port 8080, which port 80 stands for');
  });

  it('is refused by a tailnet that does not admit its namespace', () => {
    const endpoints = endpointsOf('a', { endpoints: [machine] });
    const objects = [tailnetOf('prod', { allowedNamespaces: { matchLabels: { tier: 'gold' } } }), endpoints];
    expect(resolve(endpoints, 'http', tablesFor(objects, known))).toMatchObject({ ok: false, problem: { reason: 'RefNotPermitted' } });
    expect(resolve(endpoints, 'http', tablesFor([...objects, namespaceOf('default', { tier: 'gold' })], known)).ok).toBe(true);
  });
});

describe('protocol', () => {
  const spoken = (protocol: TailscaleEndpoint['protocol'], use: BackendUse) => {
    const { protocol: how, tls } = backendWith({ endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1', protocol })] }, { use });
    return [how, tls?.verify.by];
  };

  it.each([
    ['HTTP', 'http', 'http1', undefined],
    ['TCP', 'http', 'http1', undefined],
    ['GRPC', 'http', 'http2', undefined],
    ['HTTPS', 'http', 'http1', 'none'],
    ['HTTP', 'grpc', 'http2', undefined],
    ['GRPC', 'grpc', 'http2', undefined],
    ['HTTPS', 'grpc', 'http2', 'none'],
    ['TLS', 'tcp', 'tcp', undefined],
    ['HTTPS', 'tcp', 'tcp', undefined],
    ['UDP', 'udp', 'udp', undefined],
  ] as const)('%s for %s is spoken to by %s, TLS verified by %s', (protocol, use, how, verified) => {
    expect(spoken(protocol, use)).toEqual([how, verified]);
  });

  const https = (name: string | undefined) =>
    endpointOf(name ?? 'ip', {
      port: 443,
      protocol: 'HTTPS',
      ...(name === undefined ? { tailscaleIP: '100.64.0.1' } : { tailscaleFQDN: `${name}.ts.net` }),
    });

  it('HTTPS asks for the name of its machines, and holds them to it where Tailscale vouches for them', () => {
    expect(backendWith({ endpoints: [https('db.tail1')] }).tls).toEqual({
      hostname: 'db.tail1.ts.net',
      subjectAltNames: [],
      verify: { by: 'system' },
    });
    const other = endpointOf('it', { port: 443, protocol: 'HTTPS', externalTarget: 'db.example.com:443' });
    expect(backendWith({ endpoints: [other] }).tls).toEqual({ hostname: 'db.example.com', subjectAltNames: [], verify: { by: 'none' } });
  });

  it('HTTPS asks for no name when its machines have several, or some have none', () => {
    expect(backendWith({ endpoints: [https('a.tail1'), https('b.tail1')] }).tls).toEqual({ subjectAltNames: [], verify: { by: 'none' } });
    expect(backendWith({ endpoints: [https('a.tail1'), https(undefined)] }).tls).toEqual({ subjectAltNames: [], verify: { by: 'none' } });
  });
});

describe('reach', () => {
  const healthCheck = { enabled: true, path: '/up', interval: '1m', timeout: '500ms', healthyThreshold: 1, unhealthyThreshold: 2 };
  const check = { path: '/up', intervalMs: 60_000, timeoutMs: 500, healthyThreshold: 1, unhealthyThreshold: 2 };
  const endpoints = [endpointOf('it', { tailscaleIP: '100.64.0.1', healthCheck })];

  it('has the active check that is asked for, and then no passive one', () => {
    expect(backendWith({ endpoints, proxy: proxyOf() }).reach).toEqual({
      form: 'proxied',
      balancing: 'round-robin',
      healthCheck: check,
      outlierDetection: false,
    });
  });

  it('has a passive check where active ones cannot work', () => {
    expect(backendWith({ endpoints, proxy: proxyOf({ replicas: 2 }) }).reach).toEqual({
      form: 'tunnelled',
      sets: ['default/a-egress'],
      balancing: 'round-robin',
      outlierDetection: true,
    });
  });

  it('does not depend on what runs or is known', () => {
    const found = endpointsOf('a', { proxy: proxyOf(), autoDiscovery: { port: 80, protocol: 'TCP' } });
    const reachWith = (observations: Observations) => {
      const back = resolve(found, 'http', tablesFor([tailnetOf(), found], observations));
      return back.ok ? back.value.backend : undefined;
    };
    expect(reachWith(noObservations)).toBe(reachWith(known));
  });

  it('of a TailscaleServices is that of the member that needs most', () => {
    const labels = { app: 'web' };
    const plain = endpointsOf('plain', { endpoints: [machine] }, { labels });
    const proxied = endpointsOf('proxied', { endpoints: [machine], proxy: proxyOf() }, { labels });
    const formOf = (...objects: readonly AnyObject[]) => {
      const services = servicesOf('web', { backends: [backendEntry({ external: { address: '192.0.2.1', port: 80 } })] });
      const found = resolve(services, 'http', tablesFor([tailnetOf(), services, ...objects], known));
      return found.ok ? found.value.backend.reach?.form : undefined;
    };
    expect(formOf(plain)).toBe('plain');
    expect(formOf(plain, proxied)).toBe('proxied');
    expect(formOf(plain, { ...proxied, spec: { ...proxied.spec, proxy: proxyOf({ replicas: 3 }) } })).toBe('tunnelled');
  });
});

describe('a BackendTLSPolicy', () => {
  const policy = policyOf('pol');
  const targeting = (kind: string, name: string, sectionName?: string) => ({
    ...policy,
    spec: { ...policy.spec, targetRefs: [{ group, kind, name, ...(sectionName === undefined ? {} : { sectionName }) }] },
  });

  it('governs a TailscaleEndpoints, or a port of it by name, before what its protocol says', () => {
    const endpoints = [endpointOf('it', { tailscaleFQDN: 'a.tail1.ts.net', protocol: 'HTTPS' })];
    const ports = [{ name: 'web', port: 80, protocol: 'TCP' as const }];
    const hostOf = (objects: readonly AnyObject[]) => backendWith({ endpoints, ports }, { objects }).tls?.hostname;
    expect(hostOf([targeting('TailscaleEndpoints', 'a')])).toBe('web.example.com');
    expect(hostOf([targeting('TailscaleEndpoints', 'a', 'web')])).toBe('web.example.com');
    expect(hostOf([targeting('TailscaleEndpoints', 'a', 'other')])).toBe('a.tail1.ts.net');
    expect(hostOf([targeting('TailscaleServices', 'a')])).toBe('a.tail1.ts.net');
  });

  it('governs a TailscaleServices', () => {
    const services = servicesOf('web', { backends: [backendEntry({ external: { address: '192.0.2.1', port: 80 } })] });
    const found = resolve(services, 'http', tablesFor([services, targeting('TailscaleServices', 'web')], known));
    expect(found).toMatchObject({ ok: true, value: { backend: { tls: { hostname: 'web.example.com' } } } });
  });
});

describe('a route', () => {
  const endpoints = endpointsOf('a', { endpoints: [machine] });
  const ref = refTo('a', { group, kind: 'TailscaleEndpoints' });

  it.each([
    ['HTTPRoute', httpRouteOf(ruleOf({ backendRefs: [ref] }))],
    ['GRPCRoute', grpcRouteOf({ backendRefs: [ref] })],
    ['TLSRoute', streamRouteOf('TLSRoute', [ref])],
    ['TCPRoute', streamRouteOf('TCPRoute', [ref])],
  ])('of kind %s may refer to a TailscaleEndpoints', (_kind, route) => {
    const node = routeNodeOf(route, tablesFor([tailnetOf(), endpoints], known));
    expect(node.backends).toHaveLength(1);
    expect(node).not.toHaveProperty('unresolved');
    expect(node).not.toHaveProperty('remark');
  });

  it('of kind UDPRoute may refer to machines that take packets', () => {
    const packets = endpointsOf('a', { endpoints: [endpointOf('it', { tailscaleIP: '100.64.0.1', protocol: 'UDP' })] });
    const node = routeNodeOf(streamRouteOf('UDPRoute', [ref]), tablesFor([tailnetOf(), packets], known));
    expect(node.backends.map(({ protocol }) => protocol)).toEqual(['udp']);
  });

  it('resolves, with a remark, while the tailnet cannot be asked', () => {
    const route = httpRouteOf(ruleOf({ backendRefs: [ref] }));
    const node = routeNodeOf(route, tablesFor([tailnetOf(), endpoints]));
    expect(node).not.toHaveProperty('unresolved');
    expect(node.remark).toBe('All references resolve; spec.rules[0].backendRefs[0]: tailnet "prod" has not been heard of yet');
  });

  it('is the same node when a machine changes', () => {
    const route = httpRouteOf(ruleOf({ backendRefs: [ref] }));
    const [tailnet, device] = [tailnetOf(), deviceOf('one', '100.64.0.1')];
    const nodeWith = (observed: Device) => routeNodeOf(route, tablesFor([tailnet, endpoints], observationsOf([stateOf([observed])])));
    const node = nodeWith(device);
    expect(nodeWith(offline(device))).toBe(node);
  });

  it('needs a grant for another namespace, and learns nothing without one', () => {
    const far = refTo('a', { group, kind: 'TailscaleEndpoints', namespace: 'other' });
    const node = routeNodeOf(httpRouteOf(ruleOf({ backendRefs: [far] })), tablesFor([tailnetOf(), endpoints], known));
    expect(node.unresolved?.reason).toBe('RefNotPermitted');
    expect(messageOf(node.unresolved)).toContain('TailscaleEndpoints "other/a" is in another namespace');
  });
});
