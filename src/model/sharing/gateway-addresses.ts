import type { Observations } from '../../api/observations.ts';
import { reuse } from '../../lib/equal.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import type { LocalKey, ObjectKey } from '../../lib/key.ts';
import { sameElements } from '../../lib/memo.ts';
import { statusLimits } from '../status-limits.ts';
import type { Status } from '../status.ts';
import type { Sharing } from './sharing.ts';

type Entry = readonly [ObjectKey, Status];
type GatewayStatus = Extract<Status, { readonly kind: 'Gateway' }>;
type Addresses = GatewayStatus['addresses'];

type Led = { readonly replaces: boolean; readonly addresses: Addresses };

/**
 * A function that adds, to the addresses of Gateways that are shared as one service, those of that service and its name, or puts them in their place, so that
 * what makes DNS records of Gateways' addresses (ExternalDNS) makes them of these. Where each route has but a service of its own no address would be that of
 * all its routes.
 */
export const addressesAdder = (): ((
  entries: readonly Entry[],
  sharing: Sharing,
  shared: Observations['sharedServices'],
) => readonly Entry[]) => {
  let lastLed: ReadonlyMap<ObjectKey, Led> = new Map();
  const ledOf = lastCall((shares: Sharing['shares'], services: Sharing['services'], shared: Observations['sharedServices']) => {
    const found = new Map<ObjectKey, Led>();
    // Until there are others, addresses that are to be replaced are none: records would lead to them for as long as they are remembered.
    for (const [share] of shares)
      if (share.settings.scope !== 'Route' && share.settings.gatewayAddresses === 'Replace' && !share.going)
        found.set(keyOfGateway(share.gateway), { replaces: true, addresses: [] });
    for (const [key, { candidate, dnsName }] of services) {
      const { ofGateway, share } = candidate;
      if (!ofGateway || share.settings.gatewayAddresses === 'Omit') continue;
      const gateway = keyOfGateway(share.gateway);
      const ips = shared.get(key)?.addresses ?? [];
      const name = dnsName === undefined || ips.length === 0 ? [] : [{ type: 'Hostname', value: dnsName }];
      const { replaces, addresses } = found.get(gateway) ?? { replaces: false, addresses: [] };
      found.set(gateway, { replaces, addresses: [...addresses, ...ips.map((value) => ({ type: 'IPAddress', value })), ...name] });
    }
    const settled = [...found].map(([key, led]) => [key, reuse(lastLed.get(key) ?? led, led)] as const);
    lastLed = sameMap(lastLed, new Map(settled));
    return lastLed;
  });
  let before: readonly Entry[] = [];
  const added = lastCall((entries: readonly Entry[], led: ReadonlyMap<ObjectKey, Led>): readonly Entry[] => {
    if (led.size === 0) return entries;
    const known = new Map(before);
    const now = entries.map((entry): Entry => {
      const [key, status] = entry;
      const more = led.get(key);
      if (more === undefined || status.kind !== 'Gateway') return entry;
      const next: GatewayStatus = more.replaces
        ? { ...status, addresses: more.addresses.slice(0, statusLimits.addresses), ledElsewhere: true }
        : { ...status, addresses: [...status.addresses, ...more.addresses].slice(0, statusLimits.addresses) };
      return [key, reuse(known.get(key) ?? next, next)];
    });
    before = sameElements(before, now);
    return before;
  });
  return (entries, sharing, shared) => added(entries, ledOf(sharing.shares, sharing.services, shared));
};

const keyOfGateway = (gateway: string): ObjectKey => `Gateway/${gateway as LocalKey}`;
