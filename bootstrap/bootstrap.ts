/** How an Envoy finds us: the static part of its configuration, as a value. */
import { any } from '../xds/any.ts';
import type { HostPort } from '../src/lib/host-port.ts';
import type { Address, Bootstrap, Cluster, ConfigSource } from '../xds/types.ts';

export type BootstrapOptions = {
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** What tells this Envoy from others of its Gateway: a pod's or host's name. */
  readonly nodeId: string;
  readonly xds: HostPort;
  readonly apiType: 'GRPC' | 'DELTA_GRPC';
  readonly admin: HostPort;
  /** Files as this Envoy sees them. `cert` and `key` come together. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string; readonly serverName?: string };
};

const xdsCluster = 'tailplane';

/** Waits for the first configuration for ever: an Envoy without one must not report itself ready. */
const overAds: ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' };

/**
 * Bootstrap of an Envoy that gets everything else over ADS. `node.cluster` says which Gateway it serves (`namespace/name`).
 * Admin listens only where told, the internal-listener extension is on, and connections are capped so that a flood ends in refusals,
 * not in the death of the process.
 */
export const bootstrapFor = ({ gateway, nodeId, xds, apiType, admin, tls }: BootstrapOptions): Bootstrap => ({
  node: { id: nodeId, cluster: `${gateway.namespace}/${gateway.name}` },
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
  staticResources: { clusters: [xdsClusterFrom(xds, tls)] },
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
      // Expressions were checked by tailplane; Envoy's own cap of 100 instructions would refuse ordinary ones.
      { name: 'tailplane', staticLayer: { 're2.max_program_size.error_level': 1_000_000 } },
      // Last, so that the admin port's /runtime_modify still wins.
      { name: 'admin', adminLayer: {} },
    ],
  },
});

/** Pings notice a dead control plane in under a minute; the default would keep a broken connection for hours. */
const xdsClusterFrom = (xds: HostPort, tls: BootstrapOptions['tls']): Cluster => ({
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
  ...(tls === undefined ? {} : { transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: tlsFrom(tls, xds.host) } }),
});

const tlsFrom = ({ ca, cert, key, serverName }: NonNullable<BootstrapOptions['tls']>, host: string) => {
  const name = serverName ?? host;
  return any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    // An IP address is no server name: it is verified, and not sent.
    ...(isIpLiteral(name) ? {} : { sni: name }),
    commonTlsContext: {
      alpnProtocols: ['h2'],
      ...(cert === undefined || key === undefined
        ? {}
        : { tlsCertificates: [{ certificateChain: { filename: cert }, privateKey: { filename: key } }] }),
      validationContext: {
        trustedCa: { filename: ca },
        matchTypedSubjectAltNames: [{ sanType: isIpLiteral(name) ? 'IP_ADDRESS' : 'DNS', matcher: { exact: name } }],
      },
    },
  });
};

const addressFrom = ({ host, port }: HostPort): Address => ({ socketAddress: { address: host, portValue: port } });

const isIpLiteral = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':');
