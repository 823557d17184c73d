import { reuse } from '../../lib/equal.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { byCodeUnit, keyOf } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { Graph, VipServiceWish } from '../graph.ts';
import { routesOf } from './candidates.ts';
import { certificatePort } from '../proxy-set.ts';
import type { SharedService } from './services.ts';
import type { Sharing } from './sharing.ts';
import type { VipPlan } from './vip-plans.ts';

type Wishes = Graph['vipServices'];

/**
 * A function that gives the services that tailnets must have: those that somebody can host, and that have a port. On a cluster also the port at
 * which our proxies obtain a certificate, as a tailnet knows a host for nothing that serves a port it was not told of.
 */
export const wishesBuilder = (onCluster: boolean): ((services: Sharing['services'], vips: Sharing['vips']) => Wishes) => {
  let last: Wishes = new Map();
  const sharedWish = sharedWishOf(onCluster);
  return lastCall((services: Sharing['services'], vips: Sharing['vips']) => {
    const wishes = [
      ...[...services].flatMap(([key, service]) => {
        const wish = sharedWish(service);
        return wish === undefined ? [] : [[key, wish] as const];
      }),
      ...[...vips].map(([key, plan]) => [key, plannedWish(plan)] as const),
    ].toSorted(([one], [other]) => byCodeUnit(one, other));
    last = sameMap(last, new Map(wishes.map(([key, wish]) => [key, reuse(last.get(key) ?? wish, wish)] as const)));
    return last;
  });
};

const sharedWishOf = (onCluster: boolean) =>
  memo(({ candidate, dnsName, plan }: SharedService): VipServiceWish | undefined => {
    const { name, share } = candidate;
    const { tags, comment, autoApprove } = share.settings;
    if (share.unhosted !== undefined || plan.numbers.length === 0) return undefined;
    const obtained = onCluster && plan.usesMagicCertificate && dnsName !== undefined ? [certificatePort] : [];
    return {
      tailnet: share.tailnet,
      name,
      ports: [...new Set([...plan.numbers, ...obtained])].map((port) => `tcp:${port}`).toSorted(byCodeUnit),
      tags,
      ...present({ comment }),
      autoApprove,
      owners: [share.key],
      routes: routesOf(candidate),
      sets: [share.set],
    };
  });

const plannedWish = memo(({ tailnet, name, wished, tags, comment, autoApprove, services, sets }: VipPlan): VipServiceWish => ({
  tailnet,
  name,
  ports: wished,
  tags,
  ...present({ comment }),
  autoApprove,
  owners: [keyOf(services)],
  routes: [keyOf(services)],
  sets,
}));
