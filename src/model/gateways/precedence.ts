import type { ObjectMeta } from '../../api/core.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import type { HttpMatch, RouteEntry } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import { isGenerated } from '../tailnets/generated.ts';
import { bySpecificity } from './hostnames.ts';

/** Oldest first, then by `namespace/name`. Objects without a creation time, as in files, count as equally old, and older than any with one. */
export const byAge = (one: ObjectMeta, other: ObjectMeta): number => byCodeUnit(ageOf(one), ageOf(other));

const ageOf = memo(({ creationTimestamp = '', namespace = '', name }: ObjectMeta): string => `${creationTimestamp} ${namespace}/${name}`);

/** `byAge` for thousands: their ages are looked up once each. */
export const oldestFirst = <V>(values: readonly V[], metadataOf: (value: V) => ObjectMeta): readonly V[] =>
  values
    .map((value) => ({ age: ageOf(metadataOf(value)), value }))
    .toSorted((one, other) => byCodeUnit(one.age, other.age))
    .map(({ value }) => value);

const pathRank = { exact: 0, regex: 1, prefix: 2 } as const;

/**
 * Which of two matches is tried first (Gateway API v1 `HTTPRouteRule.matches`): exact path, then the longer prefix, then one with a method,
 * more headers, more query parameters. Where the specification leaves regular expressions open, they come between exact paths and prefixes,
 * longer ones first: whoever writes one means something narrower than a prefix. Zero where both are equal in all of this.
 */
export const byMatch = (one: HttpMatch, other: HttpMatch): number =>
  pathRank[one.path.type] - pathRank[other.path.type] ||
  other.path.value.length - one.path.value.length ||
  Number(other.method !== undefined) - Number(one.method !== undefined) ||
  other.headers.length - one.headers.length ||
  other.queryParams.length - one.queryParams.length;

/** A route that answers a host, by `asked`: the name it says itself, which may be wider. */
export type Claim = { readonly asked: string; readonly age: number; readonly node: RouteNode };

/**
 * The entries of several routes in the order they are tried: by the name the route gives, those that users wrote before generated ones, by
 * match, by the route's age, then as in its object. So nothing that a user sends somewhere is sent elsewhere by what nobody wrote.
 */
export const inOrder = (claims: readonly Claim[]): readonly RouteEntry[] => {
  const [first, ...others] = claims;
  if (first !== undefined && others.length === 0) return ownOrder(first.node);
  return claims
    .flatMap((claim) => claim.node.entries.map((entry) => ({ claim, entry })))
    .toSorted(
      (one, other) =>
        bySpecificity(one.claim.asked, other.claim.asked) ||
        Number(isGeneratedNode(one.claim.node)) - Number(isGeneratedNode(other.claim.node)) ||
        byMatch(one.entry.match, other.entry.match) ||
        one.claim.age - other.claim.age,
    )
    .map(({ entry }) => entry);
};

const isGeneratedNode = memo(({ key }: RouteNode): boolean => isGenerated(key));

const ownOrder = memo(({ entries }: RouteNode): readonly RouteEntry[] => entries.toSorted((one, other) => byMatch(one.match, other.match)));
