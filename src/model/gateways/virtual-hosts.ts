import type { RouteEntry, VirtualHost } from '../graph.ts';
import type { Attached } from './attach.ts';
import { bySpecificity, ownerOf } from './hostnames.ts';
import { inOrder } from './precedence.ts';

/** What one listener answers by host: `misdirected` are hosts that belong to others, to be answered with 421. */
export type Hosts = { readonly virtualHosts: readonly VirtualHost[]; readonly misdirected: readonly string[] };

/**
 * The virtual hosts of a listener that shares its port with listeners of `neighbours` (hosts, its own among them). A name belongs to the most
 * specific listener that covers it ("listener isolation"), whether or not that one has a route for it: so the listener's own host always has a
 * virtual host, and a route's host that a neighbour owns has none here.
 */
export const virtualHostsOf = (host: string, neighbours: readonly string[], attached: readonly Attached[]): Hosts => {
  const byDomain = new Map<string, RouteEntry[][]>([[host, []]]);
  for (const { node, hosts } of attached) {
    for (const domain of hosts) {
      if (ownerOf(domain, neighbours) !== host) continue;
      const entries = byDomain.get(domain);
      if (entries === undefined) byDomain.set(domain, [[...node.entries]]);
      else entries.push([...node.entries]);
    }
  }
  const virtualHosts = [...byDomain]
    .map(([domain, entries]) => ({ domain, entries: inOrder(entries) }))
    .toSorted((one, other) => bySpecificity(one.domain, other.domain));
  const misdirected = neighbours.filter((neighbour) => neighbour !== host && !byDomain.has(neighbour)).toSorted(bySpecificity);
  return { virtualHosts, misdirected };
};

/** Gives back earlier virtual hosts where nothing in them changed, so that what was made from them is kept. One for each Gateway. */
export const virtualHostKeeper = (): ((listener: string, host: VirtualHost) => VirtualHost) => {
  const known = new Map<string, VirtualHost>();
  return (listener, host) => {
    const key = `${listener} ${host.domain}`;
    const last = known.get(key);
    const same =
      last !== undefined &&
      last.entries.length === host.entries.length &&
      last.entries.every((entry, index) => entry === host.entries[index]);
    if (same) return last;
    known.set(key, host);
    return host;
  };
};
