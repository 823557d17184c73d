/** Values for tests of this folder. */
import type { HostedService, ProxySet } from '../../src/model/proxy-set.ts';

/** Set `shop/db-egress` of TailscaleEndpoints `shop/db`, two replicas in mode `connect`, and whatever a test says besides. */
export const proxySetFor = (more: Partial<ProxySet> = {}): ProxySet => ({
  owner: 'TailscaleEndpoints/shop/db',
  uid: 'f4b8b2c0-0000-4000-8000-000000000001',
  namespace: 'shop',
  name: 'db-egress',
  direction: 'egress',
  mode: 'connect',
  replicas: 2,
  tailnet: 'corp',
  controlURL: 'https://controlplane.tailscale.com',
  tags: ['tag:k8s'],
  hostnamePrefix: 'shop-db-egress',
  pod: {},
  forwards: new Map(),
  services: new Map(),
  gateways: [{ namespace: 'infra', name: 'edge' }],
  going: false,
  ...more,
});

/** Service of one port that leads to port 20001 of Gateway `infra/edge`, and whatever a test says besides. */
export const hostedFor = (name: string, more: Partial<HostedService> = {}): readonly [string, HostedService] => [
  name,
  {
    ports: new Map([
      [
        443,
        {
          host: 'edge-tailplane-tailnet.infra.svc',
          port: 20_001,
          envoy: { gateway: 'infra/edge', listener: `tailnet/corp/${name}/443` },
        },
      ],
    ]),
    wanted: true,
    ...more,
  },
];

/** Sets that between them say everything there is to say, by what they are about. */
export const variants: Readonly<Record<string, ProxySet>> = {
  defaults: proxySetFor(),
  'one replica': proxySetFor({ replicas: 1 }),
  forwarding: proxySetFor({
    mode: 'forward',
    forwards: new Map([
      [
        'db',
        {
          ip: '',
          fqdn: 'db.tail1234.ts.net',
          ports: [
            { protocol: 'UDP', matchPort: 10_053, targetPort: 53 },
            { protocol: 'TCP', matchPort: 10_431, targetPort: 5432 },
          ],
        },
      ],
      ['cache', { ip: '100.64.0.7', fqdn: '', ports: [{ protocol: 'TCP', matchPort: 10_001, targetPort: 6379 }] }],
    ]),
  }),
  'forwarding nothing': proxySetFor({ mode: 'forward' }),
  ingress: proxySetFor({ direction: 'ingress', name: 'db-ingress' }),
  'ingress for services': proxySetFor({
    direction: 'ingress',
    name: 'db-ingress',
    services: new Map([
      hostedFor('svc:web', { certificate: 'web.tail1234.ts.net' }),
      hostedFor('svc:db', {
        ports: new Map([
          [5432, { host: 'fd00:1::3', port: 5432 }],
          [22, { host: '10.1.0.3', port: 20_002, envoy: { gateway: 'infra/edge', listener: 'tailnet/corp/svc:db/22' } }],
        ]),
      }),
    ]),
  }),
  'ingress by kernels': proxySetFor({
    direction: 'ingress',
    name: 'db-ingress',
    mode: 'forward',
    services: new Map([
      [
        'svc:dns',
        {
          ports: new Map(),
          wanted: true,
          mapping: { ipv4: { from: '100.100.0.7', to: '10.96.0.10' }, ipv6: { from: 'fd7a:115c:a1e0::7', to: 'fd00::10' } },
        },
      ],
      ['svc:old', { ports: new Map(), wanted: true, mapping: { ipv4: { from: '100.100.0.8', to: '10.96.0.11' } } }],
    ]),
  }),
  'pods of its own': proxySetFor({
    replicas: 5,
    pod: {
      image: 'registry.example:5000/tailscale:v1.98.0',
      resources: { limits: { memory: '1Gi' } },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'edge', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
    },
  }),
  'used by nobody': proxySetFor({ gateways: [] }),
};
