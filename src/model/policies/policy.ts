/** A TailscaleRoutePolicy with its references resolved, whatever it targets. */
import type { TailscaleRoutePolicy } from '../../api/generated/tailscale.ts';
import type { ObjectKey } from '../../lib/key.ts';
import type {
  BackendLimits,
  Cors,
  ExternalAuth,
  HeaderChanges,
  HttpAction,
  HttpMatch,
  Identities,
  IdentityRule,
  Jwt,
  LocalRateLimit,
  Redirect,
  Retry,
  ValueMatch,
} from '../graph.ts';
import type { Verdict } from '../route-node.ts';

export type Policy = {
  readonly key: ObjectKey;
  readonly object: TailscaleRoutePolicy;
  /** In the order they are tried: highest priority first, then as written. Those that count for nothing are left out. */
  readonly rules: readonly PolicyRule[];
  /** What is wrong with rules, in the order of the object; `all` when none is left as it was meant. */
  readonly invalid?: { readonly verdict: Verdict; readonly all: boolean };
  readonly unresolved?: Verdict;
  /** What users should know of references that do resolve. */
  readonly remarks: readonly string[];
};

export type PolicyRule = {
  readonly policy: ObjectKey;
  /** `spec.rules[0]`. */
  readonly field: string;
  /** One is enough; absent: every request. */
  readonly matches?: readonly PolicyMatch[];
  readonly actions: Actions;
  /** It asks for protection that cannot be given: requests it matches get an error. */
  readonly blocked: boolean;
};

export type PolicyMatch = {
  /** `spec.rules[0].matches[0]`. */
  readonly field: string;
  readonly path?: HttpMatch['path'];
  readonly method?: string;
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
  readonly peer?: Identities;
};

/** What a rule does: each field is taken from the most specific rule that has it, but for `identity`, of which all count. */
export type Actions = {
  readonly identity?: IdentityRule;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  readonly redirect?: Redirect;
  /** As HTTPRoutes and as GRPCRoutes speak to backends. */
  readonly forward?: { readonly http: HttpAction; readonly grpc: HttpAction };
  readonly timeouts?: Timeouts;
  readonly retry?: Retry;
  readonly cors?: Cors;
  readonly rateLimit?: LocalRateLimit;
  readonly jwt?: Jwt;
  readonly externalAuth?: ExternalAuth;
  readonly circuitBreaker?: CircuitBreaker;
  readonly outliers?: NonNullable<BackendLimits['outliers']>;
};

export type Timeouts = { readonly requestTimeoutMs?: number; readonly backendTimeoutMs?: number };
export type CircuitBreaker = Omit<BackendLimits, 'outliers'>;

export type Field = keyof Actions;

/** What the fields are called where users write them. */
export const writtenAs: Readonly<Record<Field, string>> = {
  identity: 'identity',
  requestHeaders: 'requestHeaderModifier',
  responseHeaders: 'responseHeaderModifier',
  redirect: 'redirect',
  forward: 'route',
  timeouts: 'timeouts',
  retry: 'retry',
  cors: 'cors',
  rateLimit: 'rateLimit',
  jwt: 'jwt',
  externalAuth: 'externalAuth',
  circuitBreaker: 'circuitBreaker',
  outliers: 'outlierDetection',
};

/** Whether a rule is there to keep somebody out. */
export const isProtection = ({ actions, blocked }: PolicyRule): boolean =>
  blocked || (actions.identity ?? actions.jwt ?? actions.externalAuth) !== undefined;

export const fieldsOf = (actions: Actions): readonly Field[] => Object.keys(actions) as Field[];
