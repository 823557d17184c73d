import { fail, ok, type Result } from '../../src/lib/result.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { type OwnerReference, ownersIn, ownerText } from './owner-references.ts';
import { type Consumer, type Emptied, type Registry, registryIn } from './registry.ts';

/** We, as others see us: `operator` is `tailplane-<cluster>`. */
export type Self = { readonly operator: string; readonly cluster: string };

/** Who has a part in a service that may be shared. */
export type Standing = {
  /** Never empty. */
  readonly owners: readonly OwnerReference[];
  /** An empty one where only others than tailplanes use it so far. */
  readonly registry: Registry;
  readonly hasRegistry: boolean;
};

/** Ids of tailplanes begin so. Those of Tailscale's operators are ids of devices, and never do. */
const ourPrefix = 'tailplane-';

export const isTailplane = (operator: string | undefined): boolean => operator?.startsWith(ourPrefix) === true;

/** Who has a part in it; fails where it is not for us to touch, with who is in the way and what helps. */
export const standingOf = (service: VipService, { cluster, operator }: Self): Result<Standing, Verdict> => {
  const { name, annotations = none } = service;
  const { owners, registry } = readingOf(annotations);
  if (!owners.ok)
    return fail({
      reason: 'OwnerUnknown',
      message: `${name} exists, and who owns it cannot be told from its annotation tailscale.com/owner-references: ${owners.problem}. Repair it, delete the service, or use another name`,
    });
  if (!registry.ok) return fail({ reason: registry.problem.reason, message: `${name}: ${registry.problem.message}` });
  const [first] = owners.value;
  if (first === undefined)
    return fail({
      reason: 'NotShared',
      message: `${name} exists and was made by somebody who shares it with nobody: it has no tailscale.com/owner-references${registry.value === undefined ? '' : `, though a registry of ${registry.value.ownerOperator || 'an unknown operator'}`}. Use another name, or delete the service`,
    });
  if (first.resource !== undefined)
    return fail({ reason: 'NotShared', message: `${name} belongs to ${ownerText(first)}, which shares it with nobody. Use another name` });
  const namesake = registry.value?.consumers.get(cluster);
  if (namesake !== undefined && namesake.operator !== operator)
    return fail({
      reason: 'ClusterNameTaken',
      message: `${name} is used by operator ${namesake.operator} for a cluster that is called ${cluster}, too. Give this one another --cluster-name`,
    });
  const empty: Registry = { ownerOperator: first.operatorID ?? '', consumers: new Map(), vipAddresses: [], others: {} };
  return ok({ owners: owners.value, registry: registry.value ?? empty, hasRegistry: registry.value !== undefined });
};

type Reading = { readonly owners: ReturnType<typeof ownersIn>; readonly registry: ReturnType<typeof registryIn> };

const none: Readonly<Record<string, string>> = {};
const readings = new WeakMap<object, Reading>();

/** Once for the same object: services are looked at far more often than they change. */
const readingOf = (annotations: Readonly<Record<string, string>>): Reading => {
  const reading = readings.get(annotations) ?? { owners: ownersIn(annotations), registry: registryIn(annotations) };
  readings.set(annotations, reading);
  return reading;
};

/** Whether we have a part in it that we have to give up when nobody here wants it. */
export const isPartOf = ({ owners, registry }: Standing, { operator, cluster }: Self): boolean =>
  registry.consumers.has(cluster) || registry.emptied?.by === operator || owners.some(({ operatorID }) => operatorID === operator);

export type Remaining = {
  /** Clusters but ours and those that have not been heard of for too long. */
  readonly consumers: ReadonlyMap<string, Consumer>;
  /** Owners but us, and but tailplanes that are gone. */
  readonly owners: readonly OwnerReference[];
};

/** Who has a part in it besides us. `stale` are operators of clusters that are counted out; of others' owners none ever is. */
export const othersIn = ({ owners, registry }: Standing, self: Self, stale: ReadonlySet<string>): Remaining => {
  const consumers = new Map<string, Consumer>();
  const gone = new Set([self.operator, ...goneWith(registry.emptied)]);
  for (const [cluster, consumer] of registry.consumers) {
    if (cluster === self.cluster) continue;
    if (stale.has(consumer.operator)) gone.add(consumer.operator);
    else consumers.set(cluster, consumer);
  }
  const isGone = ({ operatorID = '' }: OwnerReference): boolean => isTailplane(operatorID) && gone.has(operatorID);
  return { consumers, owners: owners.filter((owner) => !isGone(owner)) };
};

const goneWith = (emptied: Emptied | undefined): readonly string[] => (emptied === undefined ? [] : [emptied.by]);

/** Who uses it, where that can be told. */
export const registryOf = (service: VipService, self: Self): Registry | undefined => {
  const standing = standingOf(service, self);
  return standing.ok ? standing.value.registry : undefined;
};
