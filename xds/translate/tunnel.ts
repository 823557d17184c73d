/**
 * Connections through HTTP proxies into tailnets. An endpoint of a tunnelled backend is an address inside Envoy, and its metadata say where
 * it really is (`tunnelled-endpoints.ts`). The first internal listener turns each connection into a CONNECT request for that target; the
 * second sends the request to one of the proxies that lead there, and to another one when that cannot be connected to, or cannot connect. So a
 * proxy may die without a byte of a client having been lost on it, whatever the protocol; and a target that does not answer is given up after a while,
 * where tailscaled would go on trying for two minutes. Neither is possible in one step: only the HTTP connection manager waits for an
 * answer with a limit, and only the TCP proxy makes CONNECT requests of bytes. Endpoints by name go another way, without a proxy.
 */
import { any } from '../any.ts';
import { proxiesClusterName, tunnelMetadata, tunnelNames } from '../names.ts';
import type { Cluster, HttpConnectionManager, Listener, NetworkFilter, TcpProxy } from '../types.ts';
import { commonCluster, plainCluster } from './cluster.ts';
import { adsSourceOfTailnet } from './config-source.ts';
import { connectionBufferBytes } from './limits.ts';
import { elsewhere } from './retry-policy.ts';

/** Names the cluster of proxies that a CONNECT request goes to; taken away before it does. */
const proxiesHeader = 'x-tailplane-proxies';

/** From target unreachable to the client knowing it. As long as two proxies that do not answer, and a slow path through a relay, may take. */
const establishTimeout = '8s';
const proxyConnectTimeout = '2s';

/** What tailscaled answers when it cannot connect to the target: as long as it has not, trying again is safe, and another proxy may know a way. */
const refused = 500;

const carried = (key: string): string => `%DYNAMIC_METADATA(${tunnelMetadata}:${key})%`;

const tcpProxyTo = (cluster: string, more: TcpProxy = {}): NetworkFilter => ({
  name: 'envoy.filters.network.tcp_proxy',
  typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { statPrefix: cluster, cluster, ...more }),
});

const internalListener = (name: string, filters: readonly NetworkFilter[]): Listener => ({
  name,
  internalListener: {},
  perConnectionBufferLimitBytes: connectionBufferBytes,
  // Clients are counted where they come in.
  ignoreGlobalConnLimit: true,
  filterChains: [{ filters }],
});

const connectManager: HttpConnectionManager = {
  statPrefix: tunnelNames.connectListener,
  codecType: 'HTTP1',
  upgradeConfigs: [{ upgradeType: 'CONNECT' }],
  // A CONNECT request never ends, so this is the time until it is answered.
  requestTimeout: establishTimeout,
  // What is silent for too long is ended where clients come in.
  streamIdleTimeout: '0s',
  // A tunnel that has ended is closed as soon as its bytes are on their way, not a second later.
  delayedCloseTimeout: '0s',
  generateRequestId: false,
  routeConfig: {
    name: tunnelNames.connectListener,
    virtualHosts: [
      {
        name: tunnelNames.connectListener,
        domains: ['*'],
        requestHeadersToRemove: [proxiesHeader],
        routes: [
          {
            match: { connectMatcher: {} },
            route: {
              clusterHeader: proxiesHeader,
              timeout: '0s',
              retryPolicy: {
                retryOn: 'connect-failure,retriable-status-codes',
                retriableStatusCodes: [refused],
                numRetries: 2,
                ...elsewhere,
              },
            },
          },
        ],
      },
    ],
  },
  httpFilters: [
    {
      name: 'envoy.filters.http.router',
      typedConfig: any('envoy.extensions.filters.http.router.v3.Router', { suppressEnvoyHeaders: true }),
    },
  ],
};

/** For both the filter that looks a name up and the cluster that connects to it: they share one cache of answers. */
const dnsCacheConfig = { name: tunnelNames.names, dnsLookupFamily: 'ALL' } as const;

const stateFrom = (objectKey: string, key: string) => ({ objectKey, formatString: { textFormatSource: { inlineString: carried(key) } } });

/** LDS entries, the same in every Gateway that has them. */
export const tunnelListeners: readonly Listener[] = [
  internalListener(tunnelNames.listener, [
    tcpProxyTo(tunnelNames.connect, {
      tunnelingConfig: {
        hostname: carried('target'),
        headersToAdd: [{ header: { key: proxiesHeader, value: carried('proxies') } }],
      },
    }),
  ]),
  internalListener(tunnelNames.connectListener, [
    {
      name: 'envoy.filters.network.http_connection_manager',
      typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', connectManager),
    },
  ]),
  internalListener(tunnelNames.namesListener, [
    {
      name: 'envoy.filters.network.set_filter_state',
      typedConfig: any('envoy.extensions.filters.network.set_filter_state.v3.Config', {
        onNewConnection: [stateFrom('envoy.upstream.dynamic_host', 'host'), stateFrom('envoy.upstream.dynamic_port', 'port')],
      }),
    },
    {
      name: 'envoy.filters.network.sni_dynamic_forward_proxy',
      typedConfig: any('envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig', { dnsCacheConfig }),
    },
    tcpProxyTo(tunnelNames.names, { maxConnectAttempts: 3 }),
  ]),
];

/** CDS entries, the same in every Gateway that has them. */
export const tunnelClusters: readonly Cluster[] = [
  {
    name: tunnelNames.connect,
    type: 'STATIC',
    loadAssignment: {
      clusterName: tunnelNames.connect,
      endpoints: [
        { lbEndpoints: [{ endpoint: { address: { envoyInternalAddress: { serverListenerName: tunnelNames.connectListener } } } }] },
      ],
    },
    ...commonCluster,
  },
  {
    name: tunnelNames.names,
    clusterType: {
      name: 'envoy.clusters.dynamic_forward_proxy',
      typedConfig: any('envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', { dnsCacheConfig }),
    },
    ...commonCluster,
    lbPolicy: 'CLUSTER_PROVIDED',
  },
];

/** CDS entry of a set of proxies. They are checked by connecting, since what a proxy answers is about its targets. */
export const proxiesClusterFrom = (set: string): Cluster => ({
  ...plainCluster(proxiesClusterName(set)),
  edsClusterConfig: { edsConfig: adsSourceOfTailnet },
  connectTimeout: proxyConnectTimeout,
  healthChecks: [
    {
      timeout: proxyConnectTimeout,
      interval: '5s',
      intervalJitterPercent: 10,
      unhealthyInterval: '2s',
      healthyThreshold: 1,
      unhealthyThreshold: 1,
      tcpHealthCheck: {},
    },
  ],
});
