import type { Kind } from '../../src/api/kinds.ts';

const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };

/** Specs that are right. The first of each kind uses every part of it. */
export const samples: readonly { readonly kind: Kind; readonly title: string; readonly spec: unknown }[] = [
  {
    kind: 'GatewayParameters',
    title: 'everything',
    spec: {
      autoscaling: { minReplicas: 2, maxReplicas: 10, targetCPUUtilizationPercentage: 70 },
      envoy: {
        image: 'envoyproxy/envoy:v1.40.0',
        imagePullPolicy: 'IfNotPresent',
        logLevel: 'off',
        concurrency: 2,
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '1Gi' } },
        securityContext: { readOnlyRootFilesystem: true },
        extraArgs: ['--disable-hot-restart'],
      },
      pod: {
        labels: { team: 'edge' },
        annotations: { 'example.com/note': 'ours' },
        imagePullSecrets: [{ name: 'registry' }],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'edge', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { podAntiAffinity: {} },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' }],
        priorityClassName: 'edge',
        securityContext: { runAsUser: 1000 },
      },
      service: {
        type: 'LoadBalancer',
        loadBalancerClass: 'tailscale',
        annotations: { 'tailscale.com/hostname': 'edge' },
        labels: { team: 'edge' },
        externalTrafficPolicy: 'Local',
        allocateLoadBalancerNodePorts: false,
        loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/8'],
        ipFamilyPolicy: 'PreferDualStack',
        ipFamilies: ['IPv6', 'IPv4'],
        nodePorts: [{ port: 443, nodePort: 30443 }],
      },
      podDisruptionBudget: { maxUnavailable: '50%' },
      shutdown: { drainTime: '1m30s' },
    },
  },
  { kind: 'GatewayParameters', title: 'nothing', spec: {} },
  { kind: 'GatewayParameters', title: 'a budget as a number', spec: { replicas: 3, podDisruptionBudget: { minAvailable: 2 } } },
  {
    kind: 'TailscaleTailnet',
    title: 'everything',
    spec: {
      tailnet: 'example.com',
      oauthSecretName: 'tailscale-oauth',
      oauthSecretNamespace: 'tailplane-system',
      audience: 'api.tailscale.com/T1234CNTRL',
      tags: ['tag:k8s', 'tag:edge'],
      apiURL: 'http://127.0.0.1:8085',
      controlURL: 'https://control.example.com',
      allowedNamespaces: { matchLabels: { tailnet: 'yes' }, matchExpressions: [{ key: 'team', operator: 'In', values: ['edge'] }] },
    },
  },
  { kind: 'TailscaleTailnet', title: 'the least', spec: { oauthSecretName: 'tailscale-oauth' } },
  {
    kind: 'TailscaleEndpoints',
    title: 'everything',
    spec: {
      tailnet: 'company',
      tags: ['tag:k8s'],
      proxy: {
        replicas: 2,
        connectionType: 'bidirectional',
        mode: 'forward',
        image: 'tailscale/tailscale:v1.100.0',
        resources: { requests: { cpu: '50m' } },
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
      },
      ports: [
        { port: 53, protocol: 'UDP', name: 'dns' },
        { port: 53, targetPort: 1053 },
      ],
      endpoints: [
        {
          name: 'db',
          tailscaleIP: '100.64.0.7',
          tailscaleFQDN: 'db.example.ts.net.',
          port: 5432,
          protocol: 'TCP',
          weight: 3,
          healthCheck: { path: '/health', interval: '5s', timeout: '1s500ms', healthyThreshold: 1, unhealthyThreshold: 2 },
        },
        { name: 'six', tailscaleIP: 'fd7a:115c:a1e0::1', port: 443, protocol: 'TLS', healthCheck: {} },
        { name: 'tagged', tags: ['tag:web'], port: 80, protocol: 'HTTP' },
        { name: 'stand-in', externalTarget: '[::1]:8080', port: 80, protocol: 'GRPC' },
        { name: 'service', externalTarget: 'web.shop.svc.cluster.local:80', port: 80, protocol: 'UDP' },
      ],
      autoDiscovery: { patterns: ['web-*'], excludePatterns: ['web-old'], tags: ['tag:web'], port: 8080, protocol: 'HTTPS' },
    },
  },
  { kind: 'TailscaleEndpoints', title: 'the least', spec: { tailnet: 'company' } },
  { kind: 'TailscaleEndpoints', title: 'by a group', spec: { tailnet: 'company', proxyGroup: 'shared' } },
  { kind: 'TailscaleEndpoints', title: 'proxies as they come', spec: { tailnet: 'company', proxy: {} } },
  {
    kind: 'TailscaleServices',
    title: 'everything',
    spec: {
      selector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'canary', operator: 'DoesNotExist' }] },
      vipService: { name: 'svc:web', ports: ['tcp:443', 'tcp:8000-8010'], tags: ['tag:web'], comment: 'The web.', autoApprove: true },
      loadBalancing: { strategy: 'failover', healthCheck: { enabled: false } },
      serviceDiscovery: { enabled: true, patterns: ['web-*'], excludePatterns: ['*-old'], syncInterval: '1m' },
      backends: [
        { kubernetes: { name: 'web', namespace: 'shop', port: 80 }, weight: 2 },
        { external: { address: 'web.example.com', port: 443 }, priority: 1 },
        { tailscale: { tailnet: 'company', address: 'svc:web', port: 443 }, priority: 2 },
      ],
      endpointTemplate: { tailnet: 'company', tags: ['tag:web'], labels: { app: 'web' }, proxy: { replicas: 2 }, ports: [{ port: 443 }] },
    },
  },
  { kind: 'TailscaleServices', title: 'all endpoints', spec: { selector: {}, vipService: { ports: ['do-not-validate'] } } },
  {
    kind: 'TailscaleGateway',
    title: 'everything',
    spec: {
      gatewayRef: { name: 'edge', namespace: 'gateways' },
      tailnets: [
        {
          name: 'company',
          tailscaleTailnetRef: { name: 'company' },
          serviceDiscovery: { patterns: ['*'], syncInterval: '30s' },
          routeGeneration: { ingress: { hostPattern: '{service}.{namespace}.{domain}', protocol: 'HTTP' }, egress: { enabled: false } },
          services: {
            namePattern: '{cluster}-{namespace}-{route}',
            scope: 'RouteAndGateway',
            gatewayAddresses: 'Replace',
            tags: ['tag:web'],
            comment: 'ours',
            autoApprove: true,
            redirect: false,
            certificate: 'MagicDNS',
            proxyGroup: 'front',
            withdrawWhenUnhealthy: false,
          },
        },
      ],
      proxy: { replicas: 3, tags: ['tag:ingress'], resources: { requests: { cpu: '100m' } } },
      extensionServer: { replicas: 2, image: 'example/extension' },
    },
  },
  {
    kind: 'TailscaleProxyGroup',
    title: 'everything',
    spec: {
      type: 'ingress',
      tailnet: 'company',
      replicas: 3,
      mode: 'forward',
      tags: ['tag:k8s'],
      hostnamePrefix: 'edge-',
      pod: { image: 'tailscale/tailscale:v1.100.0', nodeSelector: { disk: 'ssd' } },
    },
  },
  { kind: 'TailscaleProxyGroup', title: 'the least', spec: { type: 'egress', tailnet: 'company' } },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'everything',
    spec: {
      targetRefs: [
        { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', sectionName: 'https' },
        { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', sectionName: 'http' },
        { group: 'gateway.tailscale.com', kind: 'TailscaleServices', name: 'web' },
      ],
      rules: [
        {
          name: 'admins',
          priority: 10,
          matches: [
            {
              path: { value: '/admin' },
              headers: [{ name: 'x-team', value: '^edge', type: 'RegularExpression' }],
              queryParams: [{ name: 'debug', value: '1' }],
              method: 'GET',
              identity: { users: ['alice@example.com'], groups: ['group:admins'], tags: ['tag:ci'], nodes: ['laptop'] },
            },
          ],
          actions: {
            route: {
              backendRefs: [
                { name: 'web', port: 80, weight: 9 },
                { name: 'next', port: 80 },
              ],
            },
            requestHeaderModifier: {
              set: [{ name: 'X-From', value: 'tailnet' }],
              add: [{ name: 'X-Via', value: 'edge' }],
              remove: ['X-Old'],
            },
            responseHeaderModifier: { remove: ['Server'] },
            retry: { attempts: 2, codes: [502, 503], backoff: '100ms' },
            timeouts: { request: '10s', backendRequest: '2s' },
            rateLimit: {
              local: { requests: 100, unit: 'Minute', burst: 20 },
              global: {
                backendRef: { name: 'limits', namespace: 'infra', port: 8081 },
                descriptors: [
                  { key: 'user', identity: 'User' },
                  { key: 'plan', header: 'x-plan' },
                  { key: 'fixed', value: 'yes' },
                ],
              },
            },
            jwt: {
              providers: [
                {
                  name: 'idp',
                  issuer: 'https://idp.example.com',
                  audiences: ['web'],
                  jwks: { uri: 'https://idp.example.com/keys' },
                  claimToHeaders: [{ claim: 'sub', header: 'x-sub' }],
                },
                { name: 'own', issuer: 'own', jwks: { configMapRef: { name: 'keys' } } },
              ],
            },
            basicAuth: { secretRef: { name: 'users' } },
            externalAuth: {
              protocol: 'HTTP',
              backendRef: { name: 'auth', port: 80 },
              http: { path: '/check', allowedHeaders: ['cookie'], allowedResponseHeaders: ['x-user'] },
              forwardBody: { maxSize: 1024 },
            },
            cors: { allowOrigins: ['https://*.example.com'], allowMethods: ['GET'], allowCredentials: true },
            identity: { allow: { groups: ['autogroup:member'] }, deny: { tags: ['tag:ci'] } },
            circuitBreaker: { maxConnections: 100, maxPendingRequests: 0, maxRequests: 100, maxRetries: 3 },
            outlierDetection: { consecutive5xx: 5, interval: '10s', baseEjectionTime: '30s', maxEjectionPercent: 50 },
          },
        },
        {
          actions: {
            redirect: { scheme: 'https', hostname: 'new.example.com', port: 443, path: { replacePrefixMatch: '/v2' }, statusCode: 308 },
          },
        },
      ],
    },
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'on routes of bytes and their rules',
    spec: {
      targetRefs: ['TCPRoute', 'TLSRoute'].flatMap((kind) => [
        { group: 'gateway.networking.k8s.io', kind, name: 'a' },
        { group: 'gateway.networking.k8s.io', kind, name: 'a', sectionName: 'rule' },
      ]),
      rules: [{ actions: { identity: { allow: { tags: ['tag:ci'] } } } }],
    },
  },
];

/** Specs that are wrong, with a part of what `check` says about each. */
export const refusals: readonly { readonly kind: Kind; readonly title: string; readonly spec: unknown; readonly because: string }[] = [
  {
    kind: 'GatewayParameters',
    title: 'fixed and automatic',
    spec: { replicas: 2, autoscaling: { maxReplicas: 3 } },
    because: 'replicas and autoscaling exclude each other',
  },
  {
    kind: 'GatewayParameters',
    title: 'a least above the most',
    spec: { autoscaling: { minReplicas: 4, maxReplicas: 3 } },
    because: 'minReplicas must not exceed maxReplicas',
  },
  { kind: 'GatewayParameters', title: 'a typing slip', spec: { replica: 2 }, because: 'unknown field' },
  { kind: 'GatewayParameters', title: 'an image with a space', spec: { envoy: { image: 'a b' } }, because: 'must match' },
  {
    kind: 'GatewayParameters',
    title: 'node ports of a ClusterIP',
    spec: { service: { type: 'ClusterIP', nodePorts: [{ port: 80, nodePort: 30080 }] } },
    because: 'nodePorts needs type LoadBalancer or NodePort',
  },
  {
    kind: 'GatewayParameters',
    title: 'a port twice',
    spec: {
      service: {
        nodePorts: [
          { port: 80, nodePort: 30080 },
          { port: 80, nodePort: 30081 },
        ],
      },
    },
    because: 'duplicate of item 0',
  },
  {
    kind: 'GatewayParameters',
    title: 'a budget both ways',
    spec: { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } },
    because: 'minAvailable and maxUnavailable exclude each other',
  },
  {
    kind: 'GatewayParameters',
    title: 'a share that is none',
    spec: { podDisruptionBudget: { maxUnavailable: 'half' } },
    because: 'must be a number from 0, or a percentage such as 50%',
  },
  { kind: 'GatewayParameters', title: 'a drain time in days', spec: { shutdown: { drainTime: '1d' } }, because: 'must match' },
  { kind: 'TailscaleTailnet', title: 'no credentials', spec: {}, because: 'is required' },
  { kind: 'TailscaleTailnet', title: 'a tag without its prefix', spec: { oauthSecretName: 'a', tags: ['k8s'] }, because: 'must match' },
  {
    kind: 'TailscaleTailnet',
    title: 'a tag twice',
    spec: { oauthSecretName: 'a', tags: ['tag:a', 'tag:a'] },
    because: 'duplicate of item 0',
  },
  {
    kind: 'TailscaleTailnet',
    title: 'an API address without a scheme',
    spec: { oauthSecretName: 'a', apiURL: 'api.example.com' },
    because: 'must match',
  },
  {
    kind: 'TailscaleTailnet',
    title: 'a selector that compares with nothing',
    spec: { oauthSecretName: 'a', allowedNamespaces: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    because: 'In and NotIn need values',
  },
  { kind: 'TailscaleEndpoints', title: 'no tailnet', spec: {}, because: 'is required' },
  {
    kind: 'TailscaleEndpoints',
    title: 'proxies of its own and of a group',
    spec: { tailnet: 'a', proxy: {}, proxyGroup: 'b' },
    because: 'proxy and proxyGroup exclude each other',
  },
  {
    kind: 'TailscaleEndpoints',
    title: 'a machine that nothing names',
    spec: { tailnet: 'a', endpoints: [{ name: 'a', port: 80 }] },
    because: 'one of tailscaleIP, tailscaleFQDN, externalTarget and tags',
  },
  {
    kind: 'TailscaleEndpoints',
    title: 'an address that is none',
    spec: { tailnet: 'a', endpoints: [{ name: 'a', port: 80, tailscaleIP: '100.64.0' }] },
    because: 'an IPv4 address',
  },
  {
    kind: 'TailscaleEndpoints',
    title: 'a name twice',
    spec: {
      tailnet: 'a',
      endpoints: [
        { name: 'a', port: 80, tailscaleIP: '100.64.0.1' },
        { name: 'a', port: 81, tailscaleIP: '100.64.0.2' },
      ],
    },
    because: 'duplicate of item 0',
  },
  {
    kind: 'TailscaleEndpoints',
    title: 'an external target without a port',
    spec: { tailnet: 'a', endpoints: [{ name: 'a', port: 80, externalTarget: 'web' }] },
    because: 'must match',
  },
  {
    kind: 'TailscaleEndpoints',
    title: 'a health check that waits longer than it rests',
    spec: { tailnet: 'a', endpoints: [{ name: 'a', port: 80, tailscaleIP: '100.64.0.1', healthCheck: { interval: '1s' } }] },
    because: 'timeout must not exceed interval',
  },
  { kind: 'TailscaleEndpoints', title: 'an unknown mode', spec: { tailnet: 'a', proxy: { mode: 'magic' } }, because: 'must be one of' },
  { kind: 'TailscaleServices', title: 'nothing to serve', spec: {}, because: 'one of selector, backends and serviceDiscovery' },
  {
    kind: 'TailscaleServices',
    title: 'a template without a selector',
    spec: { backends: [], endpointTemplate: { tailnet: 'a' } },
    because: 'endpointTemplate needs a selector',
  },
  {
    kind: 'TailscaleServices',
    title: 'a service name without its prefix',
    spec: { selector: {}, vipService: { name: 'web' } },
    because: 'must match',
  },
  {
    kind: 'TailscaleServices',
    title: 'a service name in capitals',
    spec: { selector: {}, vipService: { name: 'svc:Web' } },
    because: 'must match',
  },
  {
    kind: 'TailscaleServices',
    title: 'ports that are and are not to be checked',
    spec: { selector: {}, vipService: { ports: ['do-not-validate', 'tcp:80'] } },
    because: 'do-not-validate stands alone',
  },
  {
    kind: 'TailscaleServices',
    title: 'a backend that is nothing',
    spec: { backends: [{ weight: 1 }] },
    because: 'exactly one of kubernetes, external and tailscale',
  },
  {
    kind: 'TailscaleServices',
    title: 'a backend that is two things',
    spec: { backends: [{ external: { address: 'a', port: 80 }, tailscale: { address: 'b', port: 80 } }] },
    because: 'exactly one of kubernetes, external and tailscale',
  },
  { kind: 'TailscaleGateway', title: 'no Gateway', spec: {}, because: 'is required' },
  {
    kind: 'TailscaleGateway',
    title: 'a route where a Gateway belongs',
    spec: { gatewayRef: { kind: 'HTTPRoute', name: 'a' } },
    because: 'must be a Gateway of gateway.networking.k8s.io',
  },
  {
    kind: 'TailscaleGateway',
    title: 'an unknown variable',
    spec: {
      gatewayRef: { name: 'a' },
      tailnets: [{ name: 'a', tailscaleTailnetRef: { name: 'a' }, routeGeneration: { ingress: { hostPattern: '{svc}.local' } } }],
    },
    because: 'must match',
  },
  {
    kind: 'TailscaleGateway',
    title: 'a name pattern that makes no DNS label',
    spec: {
      gatewayRef: { name: 'a' },
      tailnets: [{ name: 'a', tailscaleTailnetRef: { name: 'a' }, services: { namePattern: '{route}.x' } }],
    },
    because: 'must match',
  },
  { kind: 'TailscaleProxyGroup', title: 'both ways at once', spec: { type: 'bidirectional', tailnet: 'a' }, because: 'must be one of' },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'no target',
    spec: { targetRefs: [], rules: [{ actions: { timeouts: { request: '1s' } } }] },
    because: 'must have at least 1 items',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a Service as target',
    spec: { targetRefs: [{ group: '', kind: 'Service', name: 'a' }], rules: [{ actions: { timeouts: { request: '1s' } } }] },
    because: 'must be a Gateway, HTTPRoute, GRPCRoute, TCPRoute or TLSRoute',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a UDPRoute as target',
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'UDPRoute', name: 'a' }],
      rules: [{ actions: { timeouts: { request: '1s' } } }],
    },
    because: 'must be a Gateway, HTTPRoute, GRPCRoute, TCPRoute or TLSRoute',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a target twice',
    spec: { targetRefs: [gateway, gateway], rules: [{ actions: { timeouts: { request: '1s' } } }] },
    because: 'every target may be named once',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a part of what has none',
    spec: {
      targetRefs: [{ group: 'gateway.tailscale.com', kind: 'TailscaleServices', name: 'a', sectionName: 'b' }],
      rules: [{ actions: { timeouts: { request: '1s' } } }],
    },
    because: 'sectionName names a listener',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'no action',
    spec: { targetRefs: [gateway], rules: [{ actions: {} }] },
    because: 'must have at least 1 entries',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a route and a redirect',
    spec: { targetRefs: [gateway], rules: [{ actions: { route: { backendRefs: [{ name: 'a' }] }, redirect: { scheme: 'https' } } }] },
    because: 'route and redirect exclude each other',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a path without its slash',
    spec: { targetRefs: [gateway], rules: [{ matches: [{ path: { value: 'a' } }], actions: { timeouts: { request: '1s' } } }] },
    because: 'value must begin with a slash',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a header name with a space',
    spec: { targetRefs: [gateway], rules: [{ actions: { requestHeaderModifier: { remove: ['a b'] } } }] },
    because: 'must match',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'keys from two places',
    spec: {
      targetRefs: [gateway],
      rules: [{ actions: { jwt: { providers: [{ name: 'a', issuer: 'b', jwks: { uri: 'https://a', configMapRef: { name: 'c' } } }] } } }],
    },
    because: 'exactly one of uri and configMapRef',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'an empty match of identity',
    spec: { targetRefs: [gateway], rules: [{ matches: [{ identity: {} }], actions: { timeouts: { request: '1s' } } }] },
    because: 'must have at least 1 entries',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'an allowed nobody',
    spec: { targetRefs: [gateway], rules: [{ actions: { identity: { allow: { users: [] } } } }] },
    because: 'must have at least 1 items',
  },
  ...[{}, { allow: {} }, { deny: {} }].map((identity) => ({
    kind: 'TailscaleRoutePolicy' as const,
    title: `identity ${JSON.stringify(identity)}`,
    spec: { targetRefs: [gateway], rules: [{ actions: { identity } }] },
    because: 'must have at least 1 entries',
  })),
  {
    kind: 'TailscaleRoutePolicy',
    title: 'HTTP settings of a gRPC service',
    spec: { targetRefs: [gateway], rules: [{ actions: { externalAuth: { protocol: 'GRPC', backendRef: { name: 'a' }, http: {} } } }] },
    because: 'http needs protocol HTTP',
  },
  {
    kind: 'TailscaleRoutePolicy',
    title: 'a limit by two things',
    spec: {
      targetRefs: [gateway],
      rules: [{ actions: { rateLimit: { global: { backendRef: { name: 'a' }, descriptors: [{ key: 'a', value: 'b', header: 'c' }] } } } }],
    },
    because: 'exactly one of value, header and identity',
  },
];

const condition = (type: string, status: string) => ({
  type,
  status,
  reason: 'Test',
  message: '',
  lastTransitionTime: '2026-01-02T03:04:05Z',
  observedGeneration: 1,
});

/** What `kubectl get` shows of an object with this status, beside its name and age. */
export const tables: readonly {
  readonly kind: Kind;
  readonly spec: unknown;
  readonly status: unknown;
  readonly row: Readonly<Record<string, unknown>>;
}[] = [
  {
    kind: 'TailscaleTailnet',
    spec: { oauthSecretName: 'tailscale-oauth' },
    status: {
      observedGeneration: 1,
      conditions: [condition('Authenticated', 'False'), condition('Ready', 'True')],
      tailnetInfo: { name: 'example.com', organization: 'Example', magicDNSSuffix: 'tail1.ts.net' },
      deviceCount: 7,
      connectedDevices: 5,
      lastSyncTime: '2026-01-02T03:04:05Z',
      apiStatus: 'Available',
      credentialStatus: 'Valid',
    },
    row: { Tailnet: 'example.com', Ready: 'True', Devices: 7, Connected: 5 },
  },
  {
    kind: 'TailscaleEndpoints',
    spec: { tailnet: 'company', proxy: {} },
    status: {
      observedGeneration: 1,
      conditions: [condition('StatefulSetsReady', 'True'), condition('Synced', 'True'), condition('Ready', 'False')],
      statefulSetRefs: [{ name: 'a', namespace: 'default', connectionType: 'egress', readyReplicas: 1, desiredReplicas: 2 }],
      statefulSets: [{ name: 'a', namespace: 'default', connectionType: 'egress', service: 'a', createdAt: '2026-01-02T03:04:05Z' }],
      devices: [{ statefulSetPod: 'a-0', hostname: 'a', tailscaleIP: '100.64.0.1', connected: true, online: true, tags: ['tag:k8s'] }],
      endpointStatus: [{ name: 'db', tailscaleIP: '100.64.0.7', healthStatus: 'Healthy' }],
      totalEndpoints: 3,
      healthyEndpoints: 2,
      discoveredEndpoints: 1,
      lastSync: '2026-01-02T03:04:05Z',
    },
    row: { Tailnet: 'company', Type: 'egress', Ready: 'False', Endpoints: 3, Healthy: 2 },
  },
  {
    kind: 'TailscaleServices',
    spec: { selector: {} },
    status: {
      observedGeneration: 1,
      conditions: [condition('Ready', 'True')],
      selectedEndpoints: [
        { name: 'web', namespace: 'default', machines: ['a'], status: 'Ready', healthStatus: { healthyMachines: 1, unhealthyMachines: 0 } },
      ],
      vipServiceStatus: {
        created: true,
        serviceName: 'svc:web',
        addresses: ['100.100.0.1', 'fd7a:115c:a1e0::2'],
        dnsName: 'web.tail1.ts.net',
        backendCount: 2,
        healthyBackendCount: 1,
        ownerOperator: 'a',
        consumers: ['east', 'west'],
      },
      totalBackends: 2,
      healthyBackends: 1,
    },
    row: { Service: 'svc:web', Ready: 'True', Backends: 2, Healthy: 1, Address: '100.100.0.1' },
  },
  {
    kind: 'TailscaleGateway',
    spec: { gatewayRef: { name: 'edge' } },
    status: {
      observedGeneration: 1,
      conditions: [condition('Accepted', 'True'), condition('ServicesReady', 'False'), condition('Conflicted', 'False')],
      tailnetStatus: [
        { name: 'company', discoveredServices: 2, lastSync: '2026-01-02T03:04:05Z', conditions: [condition('Ready', 'True')] },
      ],
      generatedRoutes: { ingressRoutes: 4, egressRoutes: 2 },
      services: [
        { name: 'svc:web', tailnet: 'company', vipAddresses: ['100.100.0.1'], ownerCluster: 'east', consumerCount: 2, status: 'Ready' },
        { name: 'svc:web', tailnet: 'lab', dnsName: 'web.lab.ts.net', ports: ['tcp:443'], routes: ['HTTPRoute/a/b'], message: 'why' },
      ],
    },
    row: { Gateway: 'edge', Accepted: 'True', Services: 'False', Ingress: 4, Egress: 2 },
  },
  {
    kind: 'TailscaleProxyGroup',
    spec: { type: 'egress', tailnet: 'company' },
    status: {
      observedGeneration: 1,
      conditions: [condition('Ready', 'False')],
      readyReplicas: 1,
      devices: [{ statefulSetPod: 'a-0', lastSeen: '2026-01-02T03:04:05Z' }],
    },
    row: { Type: 'egress', Tailnet: 'company', Replicas: 2, Available: 1, Ready: 'False' },
  },
  {
    kind: 'TailscaleRoutePolicy',
    spec: { targetRefs: [gateway], rules: [{ actions: { timeouts: { request: '1s' } } }] },
    status: {
      ancestors: [
        { ancestorRef: { name: 'edge' }, controllerName: 'gateway.tailscale.com/tailplane', conditions: [condition('Accepted', 'True')] },
      ],
    },
    row: { Kind: 'Gateway', Target: 'edge', Accepted: 'True' },
  },
  {
    kind: 'GatewayParameters',
    spec: { autoscaling: { maxReplicas: 5 }, service: { type: 'ClusterIP' } },
    status: { observedGeneration: 1, conditions: [condition('Accepted', 'True')] },
    row: { Replicas: null, Max: 5, Service: 'ClusterIP' },
  },
];
