import type { TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import { keyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { Status } from '../status.ts';
import { groupCarrierOf, readyProxies } from './carriers.ts';
import { tailnetFor } from './permission.ts';
import { devicesOf, joinedOf, shortfallIn, withoutReadyProxies } from './proxy-status.ts';
import type { StatusTables } from './status-tables.ts';

type GroupStatus = Extract<Status, { readonly kind: 'TailscaleProxyGroup' }>;

/**
 * What users are told of a group: Ready when every replica is a machine of the tailnet and serves. Where no cluster runs proxies, one of them has
 * to be ready by its EndpointSlice.
 */
export const proxyGroupStatuses = (onCluster: boolean): ((group: TailscaleProxyGroup, tables: StatusTables) => GroupStatus) =>
  memoByChanges<StatusTables, TailscaleProxyGroup, GroupStatus>((group, read) => {
    const sets = read('proxySetsOf', keyOf(group)) ?? [];
    const { set } = groupCarrierOf(group);
    const missing = unusableGroup(group, read) ?? (onCluster ? shortfallIn(sets, read) : withoutReadyProxies(set, read));
    const joined = sets.reduce((sum, one) => sum + joinedOf(one, read), 0);
    return {
      kind: 'TailscaleProxyGroup',
      conditions: [conditionsOf(group.metadata.generation).unless(missing, 'Ready', 'The proxies are ready')],
      fields: { readyReplicas: onCluster ? joined : readyProxies(set, read).length, devices: devicesOf(sets, read) },
    };
  });

/** Why a group can have no proxies, by what users wrote. */
export const unusableGroup = ({ metadata, spec }: TailscaleProxyGroup, read: Read<StatusTables>): Verdict | undefined => {
  const tailnet = tailnetFor(spec.tailnet, metadata.namespace ?? '', read);
  return tailnet.ok ? undefined : tailnet.problem;
};
