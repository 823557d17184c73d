import { any } from '../xds/any.ts';
import type { HostPort } from '../src/lib/host-port.ts';
import type { Bootstrap, Cluster, ConfigSource, TransportSocket } from '../xds/types.ts';
import { addressFrom, isIpLiteral } from './address.ts';

const xdsCluster = 'tailplane';

/** Waits for the first configuration for ever: an Envoy without one must not report itself ready. */
const overAds: ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' };

export type FollowingOptions = {
  readonly xds: HostPort;
  readonly apiType: 'GRPC' | 'DELTA_GRPC';
  readonly admin: HostPort;
  /** Towards tailplane; plain text when absent. */
  readonly transportSocket?: TransportSocket;
};

/**
 * Bootstrap of an Envoy that gets everything else over ADS, but for its node. The internal-listener extension is on, and connections are
 * capped so that a flood ends in refusals, not in the death of the process.
 */
export const followingAds = ({ xds, apiType, admin, transportSocket }: FollowingOptions): Bootstrap => ({
  admin: { address: addressFrom(admin) },
  dynamicResources: {
    adsConfig: {
      apiType,
      transportApiVersion: 'V3',
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ envoyGrpc: { clusterName: xdsCluster } }],
    },
    cdsConfig: overAds,
    ldsConfig: overAds,
  },
  staticResources: { clusters: [xdsClusterFrom(xds, transportSocket)] },
  bootstrapExtensions: [
    { name: 'envoy.bootstrap.internal_listener', typedConfig: any('envoy.extensions.bootstrap.internal_listener.v3.InternalListener', {}) },
  ],
  overloadManager: {
    resourceMonitors: [
      {
        name: 'envoy.resource_monitors.global_downstream_max_connections',
        typedConfig: {
          '@type': 'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
          maxActiveDownstreamConnections: '50000',
        },
      },
    ],
  },
  layeredRuntime: {
    layers: [
      {
        name: 'tailplane',
        staticLayer: {
          // Expressions were checked by tailplane; Envoy's own cap of 100 instructions would refuse ordinary ones.
          're2.max_program_size.error_level': 1_000_000,
          // An HTTP proxy says by closing that a tunnel has ended. Envoy 1.40 takes that for a reset, and as such it would overtake data.
          'envoy.reloadable_features.enable_send_rst_on_user_space_socket': false,
        },
      },
      // Last, so that the admin port's /runtime_modify still wins.
      { name: 'admin', adminLayer: {} },
    ],
  },
});

/** Pings notice a dead control plane in under a minute; the default would keep a broken connection for hours. */
const xdsClusterFrom = (xds: HostPort, transportSocket: TransportSocket | undefined): Cluster => ({
  name: xdsCluster,
  type: isIpLiteral(xds.host) ? 'STATIC' : 'STRICT_DNS',
  connectTimeout: '5s',
  loadAssignment: {
    clusterName: xdsCluster,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: addressFrom(xds) } }] }],
  },
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
      explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: { interval: '30s', timeout: '5s' } } },
    }),
  },
  ...(transportSocket === undefined ? {} : { transportSocket }),
});
