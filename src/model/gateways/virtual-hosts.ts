import { memo } from '../../lib/memo.ts';
import type { VirtualHost } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import type { Attached } from './attach.ts';
import { bySpecificity, coversOf, isWide, ownerOf } from './hostnames.ts';
import { type Claim, inOrder } from './precedence.ts';

/** What one listener answers by host: `misdirected` are hosts that belong to others, to be answered with 421. */
export type Hosts = { readonly virtualHosts: readonly VirtualHost[]; readonly misdirected: readonly string[] };

/**
 * The virtual hosts of a listener that shares its port with listeners of `neighbours` (hosts, its own among them). A name belongs to the most
 * specific listener that covers it ("listener isolation"), whether or not that one has a route for it: so the listener's own host always has a
 * virtual host, and a route's host that a neighbour owns has none here.
 */
export const virtualHostsOf = (host: string, neighbours: readonly string[], attached: readonly Attached[]): Hosts => {
  const claims = new Map<string, Claim[]>();
  for (const [age, { node, hosts }] of attached.entries()) {
    for (const [name, asked] of hosts) {
      const claim = { asked, age, node };
      const known = claims.get(name);
      if (known === undefined) claims.set(name, [claim]);
      else known.push(claim);
    }
  }
  const domains = new Set([host, ...[...claims.keys()].filter((name) => ownerOf(name, neighbours) === host)]);
  const wide = [...claims.keys()].some(isWide);
  const virtualHosts = [...domains]
    .toSorted(bySpecificity)
    .map((domain) => virtualHostOf(domain, wide ? claimsOn(coversOf(domain), claims) : (claims.get(domain) ?? [])));
  return { virtualHosts, misdirected: neighbours.filter((neighbour) => !domains.has(neighbour)).toSorted(bySpecificity) };
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
const claimsOn = (names: readonly string[], claims: ReadonlyMap<string, readonly Claim[]>): readonly Claim[] => {
  const found = new Map<Claim['node'], Claim>();
  for (const name of names) for (const claim of claims.get(name) ?? []) if (!found.has(claim.node)) found.set(claim.node, claim);
  return [...found.values()];
};
