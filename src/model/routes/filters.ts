import type { HTTPRouteFilter } from '../../api/generated/gateway-api.ts';
import type { Cors, ExternalAuth, HeaderChanges, Mirror, Redirect, Rewrite } from '../graph.ts';
import type { BackendUse } from './app-protocol.ts';
import { corsFrom } from './cors.ts';
import { externalAuthFrom } from './external-auth.ts';
import { headerChangesFrom, noHeaderChanges } from './header-changes.ts';
import { mirrorFrom } from './mirrors.ts';
import { redirectFrom, rewriteFrom } from './redirects.ts';
import { invalid, unresolved, type RuleScope } from './scope.ts';

/** What the filters of one rule, or of one backendRef, add up to. GRPCRoute has a subset of HTTPRoute's filters, in the same shape. */
export type Filters = {
  readonly requestHeaders: HeaderChanges;
  readonly responseHeaders: HeaderChanges;
  readonly mirrors: readonly Mirror[];
  readonly cors?: Cors;
  readonly rewrite?: Rewrite;
  readonly redirect?: Redirect;
  readonly externalAuth?: ExternalAuth;
  /** Set when a filter that must not be skipped cannot be honoured: requests then get an error. */
  readonly blocked: boolean;
};

type Filling = { -readonly [K in keyof Filters]: Filters[K] };

/** Their order does not count: they are applied in Envoy's. One type may occur once, but for mirrors and ExtensionRefs. */
export const filtersFrom = (filters: readonly HTTPRouteFilter[] | undefined, use: BackendUse, field: string, scope: RuleScope): Filters => {
  const filling: Filling = { requestHeaders: noHeaderChanges, responseHeaders: noHeaderChanges, mirrors: [], blocked: false };
  const seen = new Set<string>();
  for (const [index, filter] of (filters ?? []).entries()) {
    const at = `${field}[${index}]`;
    if (seen.has(filter.type) && !repeatable.has(filter.type))
      invalid(scope, at, `${filter.type} cannot be repeated`, 'IncompatibleFilters');
    seen.add(filter.type);
    apply(filter, use, at, scope, filling);
  }
  if (filling.redirect !== undefined && filling.rewrite !== undefined) {
    invalid(scope, field, 'URLRewrite and RequestRedirect cannot be combined', 'IncompatibleFilters');
  }
  return filling;
};

const repeatable: ReadonlySet<string> = new Set(['RequestMirror', 'ExtensionRef']);

const apply = (filter: HTTPRouteFilter, use: BackendUse, at: string, scope: RuleScope, filling: Filling): void => {
  if (filter.requestHeaderModifier) {
    filling.requestHeaders = headerChangesFrom(filter.requestHeaderModifier, 'request', `${at}.requestHeaderModifier`, scope);
  } else if (filter.responseHeaderModifier) {
    filling.responseHeaders = headerChangesFrom(filter.responseHeaderModifier, 'response', `${at}.responseHeaderModifier`, scope);
  } else if (filter.requestMirror) {
    const mirror = mirrorFrom(filter.requestMirror, use, `${at}.requestMirror`, scope);
    if (mirror !== undefined) filling.mirrors = [...filling.mirrors, mirror];
  } else if (filter.requestRedirect) {
    filling.redirect = redirectFrom(filter.requestRedirect, `${at}.requestRedirect`, scope);
  } else if (filter.urlRewrite) {
    filling.rewrite = rewriteFrom(filter.urlRewrite, `${at}.urlRewrite`, scope);
  } else if (filter.cors) {
    filling.cors = corsFrom(filter.cors);
  } else if (filter.externalAuth) {
    const externalAuth = externalAuthFrom(filter.externalAuth, `${at}.externalAuth`, scope);
    if (externalAuth === undefined) filling.blocked = true;
    else filling.externalAuth = externalAuth;
  } else if (filter.extensionRef) {
    const { group, kind } = filter.extensionRef;
    unresolved(scope, `${at}.extensionRef`, 'InvalidKind', `kind ${kind} of group "${group}" is not supported`);
    filling.blocked = true;
  } else {
    invalid(scope, `${at}.type`, `"${filter.type}" is not supported`);
  }
};
