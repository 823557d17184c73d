import { any } from '../any.ts';
import { httpFilters } from '../names.ts';
import type { Any } from '../types.ts';
import { idleRateLimit } from './rate-limit.ts';

type Configs = Readonly<Record<string, Any>>;

const idle: Configs = {
  [httpFilters.cors]: any('envoy.extensions.filters.http.cors.v3.CorsPolicy', {}),
  [httpFilters.identity]: any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {}),
  [httpFilters.rateLimit]: idleRateLimit,
  [httpFilters.jwt]: any('envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig', { disabled: true }),
  [httpFilters.statefulSession]: any('envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute', { disabled: true }),
};

/** Of external authorizations there are many filters. */
const idleAuth: Any = any('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute', { disabled: true });

/**
 * `own`, and filters of `others` that do nothing: Envoy makes filters that are off by default for the route it finds first, and asks those alone when it
 * finds another route later.
 */
export const withStandby = (own: Configs, others: readonly Configs[]): Configs => {
  const names = new Set(others.flatMap((configs) => Object.keys(configs)));
  return { ...Object.fromEntries([...names].map((name) => [name, idle[name] ?? idleAuth])), ...own };
};
