import type { VipService } from '../../api/observations.ts';
import { equal } from '../../lib/equal.ts';
import { byCodeUnit } from '../../lib/key.ts';
import type { VipService as Listed } from '../../tailscale/answers.ts';
import { addressesFrom, nameFrom, refuseTooMany } from './wire.ts';

/** A Tailscale Service as the API tells of it, so far as we look at it. */
export type ListedService = Pick<Listed, 'name' | 'addrs' | 'ports' | 'tags' | 'annotations'>;

/**
 * What a list of services says, by name. Services that did not change since `previous` are the same objects, and if none did, the map is the same.
 * Throws `SenselessAnswer` for a list that no tailnet can have.
 */
export const servicesFrom = (
  list: readonly ListedService[],
  previous: ReadonlyMap<string, VipService>,
): ReadonlyMap<string, VipService> => {
  refuseTooMany('services', list.length);
  const services = new Map<string, VipService>();
  let unchanged = 0;
  for (const { name: given, addrs = [], ports = [], tags = [], annotations = {} } of list) {
    const name = nameFrom('service', given);
    if (services.has(name)) continue;
    const service: VipService = { name, addresses: addressesFrom(addrs), ports, tags: tags.toSorted(byCodeUnit), annotations };
    const former = previous.get(name);
    const same = former !== undefined && equal(former, service);
    if (same) unchanged += 1;
    services.set(name, same ? former : service);
  }
  return unchanged === services.size && unchanged === previous.size ? previous : services;
};
