import type { HTTPRouteMatch, HTTPRouteRule } from '../../api/generated/gateway-api.ts';
import { present } from '../../lib/present.ts';
import type { HttpRule, RouteEntry } from '../graph.ts';
import { millisecondsOf } from '../../lib/duration.ts';
import { entriesFrom } from './entries.ts';
import { filtersFrom, type Filters } from './filters.ts';
import { httpMatchFrom } from './matches.ts';
import { retryFrom } from './retry.ts';
import { invalid, type RuleScope } from './scope.ts';
import { sessionPersistenceFrom } from './session-persistence.ts';
import { actionFrom } from './shares.ts';

/** One entry per match of an HTTPRoute's rule, all with the same `rule`. What is wrong goes to the scope's findings. */
export const httpEntriesFrom = (written: HTTPRouteRule, scope: RuleScope): readonly RouteEntry[] => {
  const filters = filtersFrom(written.filters, 'http', `${scope.field}.filters`, scope);
  checkCombination(written, filters, scope);
  const rule = httpRuleFrom(written, filters, scope);
  const matches = written.matches.length > 0 ? written.matches : [everything];
  return entriesFrom(written.name, matches, rule, scope, httpMatchFrom);
};

/** What a rule without matches means. The API's default stands for an absent list only, not for an empty one. */
const everything: HTTPRouteMatch = { path: { type: 'PathPrefix', value: '/' } };

const httpRuleFrom = (written: HTTPRouteRule, filters: Filters, scope: RuleScope): HttpRule => ({
  requestHeaders: filters.requestHeaders,
  responseHeaders: filters.responseHeaders,
  mirrors: filters.mirrors,
  ...present({
    cors: filters.cors,
    rewrite: filters.rewrite,
    externalAuth: filters.externalAuth,
    requestTimeoutMs: written.timeouts?.request === undefined ? undefined : millisecondsOf(written.timeouts.request),
    backendTimeoutMs: written.timeouts?.backendRequest === undefined ? undefined : millisecondsOf(written.timeouts.backendRequest),
    retry: written.retry && retryFrom(written.retry),
    sessionPersistence:
      written.sessionPersistence && sessionPersistenceFrom(written.sessionPersistence, `${scope.field}.sessionPersistence`, scope),
  }),
  ...(filters.blocked ? { blocked: true } : {}),
  action: httpActionFrom(written, filters, scope),
});

const httpActionFrom = (written: HTTPRouteRule, filters: Filters, scope: RuleScope): HttpRule['action'] => {
  const action = actionFrom(written.backendRefs, 'http', 500, scope);
  if (filters.blocked) return { kind: 'respond', status: 500 };
  return filters.redirect === undefined ? action : { kind: 'redirect', redirect: filters.redirect };
};

/** What the API's own rules refuse in current CRDs, and older CRDs let through. */
const checkCombination = ({ backendRefs, matches }: HTTPRouteRule, { redirect, rewrite }: Filters, scope: RuleScope): void => {
  const field = `${scope.field}.filters`;
  if (redirect !== undefined && (backendRefs ?? []).length > 0) {
    invalid(scope, field, 'RequestRedirect cannot be combined with backendRefs', 'IncompatibleFilters');
  }
  const replacesPrefix = redirect?.path?.type === 'prefix' || rewrite?.path?.type === 'prefix';
  if (replacesPrefix && matches.some(({ path }) => path.type !== 'PathPrefix')) {
    invalid(scope, field, 'ReplacePrefixMatch needs a PathPrefix match', 'IncompatibleFilters');
  }
};
