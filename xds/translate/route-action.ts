import type { HttpMatch, HttpRule, Mirror, RouteEntry, Share } from '../../src/model/graph.ts';
import { missingCluster } from '../names.ts';
import type { ClusterWeight, RouteAction } from '../types.ts';
import { durationFrom } from './duration.ts';
import { changesAnything, hostSetBy, requestHeadersFrom, responseHeadersFrom } from './header-changes.ts';
import { streamIdleTimeoutMs } from './limits.ts';
import { mirrorPolicyFrom } from './mirror.ts';
import { fullPathRewriteFrom, prefixRewriteFrom } from './path-rewrite.ts';
import { retryPolicyFrom } from './retry-policy.ts';
import { unlessEmpty } from './unless-empty.ts';

/** Where requests of a rule go: to `shares` by weight, with copies to `mirrors`. */
export const routeActionFrom = (
  { match, writtenPath, rule }: RouteEntry,
  shares: readonly Share[],
  mirrors: readonly Mirror[],
): RouteAction => ({
  ...destinationFrom(shares, match.grpc),
  ...pathChangeFrom(match.path, rule, writtenPath),
  ...hostChangeFrom(rule),
  ...timeoutsFrom(rule),
  retryPolicy: retryPolicyFrom(rule),
  requestMirrorPolicies: unlessEmpty(mirrors.map(mirrorPolicyFrom)),
});

const destinationFrom = (shares: readonly Share[], isGrpc: boolean): RouteAction => {
  const [first, ...others] = shares;
  if (first?.backend !== undefined && others.length === 0 && !changesRequests(first)) return { cluster: first.backend.id };
  return {
    weightedClusters: { clusters: shares.map(clusterWeightFrom) },
    // Only for shares without a backend: a cluster that is merely not there yet answers 503, which clients may retry. For gRPC 503 is
    // UNAVAILABLE, which is what its shares without a backend get, too (Gateway API `GRPCRouteRule.backendRefs`).
    clusterNotFoundResponseCode: !isGrpc && shares.some(({ backend }) => backend === undefined) ? 'INTERNAL_SERVER_ERROR' : undefined,
  };
};

const changesRequests = ({ requestHeaders, responseHeaders, rewriteHostname }: Share): boolean =>
  changesAnything(requestHeaders) || changesAnything(responseHeaders) || rewriteHostname !== undefined;

const clusterWeightFrom = ({ backend, weight, requestHeaders, responseHeaders, rewriteHostname }: Share): ClusterWeight => ({
  name: backend?.id ?? missingCluster,
  weight,
  hostRewriteLiteral: rewriteHostname ?? hostSetBy(requestHeaders),
  ...requestHeadersFrom(requestHeaders),
  ...responseHeadersFrom(responseHeaders),
});

const pathChangeFrom = (path: HttpMatch['path'], { rewrite }: HttpRule, written: HttpMatch['path'] | undefined): RouteAction => {
  if (rewrite?.path === undefined) return {};
  return rewrite.path.type === 'full' ? fullPathRewriteFrom(rewrite.path.value) : prefixRewriteFrom(path, rewrite.path, written);
};

const hostChangeFrom = ({ rewrite, requestHeaders }: HttpRule): RouteAction => {
  const host = rewrite?.hostname ?? hostSetBy(requestHeaders);
  return host === undefined ? {} : { hostRewriteLiteral: host, appendXForwardedHost: true };
};

/**
 * Gateway API `HTTPRouteTimeouts.request`, from the end of the request to the end of the response, retries included; none by default,
 * so that streams may last. A stream may also be silent for as long as the rule lets a request take.
 */
const timeoutsFrom = ({ requestTimeoutMs, backendTimeoutMs }: HttpRule): RouteAction => {
  const asked = [requestTimeoutMs, backendTimeoutMs].filter((timeout) => timeout !== undefined);
  const longest = asked.includes(0) ? 0 : Math.max(0, ...asked);
  const idles = asked.length > 0 && (longest === 0 || longest > streamIdleTimeoutMs);
  return { timeout: durationFrom(requestTimeoutMs ?? 0), idleTimeout: idles ? durationFrom(longest) : undefined };
};
