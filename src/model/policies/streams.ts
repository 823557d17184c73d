import type { StreamRule } from '../graph.ts';
import type { Governing } from './governing.ts';
import type { Policy, PolicyMatch, PolicyRule } from './policy.ts';
import type { Untold } from './variants.ts';

/** A rule for bytes or packets as policies leave it, and whose doing that is. */
type StreamUnder = { readonly rule: StreamRule; readonly untold: readonly Untold[] };

/**
 * A rule for bytes or packets under policies, given as they stand to its listener and its backends. Of all actions only `identity` concerns those, and of all matches only
 * that of peers. Who connects is known where peers of a tailnet come in, and there by address alone, so that a rule that has matches of peers cannot be told; where a
 * policy asks for what is not known nobody may.
 */
export const streamUnder = (rule: StreamRule, governing: readonly Governing[], knowsPeers: boolean): StreamUnder => {
  const demands = [...new Set(governing)].flatMap(({ policy }) => demandOf(policy) ?? []);
  if (demands.length === 0) return { rule, untold: [] };
  if (knowsPeers && demands.every(isForAllPeers))
    return { rule: { ...rule, identities: demands.flatMap(({ actions }) => actions.identity ?? []) }, untold: [] };
  const message = knowsPeers
    ? `${rule.owner}: a rule that is blocked or matches peers cannot decide who may send bytes, so all connections are closed; name them in identity`
    : `${rule.owner}: who connects is known on services of a tailnet only, so all other connections are closed`;
  return {
    rule: { ...rule, shares: [{ weight: 1 }] },
    untold: demands.map((demand) => ({ rule: demand, message: `${demand.field}: ${message}` })),
  };
};

/** Whether it means every connection. */
const isForAllPeers = ({ matches, blocked }: PolicyRule): boolean =>
  !blocked && (matches === undefined || matches.some((match) => isUnconditional(match) && match.peer === undefined));

/** The rule of a policy that asks who connects; undefined where none does. */
export const demandOf = ({ rules }: Policy): PolicyRule | undefined => {
  const rule = rules.find(isForStreams);
  return rule !== undefined && (rule.blocked || rule.actions.identity !== undefined) ? rule : undefined;
};

/** Rules that match nothing but requests are not for streams. */
const isForStreams = ({ matches }: PolicyRule): boolean => matches === undefined || matches.some(isUnconditional);

const isUnconditional = ({ path, method, headers, queryParams }: PolicyMatch): boolean =>
  path === undefined && method === undefined && headers.length + queryParams.length === 0;
