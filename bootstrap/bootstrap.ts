/** How an Envoy that somebody runs himself finds us: the static part of its configuration, as a value. */
import type { HostPort } from '../src/lib/host-port.ts';
import type { Bootstrap, TransportSocket } from '../xds/types.ts';
import { followingAds } from './following-ads.ts';
import { tlsSocketTo, validationOf } from './tls.ts';

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

/**
 * Bootstrap of an Envoy that gets everything else over ADS. `node.cluster` says which Gateway it serves (`namespace/name`).
 * Admin listens only where told.
 */
export const bootstrapFor = ({ gateway, nodeId, xds, apiType, admin, tls }: BootstrapOptions): Bootstrap => ({
  node: { id: nodeId, cluster: `${gateway.namespace}/${gateway.name}` },
  ...followingAds({ xds, apiType, admin, ...(tls === undefined ? {} : { transportSocket: transportSocketFrom(tls, xds) }) }),
});

const transportSocketFrom = ({ ca, cert, key, serverName }: NonNullable<BootstrapOptions['tls']>, { host }: HostPort): TransportSocket => {
  const name = serverName ?? host;
  return tlsSocketTo(name, {
    ...(cert === undefined || key === undefined
      ? {}
      : { tlsCertificates: [{ certificateChain: { filename: cert }, privateKey: { filename: key } }] }),
    validationContext: validationOf(name, ca),
  });
};
