import type { TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import { keyOf } from '../../lib/key.ts';
import { memoByReads, type Read } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { Verdict } from '../route-node.ts';
import type { Status } from '../status.ts';
import { tailnetFor } from './permission.ts';
import { devicesOf, joinedOf, shortfallOf } from './proxy-status.ts';
import type { StatusTables } from './status-tables.ts';

type GroupStatus = Extract<Status, { readonly kind: 'TailscaleProxyGroup' }>;

/** What users are told of a group: Ready when every replica is a machine of the tailnet and serves. */
export const proxyGroupStatusOf = memoByReads<StatusTables, TailscaleProxyGroup, GroupStatus>((group, read) => {
  const sets = read('proxySetsOf', keyOf(group)) ?? [];
  const conditions = conditionsOf(group.metadata.generation);
  return {
    kind: 'TailscaleProxyGroup',
    conditions: [conditions.unless(verdictOn(group, read), 'Ready', 'Every proxy is a machine of the tailnet and ready')],
    fields: { readyReplicas: sets.reduce((sum, set) => sum + joinedOf(set, read), 0), devices: devicesOf(sets, read) },
  };
});

/** Why a group is not ready. Where no cluster runs its proxies, that is nobody's to tell. */
const verdictOn = (group: TailscaleProxyGroup, read: Read<StatusTables>): Verdict | undefined =>
  unusableGroup(group, read) ?? (read('proxySetsOf', keyOf(group)) ?? []).map((set) => shortfallOf(set, read)).find(Boolean);

/** Why a group can have no proxies, by what users wrote. */
export const unusableGroup = ({ metadata, spec }: TailscaleProxyGroup, read: Read<StatusTables>): Verdict | undefined => {
  const tailnet = tailnetFor(spec.tailnet, metadata.namespace ?? '', read);
  return tailnet.ok ? undefined : tailnet.problem;
};
