/** Bootstrap of the Envoys that tailplane runs for a Gateway. Which Gateway and which Envoy it is comes from the command line. */
import { any } from '../xds/any.ts';
import type { HostPort } from '../src/lib/host-port.ts';
import type { Bootstrap, Cluster, CommonTlsContext, HttpConnectionManager, Listener, Route, Secret } from '../xds/types.ts';
import { addressFrom } from './address.ts';
import { followingAds } from './following-ads.ts';
import { tlsSocketTo, validationOf } from './tls.ts';

export type ProvisionedOptions = {
  readonly xds: HostPort;
  /** Loopback: whoever reaches it can stop this Envoy and read its configuration. */
  readonly admin: HostPort;
  /** Where `/ready` and `/stats/prometheus` are answered, and nothing else. */
  readonly probe: HostPort;
  readonly tls?: {
    /** Name in the certificate of the xDS server; the host of `xds` when absent. */
    readonly serverName?: string;
    /** Folder where the files of `sdsFilesFor` are. */
    readonly sds: string;
    /** Folder with `tls.crt`, `tls.key` and `ca.crt`, replaced as a kubelet does it: by renaming something in the folder. */
    readonly certificates: string;
  };
};

const sdsFiles = { client: 'sds-client.json', ca: 'sds-ca.json' } as const;
const adminCluster = 'admin';

/**
 * Bootstrap without a node: `--service-node` and `--service-cluster` give it. `/ready` answers 200 once the first configuration is there, and
 * 503 from `/healthcheck/fail` on (before that configuration nothing answers at all). Certificates are read anew whenever their folder changes.
 */
export const provisionedBootstrapFor = ({ xds, admin, probe, tls }: ProvisionedOptions): Bootstrap => {
  const bootstrap = followingAds({
    xds,
    apiType: 'DELTA_GRPC',
    admin,
    ...(tls === undefined ? {} : { transportSocket: tlsSocketTo(tls.serverName ?? xds.host, certificatesBySds(tls.sds)) }),
  });
  return {
    ...bootstrap,
    staticResources: {
      clusters: [...(bootstrap.staticResources?.clusters ?? []), adminClusterFrom(admin)],
      listeners: [probeListenerFrom(probe)],
    },
  };
};

/** Contents of the SDS files, by name: they say where the certificates are, and so stay the same when those are renewed. */
export const sdsFilesFor = ({ xds, tls }: ProvisionedOptions): Readonly<Record<string, string>> => {
  if (tls === undefined) return {};
  const watchedDirectory = { path: tls.certificates };
  const file = (name: string): string => `${tls.certificates}/${name}`;
  return {
    [sdsFiles.client]: sdsResponse({
      name: 'client',
      tlsCertificate: { certificateChain: { filename: file('tls.crt') }, privateKey: { filename: file('tls.key') }, watchedDirectory },
    }),
    [sdsFiles.ca]: sdsResponse({
      name: 'ca',
      validationContext: { ...validationOf(tls.serverName ?? xds.host, file('ca.crt')), watchedDirectory },
    }),
  };
};

const sdsResponse = (secret: Secret): string =>
  JSON.stringify({ resources: [any('envoy.extensions.transport_sockets.tls.v3.Secret', secret)] });

const certificatesBySds = (folder: string): CommonTlsContext => {
  const from = (name: keyof typeof sdsFiles) =>
    ({
      name,
      sdsConfig: { resourceApiVersion: 'V3', pathConfigSource: { path: `${folder}/${sdsFiles[name]}` } },
    }) as const;
  return { tlsCertificateSdsSecretConfigs: [from('client')], validationContextSdsSecretConfig: from('ca') };
};

const adminClusterFrom = (admin: HostPort): Cluster => ({
  name: adminCluster,
  type: 'STATIC',
  connectTimeout: '1s',
  loadAssignment: { clusterName: adminCluster, endpoints: [{ lbEndpoints: [{ endpoint: { address: addressFrom(admin) } }] }] },
});

const routeTo = (path: string): Route => ({
  match: { path, headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] },
  route: { cluster: adminCluster },
});

const probeManager: HttpConnectionManager = {
  statPrefix: 'probe',
  routeConfig: {
    name: 'probe',
    virtualHosts: [{ name: 'probe', domains: ['*'], routes: [routeTo('/ready'), routeTo('/stats/prometheus')] }],
  },
  httpFilters: [{ name: 'envoy.filters.http.router', typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}) }],
};

const probeListenerFrom = (probe: HostPort): Listener => ({
  name: 'probe',
  address: addressFrom(probe),
  // A flood on the Gateway's ports must not make this Envoy look dead, and so move the flood to the next one.
  ignoreGlobalConnLimit: true,
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', probeManager),
        },
      ],
    },
  ],
});
