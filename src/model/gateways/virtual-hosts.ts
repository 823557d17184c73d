import { changesBetween, placeOf } from '../../lib/changes.ts';
import { areSame, memo } from '../../lib/memo.ts';
import type { VirtualHost } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import type { Attached } from './attach.ts';
import { bySpecificity, coversOf, isWide, ownerOf } from './hostnames.ts';
import { type Claim, inOrder } from './precedence.ts';

/** What one listener answers by host: `misdirected` are hosts that belong to others, to be answered with 421. */
export type Hosts = { readonly virtualHosts: readonly VirtualHost[]; readonly misdirected: readonly string[] };

/** Routes that answer a name, in the order in which they are attached. */
type Claims = Map<string, Attached[]>;
type Known = Hosts & {
  readonly neighbours: readonly string[];
  readonly attached: readonly Attached[];
  readonly claims: Claims;
  /** Some route has a name that stands for several, and so may be part of any virtual host. */
  readonly wide: boolean;
};

/**
 * Makes the virtual hosts of a listener for `host` that shares its port with listeners of `neighbours` (hosts, its own among them). A name
 * belongs to the most specific listener that covers it ("listener isolation"), whether or not that one has a route for it: so the
 * listener's own host always has a virtual host, and a route's host that a neighbour owns has none here. Remembers what it made: when few of
 * thousands of routes change, it looks at the hosts of those.
 */
export const virtualHostsMaker = (host: string): ((neighbours: readonly string[], attached: readonly Attached[]) => Hosts) => {
  let last: Known | undefined;
  return (neighbours, attached) => {
    const known = last !== undefined && areSame(last.neighbours, neighbours) ? last : undefined;
    last = (known && patched(host, known, attached)) ?? madeAnew(host, neighbours, attached);
    return last;
  };
};

const madeAnew = (host: string, neighbours: readonly string[], attached: readonly Attached[]): Known => {
  const claims: Claims = new Map();
  for (const one of attached) {
    for (const name of one.hosts.keys()) {
      const known = claims.get(name);
      if (known === undefined) claims.set(name, [one]);
      else known.push(one);
    }
  }
  const domains = new Set([host, ...[...claims.keys()].filter((name) => ownerOf(name, neighbours) === host)]);
  const wide = [...claims.keys()].some(isWide);
  const ageOf = agesIn(attached);
  return {
    neighbours,
    attached,
    claims,
    wide,
    virtualHosts: [...domains]
      .toSorted(bySpecificity)
      .map((domain) => virtualHostOf(domain, claimsOn(wide ? coversOf(domain) : [domain], claims, ageOf))),
    misdirected: neighbours.filter((neighbour) => !domains.has(neighbour)).toSorted(bySpecificity),
  };
};

const patchesAtMost = 100;

/** The same with few routes changed; undefined where making it anew is better. */
const patched = (host: string, last: Known, attached: readonly Attached[]): Known | undefined => {
  const { claims, neighbours, wide } = last;
  const { removed, added } = changesBetween(last.attached, attached);
  if (wide || removed.length + added.length > patchesAtMost) return undefined;
  const names = new Set([...removed, ...added].flatMap(({ hosts }) => [...hosts.keys()]));
  if ([...names].some(isWide)) return undefined;
  const gone = new Set(removed);
  const ageOf = agesIn(attached);
  let { virtualHosts } = last;
  for (const name of names) {
    const left = (claims.get(name) ?? []).filter((one) => !gone.has(one));
    const now = [...left, ...added.filter(({ hosts }) => hosts.has(name))].toSorted((one, other) => ageOf(one) - ageOf(other));
    if (now.length > 0) claims.set(name, now);
    else claims.delete(name);
    if (name !== host && ownerOf(name, neighbours) !== host) continue;
    const made = now.length > 0 || name === host ? virtualHostOf(name, claimsOn([name], claims, ageOf)) : undefined;
    virtualHosts = withPut(virtualHosts, name, made);
  }
  return { ...last, attached, virtualHosts };
};

/** With the virtual host of a name where it belongs, in place of the one that is there; undefined takes that one away. */
const withPut = (virtualHosts: readonly VirtualHost[], domain: string, made: VirtualHost | undefined): readonly VirtualHost[] => {
  const { at, taken } = placeOf(domain, virtualHosts, (name, other) => bySpecificity(name, other.domain));
  return virtualHosts.toSpliced(at, taken ? 1 : 0, ...(made === undefined ? [] : [made]));
};

/** Where a route stands among all, counted only when somebody asks: most names have one route, whose age says nothing. */
const agesIn = (attached: readonly Attached[]): ((one: Attached) => number) => {
  let ages: ReadonlyMap<Attached, number> | undefined;
  return (one) => {
    ages ??= new Map(attached.map((each, age) => [each, age]));
    return ages.get(one) ?? 0;
  };
};

const ownHosts = memo<RouteNode, Map<string, VirtualHost>>(() => new Map());

/** Most hosts have one route, whose virtual host then is the same object for as long as the route means the same. */
const virtualHostOf = (domain: string, claims: readonly Claim[]): VirtualHost => {
  const [claim, ...others] = claims;
  if (claim === undefined || others.length > 0) return { domain, entries: inOrder(claims) };
  const known = ownHosts(claim.node);
  const virtualHost = known.get(domain) ?? { domain, entries: inOrder(claims) };
  known.set(domain, virtualHost);
  return virtualHost;
};

/**
 * Of each route the most specific of its claims by these names, which all cover one domain. Routes of wider names count too: a more specific hostname makes a route's rules come
 * first (`HTTPRouteSpec.hostnames`), it does not keep requests that none of them matches from the others.
 */
const claimsOn = (names: readonly string[], claims: Claims, ageOf: (attached: Attached) => number): readonly Claim[] => {
  const found = new Map<RouteNode, { readonly one: Attached; readonly asked: string }>();
  for (const name of names)
    for (const one of claims.get(name) ?? []) if (!found.has(one.node)) found.set(one.node, { one, asked: one.hosts.get(name) ?? name });
  return [...found.values()].map(({ one, asked }) => ({ asked, age: found.size === 1 ? 0 : ageOf(one), node: one.node }));
};
