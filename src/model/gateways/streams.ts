import type { StreamRule, TlsListener } from '../graph.ts';
import type { Attached } from './attach.ts';
import { bySpecificity, ownerOf } from './hostnames.ts';
import type { JudgedListener } from './judge.ts';

/** Takes connections and ends them: what answers for a name that a listener owns and no route serves. */
const nowhere = (listener: JudgedListener): StreamRule => ({
  id: `${listener.ownerKey}/${listener.spec.name}/unrouted`,
  owner: listener.ownerKey,
  shares: [],
});

/** The node that counts for a TLSRoute here: terminated connections are spoken to backends as their BackendTLSPolicies say. */
const ruleOf = ({ node }: Attached, terminates: boolean): StreamRule | undefined =>
  (terminates ? (node.terminated ?? node) : node).streams[0];

/** Rules of a TLS listener by server name, most specific first; the oldest route has a name that several claim. See `virtualHostsMaker` for `neighbours`. */
export const serverNamesOf = (
  listener: JudgedListener,
  neighbours: readonly string[],
  attached: readonly Attached[],
): TlsListener['serverNames'] => {
  const rules = new Map<string, StreamRule>();
  for (const route of attached) {
    const rule = ruleOf(route, listener.tls !== undefined);
    if (rule === undefined) continue;
    for (const name of route.hosts.keys()) if (!rules.has(name) && ownerOf(name, neighbours) === listener.host) rules.set(name, rule);
  }
  if (!rules.has(listener.host)) rules.set(listener.host, nowhere(listener));
  return [...rules].map(([name, rule]) => ({ name, rule })).toSorted((one, other) => bySpecificity(one.name, other.name));
};

/** The rule of a TCP or UDP listener: its one route's first. */
export const streamRuleOf = (attached: readonly Attached[]): StreamRule | undefined => attached[0]?.node.streams[0];
