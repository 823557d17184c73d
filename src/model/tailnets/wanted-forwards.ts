import type { TailscaleEndpoints, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import { localKeyOf } from '../../lib/key.ts';
import { memoWithin, type Read } from '../../lib/memo.ts';
import type { Forward } from '../proxy-set.ts';
import type { ModelTables } from '../tables.ts';
import { carrierOf } from './carriers.ts';
import { forwardsOf, type ForwardTarget } from './forwards.ts';
import { type Machine, machinesOf } from './machines.ts';
import { tailnetFor } from './permission.ts';

/** Whose proxies forward. */
export type ForwardOwner = TailscaleEndpoints | TailscaleProxyGroup;

/** What proxies of mode `forward` lead to: every machine of the TailscaleEndpoints that use them, offline ones too, so that ports stay. */
export const wantedForwards = (owner: ForwardOwner, read: Read<ModelTables>): ReadonlyMap<string, Forward> => derived(owner, '', read);

const derived = memoWithin<ModelTables, ForwardOwner, ReadonlyMap<string, Forward>>((owner, _at, read) =>
  forwardsOf(usersOf(owner, read).flatMap((endpoints) => machinesOf(endpoints, read).flatMap((machine) => forwardTargetOf(machine) ?? []))),
);

const usersOf = (owner: ForwardOwner, read: Read<ModelTables>): readonly TailscaleEndpoints[] => {
  if (owner.kind === 'TailscaleEndpoints') return [owner];
  const users = read('endpointsOfGroup', localKeyOf(owner)) ?? [];
  return users.filter(
    (endpoints) => carrierOf(endpoints, read).ok && tailnetFor(endpoints.spec.tailnet, endpoints.metadata.namespace ?? '', read).ok,
  );
};

/** What a proxy has to forward for a machine; a name stays a name, for proxies follow its addresses. Undefined where there is nothing to forward to. */
export const forwardTargetOf = ({
  external,
  target,
  protocol,
  port,
}: Pick<Machine, 'external' | 'target' | 'protocol' | 'port'>): ForwardTarget | undefined => {
  const transport = protocol === 'UDP' ? 'UDP' : 'TCP';
  if (external !== undefined) return undefined;
  if (target.name !== undefined) return { protocol: transport, port, fqdn: target.name };
  return target.ip === undefined ? undefined : { protocol: transport, port, ip: target.ip };
};
