/**
 * What is to be written for one Tailscale Service, from what was just read of it. The API has no lock: what is decided counts only if it is
 * written soon after the read, and looked at again once nobody can write any more what was read before (`times.ts`).
 */
import { equal } from '../../src/lib/equal.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { type OwnerReference, withOwners } from './owner-references.ts';
import { type Consumer, type Registry, timeText, withoutRegistry, withRegistry } from './registry.ts';
import { settleMs } from './times.ts';
import { isPartOf, othersIn, type Remaining, type Self, type Standing, standingOf } from './standing.ts';

export type Decision =
  | { readonly do: 'nothing' }
  | { readonly do: 'put'; readonly service: VipService }
  | { readonly do: 'delete' }
  | { readonly do: 'conflict'; readonly verdict: Verdict };

export type Circumstances = {
  /** By our clock, in milliseconds since 1970. */
  readonly now: number;
  /** Operators that have not been heard of for too long. */
  readonly stale: ReadonlySet<string>;
  /** Since when it has been empty as it is now, as far as we saw: `long` is enough to delete it, `abandoned` is so even for who did not empty it. */
  readonly emptied: 'new' | 'long' | 'abandoned';
  /** Whether this is the service by which we say that we live, and it is time to. */
  readonly beats: boolean;
};

export type Wish = Pick<VipServiceWish, 'name' | 'ports' | 'tags' | 'comment' | 'routes'>;

const nothing: Decision = { do: 'nothing' };

/** So that the service is there for us: made, joined, or kept. Everything that is not ours goes back as it came. */
export const decideKeep = (read: VipService | undefined, wish: Wish, self: Self, circumstances: Circumstances): Decision => {
  const { now, stale, beats } = circumstances;
  if (read === undefined) return { do: 'put', service: created(wish, self, now) };
  const standing = standingOf(read, self);
  if (!standing.ok) return { do: 'conflict', verdict: standing.problem };
  const { owners, registry } = standing.value;
  const others = othersIn(standing.value, self, stale);
  const own = registry.consumers.get(self.cluster);
  const fields = fieldsOf(read, wish, others);
  const nextOwners = ownersWith(owners, others, self);
  const isKept =
    own !== undefined &&
    !beats &&
    equal(own, consumerFrom(wish, self, own.lastSeen, own)) &&
    registry.consumers.size === others.consumers.size + 1 &&
    registry.emptied === undefined &&
    (sameSet(registry.vipAddresses, read.addrs ?? []) || isRecent(own, now)) &&
    equal(owners, nextOwners) &&
    fields === read;
  if (isKept) return nothing;
  const consumers = new Map([...others.consumers, [self.cluster, consumerFrom(wish, self, timeText(now), own)]]);
  return { do: 'put', service: rewritten(fields, nextOwners, { ...registry, consumers }, now) };
};

/**
 * So that we have no part in it any more, and so that it goes when nobody has: it is marked as empty first, and deleted a while later unless
 * somebody came. Of services that we have no part in only those are touched that all clusters have left.
 */
export const decideLeave = (read: VipService | undefined, self: Self, { now, stale, emptied }: Circumstances): Decision => {
  if (read === undefined) return nothing;
  const standing = standingOf(read, self);
  if (!standing.ok) return { do: 'conflict', verdict: standing.problem };
  const { registry, hasRegistry } = standing.value;
  const isOurs = isPartOf(standing.value, self);
  if (!isOurs && !hasRegistry) return nothing;
  const others = othersIn(standing.value, self, stale);
  const isLeft = others.consumers.size === 0 && (registry.emptied === undefined || emptied === 'abandoned');
  if (others.consumers.size > 0 || others.owners.length > 0) return isOurs || isLeft ? left(read, standing.value, others, now) : nothing;
  if (registry.emptied === undefined || registry.consumers.size > 0) return { do: 'put', service: emptiedBy(self, read, registry, now) };
  const isLong = registry.emptied.by === self.operator ? emptied !== 'new' : emptied === 'abandoned';
  return isLong ? { do: 'delete' } : nothing;
};

/** Whether everything that `wish` asks for is so; else what is not, and whose word counts. */
export const shortcomingOf = (service: VipService, wish: Wish, self: Self): Verdict | undefined => {
  const { ports = [], tags = [] } = service;
  const standing = standingOf(service, self);
  if (!standing.ok) return standing.problem;
  const whose = [...standing.value.registry.consumers.values()].filter(({ cluster }) => cluster !== self.cluster);
  const names = [
    ...whose.map(({ cluster }) => `cluster ${cluster}`),
    ...foreign(othersIn(standing.value, self, new Set())).map((id) => `operator ${id}`),
  ].join(', ');
  const missing = ports.includes('do-not-validate') ? [] : wish.ports.filter((port) => !ports.includes(port));
  if (missing.length > 0)
    return {
      reason: 'PortsDiffer',
      message: `${wish.name} is shared with ${names}, and has ports ${ports.join(', ')}, without ${missing.join(', ')}. Ask for the same ports there, or use another name`,
    };
  if (!sameSet(tags, wish.tags))
    return {
      reason: 'TagsDiffer',
      message: `${wish.name} is shared with ${names}, and has tags ${tags.join(', ') || '(none)'} instead of ${wish.tags.join(', ') || '(none)'}. Ask for the same tags there, or use another name`,
    };
  return undefined;
};

const created = (wish: Wish, self: Self, now: number): VipService => {
  const { name, ports, tags, comment } = wish;
  const service: VipService = { name, ports, ...(tags.length > 0 && { tags }), ...(comment !== undefined && { comment }) };
  const consumers = new Map([[self.cluster, consumerFrom(wish, self, timeText(now))]]);
  return rewritten(service, [{ operatorID: self.operator }], { ownerOperator: self.operator, consumers, others: {} }, now);
};

const consumerFrom = ({ ports, tags, routes }: Wish, { cluster, operator }: Self, lastSeen: string, before?: Consumer): Consumer => ({
  ...before,
  cluster,
  operator,
  routes,
  lastSeen,
  ports,
  tags,
});

/** The service with ports and tags as all who use it want them: one alone must not take them from others. `read` itself where nothing changes. */
const fieldsOf = (read: VipService, { ports, tags, comment }: Wish, others: Remaining): VipService => {
  if (foreign(others).length > 0) return read;
  const consumers = [...others.consumers.values()];
  if (!consumers.every((other) => sameSet(other.ports ?? [], ports) && sameSet(other.tags ?? [], tags))) return read;
  const says = comment !== undefined && consumers.length === 0 && read.comment !== comment;
  const differs = !sameSet(read.ports ?? [], ports) || !sameSet(read.tags ?? [], tags);
  return differs || says ? { ...read, ports, tags, ...(says && { comment }) } : read;
};

/** Whether it is soon to be looked at again anyway: whoever makes a service does not know its addresses yet. The time is by our own clock. */
const isRecent = ({ lastSeen }: Consumer, now: number): boolean => Math.abs(now - Date.parse(lastSeen)) < settleMs;

/** Owners that no cluster of the registry stands for: operators of Tailscale's, and whoever does as they do. */
const foreign = ({ owners, consumers }: Remaining): readonly string[] => {
  const known = new Set([...consumers.values()].map(({ operator }) => operator));
  return owners.map(({ operatorID = 'unknown' }) => operatorID).filter((id) => !known.has(id));
};

const ownersWith = (owners: readonly OwnerReference[], others: Remaining, { operator }: Self): readonly OwnerReference[] => {
  const own: OwnerReference = owners.find(({ operatorID }) => operatorID === operator) ?? { operatorID: operator };
  // Theirs and ours in the order they came; but the first one must not shut others out.
  const kept = owners.filter((owner) => owner === own || others.owners.includes(owner));
  const all = kept.includes(own) ? kept : [...kept, own];
  return all[0]?.resource === undefined ? all : [own, ...all.filter((owner) => owner !== own)];
};

const left = (read: VipService, { owners, registry, hasRegistry }: Standing, others: Remaining, now: number): Decision => {
  const annotations = read.annotations ?? {};
  if (others.consumers.size === 0)
    return {
      do: 'put',
      service: { ...read, annotations: withOwners(hasRegistry ? withoutRegistry(annotations) : annotations, others.owners) },
    };
  const rest = others.owners.length > 0 ? others.owners : [...others.consumers.values()].map(({ operator }) => ({ operatorID: operator }));
  const isSame = registry.consumers.size === others.consumers.size && registry.emptied === undefined && equal(rest, owners);
  return isSame ? nothing : { do: 'put', service: rewritten(read, rest, { ...registry, consumers: others.consumers }, now) };
};

/** The reference stays, or no operator of Tailscale's could join meanwhile. */
const emptiedBy = ({ operator }: Self, read: VipService, registry: Registry, now: number): VipService => {
  const annotations = withOwners(read.annotations ?? {}, [{ operatorID: operator }]);
  const emptied = { by: operator, at: new Date(now).toISOString() };
  return { ...read, annotations: withRegistry(annotations, { ...registry, consumers: new Map(), emptied }, read, now) };
};

/** Whoever made it hands it on when it leaves: to whoever comes first by name. */
const rewritten = (
  service: VipService,
  owners: readonly OwnerReference[],
  { ownerOperator, consumers, others }: Pick<Registry, 'ownerOperator' | 'consumers' | 'others'>,
  now: number,
): VipService => {
  const isThere = owners.some(({ operatorID }) => operatorID === ownerOperator);
  const [heir] = [...consumers.values()].map(({ operator }) => operator).toSorted(byCodeUnit);
  const next = { ownerOperator: isThere ? ownerOperator : (heir ?? ownerOperator), consumers, others };
  return { ...service, annotations: withRegistry(withOwners(service.annotations ?? {}, owners), next, service, now) };
};

const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  equal(one, other) || equal([...new Set(one)].toSorted(byCodeUnit), [...new Set(other)].toSorted(byCodeUnit));
