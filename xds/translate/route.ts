import type { HttpRule, Redirect, RouteEntry, Share } from '../../src/model/graph.ts';
import { externalAuthFilterName, httpFilters, missingCluster } from '../names.ts';
import type { Any, Route, RouteMatch } from '../types.ts';
import { corsPolicyFrom, preflightOf } from './cors.ts';
import { externalAuthEnabled } from './external-auth.ts';
import { requestHeadersFrom, responseHeadersFrom } from './header-changes.ts';
import { identityFrom } from './identity.ts';
import { jwtRequired } from './jwt.ts';
import { fractionFrom } from './mirror.ts';
import { carriesStalePort, type Front, redirectFrom, redirectToSaidPort } from './redirect.ts';
import { rateLimitFrom } from './rate-limit.ts';
import { withRepetitionFrom } from './repeatable.ts';
import { routeActionFrom } from './route-action.ts';
import { routeMatchFrom } from './route-match.ts';
import { sessionPersistenceFrom } from './session-persistence.ts';
import { withStandby } from './standby.ts';

/** One match of one rule, as the Envoy routes that mean it, in order: one, but where Envoy needs several to say the same. */
export const routesFrom = (entry: RouteEntry, front: Front): readonly Route[] => {
  const common = commonFrom(entry);
  return [...preflightRoutesFrom(entry), ...answersFrom(entry, front)].map((route) => ({ ...route, ...common }));
};

/** What a rule does to its requests and responses, whatever answers them. */
const commonFrom = ({ rule, orRules = [] }: RouteEntry): Route => {
  const configs = withStandby(filterConfigsFrom(rule), orRules.map(filterConfigsFrom));
  return {
    ...requestHeadersFrom(rule.requestHeaders),
    ...responseHeadersFrom(rule.responseHeaders),
    typedPerFilterConfig: Object.keys(configs).length === 0 ? undefined : configs,
  };
};

const filterConfigsFrom = (rule: HttpRule): Readonly<Record<string, Any>> => {
  const { cors, externalAuth, identities = [], jwt, rateLimit, sessionPersistence } = rule;
  const configs: Record<string, Any> = {};
  if (cors !== undefined) configs[httpFilters.cors] = corsPolicyFrom(cors);
  if (identities.length > 0) configs[httpFilters.identity] = identityFrom(identities);
  if (jwt !== undefined) configs[httpFilters.jwt] = jwtRequired(jwt);
  if (rateLimit !== undefined) configs[httpFilters.rateLimit] = rateLimitFrom(rateLimit);
  if (externalAuth !== undefined) configs[externalAuthFilterName(externalAuth)] = externalAuthEnabled;
  if (sessionPersistence !== undefined) configs[httpFilters.statefulSession] = sessionPersistenceFrom(sessionPersistence);
  return configs;
};

/** Preflights of a match that names a method: the `cors` filter answers them all, so the cluster, which Envoy wants, is never asked. */
const preflightRoutesFrom = ({ id, match, rule }: RouteEntry): readonly Route[] => {
  const preflight = rule.cors === undefined ? undefined : preflightOf(match);
  if (preflight === undefined) return [];
  return [{ name: `${id}/preflight`, match: routeMatchFrom(preflight.match, preflight.headers), route: { cluster: missingCluster } }];
};

const answersFrom = (entry: RouteEntry, front: Front): readonly Route[] => {
  const { action } = entry.rule;
  if (action.kind === 'forward') return withRepetitionFrom(entry, action.shares, forwardsFrom(entry, action.shares));
  if (action.kind === 'redirect') return redirectsFrom(entry, action.redirect, front);
  return [{ name: entry.id, match: routeMatchFrom(entry.match), directResponse: { status: action.status } }];
};

const redirectsFrom = ({ id, match, writtenPath }: RouteEntry, redirect: Redirect, front: Front): readonly Route[] => {
  const stale = carriesStalePort(redirect, front);
  const plain = { name: id, match: routeMatchFrom(match), redirect: redirectFrom(match.path, redirect, front, writtenPath) };
  if (stale === undefined) return [plain];
  return [
    { name: `${id}/port`, match: routeMatchFrom(match, stale), redirect: redirectToSaidPort(match.path, redirect, front, writtenPath) },
    plain,
  ];
};

/**
 * One route to all shares; but one route per share where some share has mirrors of its own, which Envoy knows per route only. Envoy
 * draws one number per request for all fractions, so the routes' fractions add up.
 */
const forwardsFrom = (entry: RouteEntry, given: readonly Share[]): readonly Route[] => {
  const { id, rule } = entry;
  const shares = given.filter(({ weight }) => weight > 0);
  const match = routeMatchFrom(entry.match);
  if (shares.length < 2 || shares.every(({ mirrors }) => mirrors.length === 0)) {
    const mirrors = [...rule.mirrors, ...shares.flatMap((share) => share.mirrors)];
    return [{ name: id, match, route: routeActionFrom(entry, shares, mirrors) }];
  }
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  let upTo = 0;
  return shares.map((share, index) => {
    upTo += share.weight;
    return {
      name: `${id}/share/${index}`,
      match: upTo === total ? match : withFraction(match, upTo, total),
      route: routeActionFrom(entry, [share], [...rule.mirrors, ...share.mirrors]),
    };
  });
};

const withFraction = (match: RouteMatch, upTo: number, total: number): RouteMatch => ({
  ...match,
  runtimeFraction: { defaultValue: fractionFrom(upTo, total) },
});
