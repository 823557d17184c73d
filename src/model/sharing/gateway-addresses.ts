import type { Observations } from '../../api/observations.ts';
import { reuse } from '../../lib/equal.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import type { LocalKey, ObjectKey } from '../../lib/key.ts';
import { sameElements } from '../../lib/memo.ts';
import type { Status } from '../status.ts';
import type { Sharing } from './sharing.ts';

type Entry = readonly [ObjectKey, Status];
type GatewayStatus = Extract<Status, { readonly kind: 'Gateway' }>;
type Addresses = GatewayStatus['addresses'];

/** Of the Gateway API. */
const most = 16;

/**
 * A function that adds, to the addresses of Gateways that are shared as one service, those of that service and its name, so that what makes DNS
 * records of Gateways' addresses (ExternalDNS) makes them of these. Where each route has a service of its own no address would be that of all its routes.
 */
export const addressesAdder = (): ((
  entries: readonly Entry[],
  sharing: Sharing,
  shared: Observations['sharedServices'],
) => readonly Entry[]) => {
  let lastAddresses: ReadonlyMap<ObjectKey, Addresses> = new Map();
  const addressesOf = lastCall((services: Sharing['services'], shared: Observations['sharedServices']) => {
    const found = new Map<ObjectKey, Addresses>();
    for (const [key, { candidate, dnsName }] of services) {
      if (!candidate.ofGateway) continue;
      const gateway: ObjectKey = `Gateway/${candidate.share.gateway as LocalKey}`;
      const ips = shared.get(key)?.addresses ?? [];
      const name = dnsName === undefined || ips.length === 0 ? [] : [{ type: 'Hostname', value: dnsName }];
      const more = [...ips.map((value) => ({ type: 'IPAddress', value })), ...name];
      if (more.length > 0) found.set(gateway, [...(found.get(gateway) ?? []), ...more]);
    }
    const settled = [...found].map(([key, list]) => [key, reuse(lastAddresses.get(key) ?? list, list)] as const);
    lastAddresses = sameMap(lastAddresses, new Map(settled));
    return lastAddresses;
  });
  let before: readonly Entry[] = [];
  const added = lastCall((entries: readonly Entry[], addresses: ReadonlyMap<ObjectKey, Addresses>): readonly Entry[] => {
    if (addresses.size === 0) return entries;
    const known = new Map(before);
    const now = entries.map((entry): Entry => {
      const [key, status] = entry;
      const more = addresses.get(key);
      if (more === undefined || status.kind !== 'Gateway') return entry;
      const next = { ...status, addresses: [...status.addresses, ...more].slice(0, most) };
      return [key, reuse(known.get(key) ?? next, next)];
    });
    before = sameElements(before, now);
    return before;
  });
  return (entries, sharing, shared) => added(entries, addressesOf(sharing.services, shared));
};
