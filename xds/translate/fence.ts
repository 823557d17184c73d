import { any } from '../any.ts';
import { fenceName } from '../names.ts';
import type { NetworkFilter, TypedExtensionConfig } from '../types.ts';
import { adsSource } from './config-source.ts';
import { cidrFrom } from './cidr.ts';

/**
 * Only proxies may say who a connection is from, so nobody else gets any further. The addresses come by ECDS: they change whenever a proxy
 * starts, and new connections follow at once, while no listener changes and no connection ends. Envoy judges a connection by its first byte, so this
 * is for protocols in which the client talks first. docs/decisions/0007-fences.md
 */
export const fenceFilter: NetworkFilter = {
  name: fenceName,
  configDiscovery: { configSource: adsSource, typeUrls: ['type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC'] },
};

/** ECDS entry: connections from these addresses pass, whatever address their PROXY header says; none pass where there are none. */
export const fenceFrom = (addresses: readonly string[]): TypedExtensionConfig => ({
  name: fenceName,
  typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
    statPrefix: 'fence.',
    rules: {
      action: 'ALLOW',
      policies:
        addresses.length === 0
          ? {}
          : { proxies: { permissions: [{ any: true }], principals: addresses.map((address) => ({ directRemoteIp: cidrFrom(address) })) } },
    },
  }),
});
