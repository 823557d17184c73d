import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gateway, HTTPRoute } from '../../api/generated/gateway-api.ts';
import type { TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Device, ObservedProxies, Observations, TailnetState } from '../../api/observations.ts';
import type { Objects } from '../../api/objects.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import { refTo } from '../routes/fixtures.ts';
import {
  backendEntry,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  objectsOf,
  observationsOf,
  offline,
  proxiesOf,
  proxyOf,
  servicesOf,
  stateOf,
  tailnetOf,
  vipServiceOf,
} from './fixtures.ts';

/** Two tailnets that give out the same addresses, and each one of its own. */
const names = ['prod', 'lab'] as const;

const devicesIn = (tailnet: string): readonly (readonly Device[])[] => {
  const device = (name: string, address: string, more: Partial<Device> = {}) =>
    deviceOf(name, address, { fqdn: `${name}.${tailnet}.ts.net`, tags: ['tag:web'], ...more });
  const own = tailnet === 'prod' ? '100.64.1.1' : '100.64.2.1';
  return [
    [device('a', '100.64.0.1'), offline(device('a', '100.64.0.1')), device('a', '100.64.0.9')],
    [device('b', '100.64.0.2', { tags: [] }), device('b', '100.64.0.2')],
    [device('own', own), offline(device('own', own)), device('a', own, { id: 'n-own' })],
  ];
};

const service = vipServiceOf('svc:web', '100.100.0.1');

/** What may be there of each thing: one of its states, or nothing. Each state is one object, as a source that says the same gives the same. */
const endpointsIn = (tailnet: string): readonly (readonly TailscaleEndpoints[])[] => {
  const labels = { app: 'web' };
  const byAddress = [endpointOf('a', { tailscaleIP: '100.64.0.1' }), endpointOf('b', { tailscaleIP: '100.64.0.2', weight: 2 })];
  const autoDiscovery = { port: 80, protocol: 'TCP' } as const;
  return [
    [endpointsOf(`${tailnet}-found`, { tailnet, autoDiscovery }, { labels })],
    [
      endpointsOf(`${tailnet}-proxied`, { tailnet, proxy: proxyOf(), endpoints: byAddress }, { labels }),
      endpointsOf(`${tailnet}-proxied`, { tailnet, proxy: proxyOf({ replicas: 2 }), endpoints: byAddress }),
    ],
    [
      endpointsOf(
        `${tailnet}-tagged`,
        { tailnet, proxyGroup: 'shared', endpoints: [endpointOf('web', { tags: ['tag:web'] })] },
        { labels },
      ),
    ],
    [endpointsOf(`${tailnet}-named`, { tailnet, endpoints: [endpointOf('a', { tailscaleFQDN: `a.${tailnet}.ts.net` })] })],
    [
      endpointsOf(`${tailnet}-forward`, { tailnet, proxy: proxyOf({ mode: 'forward' }), endpoints: byAddress }),
      endpointsOf(`${tailnet}-forward`, { tailnet, proxy: proxyOf({ mode: 'forward' }), endpoints: byAddress.slice(0, 1) }, { labels }),
    ],
  ];
};

const services: readonly TailscaleServices[] = [
  servicesOf('web', { vipService: { autoApprove: false }, loadBalancing: { strategy: 'failover' } }),
  servicesOf('web', { backends: [backendEntry({ tailscale: { tailnet: 'lab', address: '100.64.0.1', port: 80 } })] }),
];

const gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'edge', namespace: 'default', generation: 1 },
  spec: {
    gatewayClassName: 'tailplane',
    listeners: [{ name: 'http', port: 8080, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'Same' } } }],
  },
} as unknown as Gateway;

const routeTo = (kind: string, name: string): HTTPRoute =>
  ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'default', generation: 1 },
    spec: {
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }],
      hostnames: [`${name}.example.com`],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [refTo(name, { group: 'gateway.tailscale.com', kind, port: 80 })],
        },
      ],
    },
  }) as unknown as HTTPRoute;

const fixed: readonly AnyObject[] = [
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'tailplane', generation: 1 },
    spec: { controllerName: 'gateway.tailscale.com/tailplane' },
  },
  gateway,
  ...names.map((name) => tailnetOf(name)),
  groupOf('shared'),
  ...names.flatMap((tailnet) => endpointsIn(tailnet).map(([one]) => routeTo('TailscaleEndpoints', one?.metadata.name ?? ''))),
  routeTo('TailscaleServices', 'web'),
];

const sliceStates = ['shared', ...names.flatMap((tailnet) => [`${tailnet}-proxied-egress`, `${tailnet}-forward-egress`])].map(
  (set, index) => [proxiesOf(set, [`10.0.${index}.1`]), proxiesOf(set, [`10.0.${index}.1`, `10.0.${index}.2`]), proxiesOf(set, [])],
);

const forwarding: ObservedProxies = {
  desired: 1,
  ready: 1,
  pods: [
    {
      pod: 'x-0',
      ips: ['10.0.2.1', '10.0.4.1'],
      ready: true,
      joined: true,
      addresses: [],
      wantsKey: false,
      nodeId: 'n-b',
      fqdn: 'b.prod.ts.net',
      forwards: new Map([['100.64.0.1', [{ protocol: 'TCP', matchPort: 10_001, targetPort: 80 }]]]),
    },
  ],
};

type World = { readonly objects: Objects; readonly observations: Observations };

const oneOf = <V>(states: readonly V[]): fc.Arbitrary<readonly V[]> => fc.subarray([...states], { maxLength: 1 });
const someOf = <V>(things: readonly (readonly V[])[]): fc.Arbitrary<readonly V[]> =>
  fc.tuple(...things.map((states) => oneOf(states))).map((chosen) => chosen.flat());

const tailnetState = (name: string): fc.Arbitrary<readonly TailnetState[]> =>
  fc
    .record({
      devices: someOf(devicesIn(name)),
      vips: oneOf([service]),
      heard: fc.constantFrom('heard', 'heard', 'heard', 'trouble', 'never'),
    })
    .map(({ devices, vips, heard }) => {
      if (heard === 'never') return [];
      const trouble = { kind: 'unreachable', message: 'no answer', since: '2026-01-01T00:00:00Z' } as const;
      return [heard === 'trouble' ? { name, trouble } : stateOf(devices, vips, { name, suffix: `${name}.ts.net` })];
    });

const world: fc.Arbitrary<World> = fc
  .record({
    endpoints: someOf(names.flatMap(endpointsIn)),
    services: oneOf(services),
    slices: someOf(sliceStates),
    states: fc.tuple(...names.map(tailnetState)).map((states) => states.flat()),
    seen: fc.boolean(),
  })
  .map(({ endpoints, services: chosen, slices, states, seen }) => ({
    objects: objectsOf(...fixed, ...endpoints, ...chosen, ...slices),
    observations: observationsOf(states, seen ? { 'default/prod-forward-egress': forwarding } : {}),
  }));

const options = { privilegedPorts: false, exclusivePorts: true, defaultAddresses: ['127.0.0.1'] };

describe('whatever happens', () => {
  it('what is made of changes is what would be made anew', () => {
    fc.assert(
      fc.property(fc.array(world, { minLength: 2, maxLength: 5 }), (worlds) => {
        const build = graphBuilder(options);
        for (const { objects, observations } of worlds) {
          expect(build(objects, observations)).toEqual(graphBuilder(options)(objects, observations));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('the same again is the same object', () => {
    fc.assert(
      fc.property(world, ({ objects, observations }) => {
        const build = graphBuilder(options);
        const { endpoints, gateways } = build(objects, observations);
        const again = build(objects, observations);
        expect(again.endpoints).toBe(endpoints);
        expect(again.gateways).toBe(gateways);
      }),
    );
  });

  it('machines of one tailnet are never reached as those of another, nor are its answers believed of another', () => {
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 3 }), (worlds) => {
        const build = graphBuilder(options);
        for (const { objects, observations } of worlds) {
          const graph = build(objects, observations);
          for (const name of names) expect(foundIn(graph, name)).toEqual(expectedIn(objects, observations, name));
        }
      }),
    );
  });
});

const foundIn = ({ endpoints }: Graph, tailnet: string): readonly string[] | undefined =>
  endpoints
    .get(`TailscaleEndpoints/default/${tailnet}-found/80`)
    ?.flatMap((locality) => locality.endpoints.map(({ address, healthy }) => `${address} ${healthy ? 'healthy' : 'unhealthy'}`));

/** By the plainest reading of what auto-discovery of everything means; our own proxy is no machine. */
const expectedIn = (objects: Objects, { tailnets, proxies }: Observations, tailnet: string): readonly string[] | undefined => {
  const devices = tailnets.get(tailnet)?.known?.devices;
  if (!objects.TailscaleEndpoints.has(`default/${tailnet}-found`) || devices === undefined) return undefined;
  return [...devices.values()]
    .filter(({ id, fqdn }) => proxies.size === 0 || id !== 'n-b' || fqdn !== 'b.prod.ts.net')
    .map(({ addresses: [address], usable }) => `${address} ${usable ? 'healthy' : 'unhealthy'}`)
    .toSorted();
};
