import type {
  ExternalAuth as WrittenAuth,
  LocalRateLimitKey,
  PolicyActions,
  PolicyRedirect,
  RateLimit,
} from '../../api/generated/tailscale.ts';
import { millisecondsOf } from '../../lib/duration.ts';
import { present } from '../../lib/present.ts';
import type { ExternalAuth, HttpAction, LocalRateLimit, RateLimitKey, Redirect } from '../graph.ts';
import { corsFrom } from '../routes/cors.ts';
import { externalAuthFrom } from '../routes/external-auth.ts';
import { headerChangesFrom } from '../routes/header-changes.ts';
import { redirectFrom } from '../routes/redirects.ts';
import { retryFrom } from '../routes/retry.ts';
import { invalid, type RuleScope } from '../routes/scope.ts';
import { actionFrom } from '../routes/shares.ts';
import { identityFrom } from './identities.ts';
import { jwtFrom } from './jwt.ts';
import type { Actions, CircuitBreaker, PolicyRule } from './policy.ts';

/** What a rule does, and whether it cannot give the protection it asks for. What is wrong goes to the scope's findings. */
export const actionsFrom = (written: PolicyActions, scope: RuleScope): Pick<PolicyRule, 'actions' | 'blocked'> => {
  const at = (field: string): string => `${scope.field}.actions.${field}`;
  const { requestHeaderModifier, responseHeaderModifier, redirect, route, timeouts, retry, cors, rateLimit, outlierDetection } = written;
  const jwt = written.jwt && jwtFrom(written.jwt, at('jwt'), scope);
  const externalAuth = written.externalAuth && authFrom(written.externalAuth, at('externalAuth'), scope);
  const identity = written.identity && identityFrom(written.identity, at('identity'), scope);
  if (written.basicAuth !== undefined) invalid(scope, at('basicAuth'), 'is not supported yet; jwt, externalAuth and identity are');
  const actions: Actions = present({
    identity,
    requestHeaders: requestHeaderModifier && headerChangesFrom(requestHeaderModifier, 'request', at('requestHeaderModifier'), scope),
    responseHeaders: responseHeaderModifier && headerChangesFrom(responseHeaderModifier, 'response', at('responseHeaderModifier'), scope),
    redirect: redirect && policyRedirectFrom(redirect, at('redirect'), scope),
    forward: route && { http: forwardFrom(route, 'http', scope), grpc: forwardFrom(route, 'grpc', scope) },
    timeouts:
      timeouts && present({ requestTimeoutMs: durationOf(timeouts.request), backendTimeoutMs: durationOf(timeouts.backendRequest) }),
    retry: retry && retryFrom(retry),
    cors: cors && corsFrom(cors),
    rateLimit: rateLimit && rateLimitFrom(rateLimit, at('rateLimit'), scope),
    jwt,
    externalAuth,
    circuitBreaker: written.circuitBreaker && circuitBreakerFrom(written.circuitBreaker),
    outliers:
      outlierDetection &&
      present({
        consecutive5xx: outlierDetection.consecutive5xx,
        intervalMs: durationOf(outlierDetection.interval),
        baseEjectionTimeMs: durationOf(outlierDetection.baseEjectionTime),
        maxEjectionPercent: outlierDetection.maxEjectionPercent,
      }),
  });
  const given = { identity, jwt, externalAuth, basicAuth: undefined };
  const blocked = protections.some((name) => written[name] !== undefined && given[name] === undefined);
  return { actions, blocked };
};

/** Actions that must not be skipped. */
const protections = ['identity', 'jwt', 'externalAuth', 'basicAuth'] as const;

export const isProtecting = (written: PolicyActions): boolean => protections.some((name) => written[name] !== undefined);

const durationOf = (written: string | undefined): number | undefined => (written === undefined ? undefined : millisecondsOf(written));

/** gRPC clients read 503 as `UNAVAILABLE`. Whatever cannot be resolved is told once. */
const forwardFrom = (route: NonNullable<PolicyActions['route']>, use: 'http' | 'grpc', scope: RuleScope): HttpAction => {
  const field = `${scope.field}.actions.route`;
  if (use === 'http') return actionFrom(route.backendRefs, 'http', 500, { ...scope, field });
  return actionFrom(route.backendRefs, 'grpc', 503, { ...scope, field, findings: { unresolved: [], invalid: [], remarks: [] } });
};

const policyRedirectFrom = ({ path, ...redirect }: PolicyRedirect, field: string, scope: RuleScope): Redirect => {
  const { replaceFullPath, replacePrefixMatch } = path ?? {};
  const whole = replaceFullPath === undefined ? undefined : ({ type: 'ReplaceFullPath', replaceFullPath } as const);
  const prefix = replacePrefixMatch === undefined ? undefined : ({ type: 'ReplacePrefixMatch', replacePrefixMatch } as const);
  return redirectFrom({ ...redirect, ...present({ path: whole ?? prefix }) }, field, scope);
};

const authFrom = ({ http, grpc, ...auth }: WrittenAuth, field: string, scope: RuleScope): ExternalAuth | undefined =>
  externalAuthFrom({ ...auth, ...present({ http: http && { path: '', ...http }, grpc }) }, field, scope);

const unitMs = { Second: 1000, Minute: 60_000, Hour: 3_600_000, Day: 86_400_000 } as const;

const rateLimitFrom = ({ local, global }: RateLimit, field: string, scope: RuleScope): LocalRateLimit | undefined => {
  if (global !== undefined) invalid(scope, `${field}.global`, 'is not supported yet; local is');
  if (local === undefined) return undefined;
  const { requests, unit, burst = requests, by = [] } = local;
  const limit = { tokens: requests, burst: Math.max(burst, requests), fillIntervalMs: unitMs[unit] };
  return by.length === 0 ? limit : { ...limit, by: by.flatMap(keyFrom) };
};

/** In the order they are written; admission sees to it that each is one of the two. */
const keyFrom = ({ header, identity }: LocalRateLimitKey): readonly RateLimitKey[] => {
  if (header !== undefined) return [{ kind: 'header', name: header.toLowerCase() }];
  return identity === undefined ? [] : [{ kind: identity === 'User' ? 'user' : 'node' }];
};

const circuitBreakerFrom = ({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: CircuitBreakerWritten): CircuitBreaker =>
  present({ maxConnections, maxPendingRequests, maxRequests, maxRetries });

type CircuitBreakerWritten = NonNullable<PolicyActions['circuitBreaker']>;
