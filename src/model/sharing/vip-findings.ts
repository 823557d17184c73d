import { reuse } from '../../lib/equal.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { localKeyOf } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { Verdict } from '../route-node.ts';
import { serviceKey } from './claims.ts';
import { labelOf } from './service-names.ts';
import type { Sharing } from './sharing.ts';
import { halfClosed, remarksOn, standingOf, type Whereabouts } from './standing.ts';
import type { VipPlan } from './vip-plans.ts';

/** What there is to say of the service that proxies of a TailscaleServices host, by the first of its tailnets where something is wrong, else by the first. */
export type VipFinding = {
  readonly addresses: readonly string[];
  readonly ports: readonly string[];
  readonly dnsName?: string;
  readonly owner?: string;
  readonly consumers: readonly string[];
  /** Why peers do not reach it. */
  readonly failure?: Verdict;
  /** What they should know, though they do, and what is not as it should be; for users. */
  readonly remarks: readonly string[];
  /** What of it is not possible, for users. */
  readonly left: readonly string[];
};

type Findings = ReadonlyMap<string, VipFinding>;

/** A function that tells of every TailscaleServices whose service proxies of ours are to host, by `namespace/name`. What says the same is the same object. */
export const vipFindingsBuilder = (): ((sharing: Sharing, world: Whereabouts) => Findings) => {
  let last: Findings = new Map();
  return lastCall((sharing: Sharing, world: Whereabouts) => {
    const found = [...sharing.vipPlans].flatMap(([key, plans]) => {
      const findings = plans.map((plan) => findingOf(plan, sharing, world));
      const finding = findings.find(({ failure }) => failure !== undefined) ?? findings[0];
      return finding === undefined ? [] : [[key, reuse(last.get(key) ?? finding, finding)] as const];
    });
    last = sameMap(last, new Map(found));
    return last;
  });
};

const findingOf = (plan: VipPlan, sharing: Sharing, world: Whereabouts): VipFinding => {
  const { tailnet, name, sets, wished: ports, reached, left } = plan;
  const key = serviceKey(plan);
  const observed = world.sharedServices.get(key);
  const suffix = world.standings.get(tailnet)?.suffix;
  const asked = { key, tailnet, name, sets, ports };
  const failure = plan.problem ?? conflictOf(plan, sharing) ?? standingOf(asked, world);
  const remarks = failure === undefined ? remarksOn(asked, world) : [];
  return {
    addresses: observed?.addresses ?? [],
    ports: reached,
    ...present({ dnsName: suffix === undefined ? undefined : `${labelOf(name)}.${suffix}`, owner: observed?.owner, failure }),
    consumers: observed?.consumers ?? [],
    remarks: plan.ports.size === 0 ? remarks : [...remarks, halfClosed],
    left,
  };
};

const conflictOf = (plan: VipPlan, sharing: Sharing): Verdict | undefined => {
  const lost = sharing.conflicts.find(({ claim }) => claim.owner === plan.services && claim.tailnet === plan.tailnet);
  return (
    lost && {
      reason: 'NameConflict',
      message: `${plan.name} of tailnet "${plan.tailnet}" is that of ${lost.winner}: use another name for ${localKeyOf(plan.services)}`,
    }
  );
};
