import type { RouteEntry, Share } from '../../src/model/graph.ts';
import type { Route } from '../types.ts';
import { repeatableRetries } from './retry-policy.ts';

/** RFC 9110, 9.2.2: to ask twice is as good as once. */
const idempotent: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE']);

/**
 * Routes to `shares`, with others before them for idempotent methods where a share is behind HTTP proxies: a request of these is repeated also
 * when its connection breaks. Envoy knows retries by route only. What a rule itself says of retries, or of the time for an attempt, holds.
 */
export const withRepetitionFrom = ({ match, rule }: RouteEntry, shares: readonly Share[], routes: readonly Route[]): readonly Route[] => {
  const isRepeated = shares.some(isBehindProxies) && !match.grpc && rule.retry === undefined && (rule.backendTimeoutMs ?? 0) === 0;
  if (!isRepeated || (match.method !== undefined && !idempotent.has(match.method))) return routes;
  const repeated = routes.map((route) => ({ ...route, route: { ...route.route, retryPolicy: repeatableRetries } }));
  return match.method === undefined ? [...repeated.map(ifIdempotent), ...routes] : repeated;
};

const isBehindProxies = ({ backend }: Share): boolean => backend?.reach !== undefined && backend.reach.form !== 'plain';

const ifIdempotent = (route: Route): Route => ({
  ...route,
  name: `${route.name}/idempotent`,
  match: { ...route.match, headers: [...(route.match?.headers ?? []), methodIsIdempotent] },
});

const methodIsIdempotent = { name: ':method', stringMatch: { safeRegex: { regex: [...idempotent].join('|') } } };
