import type { StreamRule } from '../graph.ts';
import type { Governing } from './governing.ts';
import type { Policy, PolicyRule } from './policy.ts';
import type { Untold } from './variants.ts';

/** A rule for bytes or packets as policies leave it, and whose doing that is. */
type StreamUnder = { readonly rule: StreamRule; readonly untold: readonly Untold[] };

/**
 * A rule for bytes or packets under policies, given as they stand to its listener and its backends. Of all actions only `identity` concerns those, and of all matches only
 * that of peers. Who sends bytes Envoy is not told, so where a policy asks for it nobody may.
 */
export const streamUnder = (rule: StreamRule, governing: readonly Governing[]): StreamUnder => {
  const demands = [...new Set(governing)].flatMap(({ policy }) => demandOf(policy) ?? []);
  if (demands.length === 0) return { rule, untold: [] };
  const message = `${rule.owner}: who sends bytes is not known, so all connections are closed; attach the policy to listeners for HTTP`;
  return {
    rule: { ...rule, shares: [{ weight: 1 }] },
    untold: demands.map((demand) => ({ rule: demand, message: `${demand.field}: ${message}` })),
  };
};

/** The rule of a policy that asks who connects. */
const demandOf = ({ rules }: Policy): PolicyRule | undefined => {
  const rule = rules.find(isForStreams);
  return rule !== undefined && (rule.blocked || rule.actions.identity !== undefined) ? rule : undefined;
};

/** Rules that match nothing but requests are not for streams. */
const isForStreams = ({ matches }: PolicyRule): boolean =>
  matches === undefined ||
  matches.some(
    ({ path, method, headers, queryParams }) => path === undefined && method === undefined && headers.length + queryParams.length === 0,
  );
