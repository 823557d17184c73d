/** Host names as listeners and routes write them: exact (`a.example`), by suffix (`*.example`, any number of labels), or `*` for any. */

export const anyHost = '*';

const isWildcard = (host: string): boolean => host.startsWith('*.');

/** Whether every name that `narrow` stands for is one that `wide` stands for. */
export const covers = (wide: string, narrow: string): boolean => {
  if (wide === anyHost || wide === narrow) return true;
  if (!isWildcard(wide) || narrow === anyHost) return false;
  return narrow.endsWith(wide.slice(1)) && narrow.length > wide.length - 1;
};

/** Whether a name stands for more than one. */
export const isWide = (host: string): boolean => host === anyHost || isWildcard(host);

/** The names that both stand for: always one of the two, or none. */
export const intersection = (one: string, other: string): string | undefined =>
  covers(one, other) ? other : covers(other, one) ? one : undefined;

/** Orders more specific names first: exact before wildcards, longer suffixes before shorter, any last. Equal names are equal. */
export const bySpecificity = (one: string, other: string): number =>
  rank(one) - rank(other) || other.length - one.length || (one < other ? -1 : one > other ? 1 : 0);

const rank = (host: string): number => (host === anyHost ? 2 : isWildcard(host) ? 1 : 0);

/** The most specific of `hosts` that covers `host`: the one that a request for it belongs to. */
export const ownerOf = (host: string, hosts: Iterable<string>): string | undefined => {
  let owner: string | undefined;
  for (const candidate of hosts)
    if (covers(candidate, host) && (owner === undefined || bySpecificity(candidate, owner) < 0)) owner = candidate;
  return owner;
};

/**
 * The names a route answers on a listener: the route's own, narrowed to the listener's; the listener's where the route has none. Each with
 * the most specific of the route's own names that it comes from.
 */
export const hostsOn = (listener: string, route: readonly string[]): ReadonlyMap<string, string> => {
  const hosts = new Map<string, string>();
  for (const asked of route.length === 0 ? [anyHost] : route.toSorted(bySpecificity)) {
    const both = intersection(listener, asked);
    if (both !== undefined && !hosts.has(both)) hosts.set(both, asked);
  }
  return hosts;
};

/** Every name that covers `host`, the most specific first: itself, its suffixes, any. */
export const coversOf = (host: string): readonly string[] => {
  if (host === anyHost) return [host];
  const labels = host.split('.');
  const suffixes = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [...new Set([host, ...suffixes, anyHost])];
};
