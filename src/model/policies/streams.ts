import { memo } from '../../lib/memo.ts';
import type { StreamRule } from '../graph.ts';
import type { Chosen } from './apply.ts';
import type { Governing } from './governing.ts';
import { isWithheld } from './groupless.ts';
import { type Field, fieldsOf, isProtection, type Policy, type PolicyMatch, type PolicyRule, writtenAs } from './policy.ts';
import type { Untold } from './variants.ts';

/** A rule for bytes or packets as policies leave it, and whose doing that is. */
type StreamUnder = { readonly rule: StreamRule; readonly untold: readonly Untold[] };

/** What is known of who connects: peers of a tailnet by their addresses, `groupless` where its groups cannot be read; elsewhere nothing. */
export type Knowing = 'nobody' | 'groupless' | 'peers';

/**
 * A rule for bytes or packets under policies, given as they stand to its listener, its route and its backends. Of all actions only `identity` concerns those, and
 * of all matches only that of peers. Who connects is known where peers of a tailnet come in, and there by address alone, so that a rule that has matches of peers
 * cannot be told; where a policy asks for what is not known nobody may.
 */
export const streamUnder = (rule: StreamRule, governing: readonly Governing[], knowing: Knowing): StreamUnder => {
  const demands = [...new Set(governing)].flatMap((one) => demandOf(one) ?? []);
  if (demands.length === 0 || rule.shares.length === 0) return { rule, untold: [] };
  const unmet = demands.filter((demand) => whyUnmet(demand, knowing) !== undefined);
  const identities = demands.flatMap(({ rule: { actions } }) => actions.identity ?? []);
  if (unmet.length === 0 && !isWithheld(identities, knowing === 'groupless')) return { rule: { ...rule, identities }, untold: [] };
  // What asks bytes for what they never have is told by its status, wherever its target is.
  const untold = unmet.flatMap((demand) => {
    const why = isForBytes(demand) ? whyUnmet(demand, knowing) : undefined;
    return why === undefined ? [] : [{ rule: demand.rule, message: `${demand.rule.field}: ${rule.owner}: ${why}` }];
  });
  return { rule: { ...rule, shares: [{ weight: 1 }] }, untold };
};

/** A rule of a policy that asks who connects. `alone`: it is so for every connection, whatever other rules match. */
export type Demand = Chosen & { readonly alone: boolean };

/** Why nobody can say who meets a demand; undefined where somebody can. */
export const whyUnmet = (demand: Demand, knowing: Knowing): string | undefined => {
  if (!isForBytes(demand)) return 'bytes cannot be asked for this, so all connections are closed';
  if (knowing === 'nobody') return 'who connects is known on services of a tailnet only, so all other connections are closed';
  if (demand.alone && !demand.rule.blocked) return undefined;
  return 'a rule that is blocked or matches peers cannot decide who may send bytes, so all connections are closed; name them in identity';
};

/** A rule of a policy on the route itself may ask for what bytes do not have; of others that is not meant for bytes. */
const isForBytes = ({ rule, level }: Demand): boolean =>
  !isAimed(level) || (isForStreams(rule) && (rule.actions.jwt ?? rule.actions.externalAuth) === undefined);

/** Whether policies of this level that stand to bytes have them as their very target. */
const isAimed = (level: Chosen['level']): boolean => level === 'route' || level === 'rule';

/**
 * What a policy asks of who connects; undefined where it asks nothing. Of a policy on the route of the bytes itself it may be what bytes do not have: whoever
 * wrote it meant to protect these.
 */
export const demandOf = ({ policy: { rules }, level }: Governing): Demand | undefined => {
  const forStreams = rules.filter(isForStreams);
  const last = forStreams.findIndex(isForAllPeers);
  const counting = last < 0 ? forStreams : forStreams.slice(0, last + 1);
  const asks = isAimed(level) ? isProtection : ({ blocked, actions }: PolicyRule) => blocked || actions.identity !== undefined;
  const rule = counting.find(asks) ?? (isAimed(level) && counting.length === 0 ? rules.find(isProtection) : undefined);
  return rule && { rule, level, alone: last === 0 };
};

/** Whether it means every connection. */
const isForAllPeers = ({ matches }: PolicyRule): boolean =>
  matches === undefined || matches.some((match) => isUnconditional(match) && match.peer === undefined);

/** Rules that match nothing but requests are not for streams. */
const isForStreams = ({ matches }: PolicyRule): boolean => matches === undefined || matches.some(isUnconditional);

const isUnconditional = ({ path, method, headers, queryParams }: PolicyMatch): boolean =>
  path === undefined && method === undefined && headers.length + queryParams.length === 0;

/** What of a policy on routes of bytes does nothing to these; `all` when nothing of it does anything. */
export type Idle = { readonly messages: readonly string[]; readonly all: boolean };

const none: Idle = { messages: [], all: false };

/** Of a policy that targets TCPRoutes or TLSRoutes. */
export const idleOnBytes = memo(({ rules }: Policy): Idle => {
  if (rules.length === 0) return none;
  const anyForStreams = rules.some(isForStreams);
  const messages = rules.flatMap((rule): readonly string[] => {
    if (!isForStreams(rule))
      return [
        `${rule.field}.matches: bytes have no paths, methods, headers or parameters${!anyForStreams && isProtection(rule) ? closing : ''}`,
      ];
    return fieldsOf(rule.actions)
      .filter((field) => !ofBytes.has(field))
      .map((field) => `${rule.field}.actions.${writtenAs[field]}: is for requests, not for bytes${protecting.has(field) ? closing : ''}`);
  });
  const all = !rules.some((rule) => isForStreams(rule) && fieldsOf(rule.actions).some((field) => ofBytes.has(field)));
  return { messages, all };
});

const closing = ', so all connections are closed';
const ofBytes: ReadonlySet<Field> = new Set<Field>(['identity', 'circuitBreaker', 'outliers']);
const protecting: ReadonlySet<Field> = new Set<Field>(['jwt', 'externalAuth']);
