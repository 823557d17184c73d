import type { IdentityRule, Socket, StreamRule } from '../graph.ts';
import type { Governing } from './governing.ts';
import type { Places } from './police.ts';
import type { Policy, PolicyRule } from './policy.ts';

/**
 * A rule for bytes or packets under policies. Of all actions only `identity` concerns those, and of all matches only that of peers; who connects
 * is known where a tailnet comes in, and nobody else may where somebody asks.
 */
export const streamUnder = (
  rule: StreamRule,
  base: readonly Governing[],
  socket: Socket,
  { atBackend, isGroupless }: Places,
): StreamRule => {
  const ofBackends = rule.shares.flatMap(({ backend }) => (backend === undefined ? [] : atBackend(backend)));
  const governing = [...new Set([...ofBackends, ...base])];
  const demands = governing.flatMap(({ policy }) => demandOf(policy) ?? []);
  if (demands.length === 0) return rule;
  const identities = demands.flatMap((demand) => (demand === 'nobody' ? [] : demand));
  const canBeTold = identities.length === demands.length && socket.tailnet !== undefined && socket.transport === 'TCP';
  const isUnsure = isGroupless(socket) && identities.some(({ deny }) => (deny?.groups ?? []).length > 0);
  return canBeTold && !isUnsure ? { ...rule, identities } : { ...rule, shares: [{ weight: 1 }] };
};

/** What a policy asks of everybody who connects; undefined when nothing. */
const demandOf = (policy: Policy): IdentityRule | 'nobody' | undefined => {
  const rule = policy.rules.find(isForStreams);
  if (rule === undefined) return undefined;
  const { identity } = rule.actions;
  if (rule.matches === undefined && identity !== undefined) return identity;
  return rule.blocked || asksWho(rule) ? 'nobody' : undefined;
};

/** Rules that match nothing but requests are not for streams. */
const isForStreams = ({ matches }: PolicyRule): boolean =>
  matches === undefined ||
  matches.some(
    ({ path, method, headers, queryParams }) => path === undefined && method === undefined && headers.length + queryParams.length === 0,
  );

const asksWho = ({ actions }: PolicyRule): boolean => actions.identity !== undefined;
