/** Which machines may host a service: told by the API, and granted there where a user asked for it. */
import type { ObservedVipService } from '../../src/api/observations.ts';
import { equal } from '../../src/lib/equal.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { TailscaleClient } from '../../src/tailscale/client.ts';
import { verdictOn } from './failure.ts';

export type HostsApi = Pick<TailscaleClient, 'serviceHosts' | 'approveServiceHost'>;

export type Hosting = {
  readonly hosts: ObservedVipService['hosts'];
  /** Whether every one that is asked about is approved and configured. */
  readonly isReady: boolean;
  /** Why one cannot be approved. */
  readonly problem?: Verdict;
};

/** Our hosts by stable node id; undefined where nobody knows which are ours: then all are told of, and none is approved. */
export type OurHosts = readonly string[] | undefined;

/** How our hosts stand, after those that wait for it were approved where `wish` has it so. At most one call, and one for each
 * that is approved. What is as `before` is the same object. */
export const askHosts = async (
  api: HostsApi,
  wish: Pick<VipServiceWish, 'name' | 'tags' | 'autoApprove'>,
  ours: OurHosts,
  tailnet: string,
  before?: Hosting['hosts'],
): Promise<Hosting> => {
  const listed = (await api.serviceHosts(wish.name)) ?? [];
  const hosts = new Map<string, { readonly approved: boolean; readonly configured: boolean }>();
  let refusal: Verdict | undefined;
  for (const { stableNodeID: node, approvalLevel, configured: state } of listed) {
    if (ours !== undefined && !ours.includes(node)) continue;
    const configured = state === 'ready';
    let approved = approvalLevel.startsWith('approved');
    if (!approved && wish.autoApprove && ours !== undefined)
      try {
        approved = (await api.approveServiceHost(wish.name, node))?.approved ?? false;
      } catch (error) {
        // Others may still be approved; who was not is asked about again.
        if (!(error instanceof TailscaleApiError)) throw error;
        refusal = verdictOn(error, wish, tailnet);
      }
    hosts.set(node, { approved, configured });
  }
  const isReady = (ours ?? []).every((node) => {
    const host = hosts.get(node);
    return host?.approved === true && host.configured;
  });
  const isSame = before !== undefined && equal([...before], [...hosts]);
  return { hosts: isSame ? before : hosts, isReady, ...(refusal !== undefined && { problem: refusal }) };
};
