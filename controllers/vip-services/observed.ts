import type { ObservedVipService } from '../../src/api/observations.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { registryOf, type Self } from './standing.ts';

const noHosts: ObservedVipService['hosts'] = new Map();

export const unmade: ObservedVipService = { addresses: [], ports: [], tags: [], consumers: [], hosts: noHosts };

/** A service as others of us are told of it. */
export const observedFrom = (service: VipService, self: Self, hosts: ObservedVipService['hosts'] = noHosts): ObservedVipService => {
  const { addrs = [], ports = [], tags = [] } = service;
  const registry = registryOf(service, self);
  const owner = registry?.ownerOperator ?? '';
  return {
    addresses: addrs,
    ports,
    tags,
    consumers: [...(registry?.consumers.keys() ?? [])].toSorted(byCodeUnit),
    hosts,
    ...(owner !== '' && { owner }),
  };
};
