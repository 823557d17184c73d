import { any } from '../any.ts';
import { memo } from '../../src/lib/memo.ts';
import { byCodeUnit, type ObjectKey } from '../../src/lib/key.ts';
import type { Gateway, HttpListener, JwksServer, Jwt, JwtProvider, Socket } from '../../src/model/graph.ts';
import { httpFilters, jwksClusterName } from '../names.ts';
import type { Any, HttpFilter, JwtAuthentication, TypedExtensionConfig } from '../types.ts';
import { adsSource } from './config-source.ts';

const typeUrl = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';

/**
 * In filter chains with a route that asks for tokens. Whose count comes by ECDS for all of a Gateway, so a policy that changes drains nothing; only
 * the first of a socket, and the last to go, change its listener.
 */
export const jwtFilter: HttpFilter = {
  name: httpFilters.jwt,
  disabled: true,
  configDiscovery: { configSource: adsSource, typeUrls: [typeUrl] },
};

/** What a route asks for, by name of what the filter knows. */
export const jwtRequired = memo((jwt: Jwt): Any =>
  any('envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig', { requirementName: jwt.id }),
);

export const asksForTokens = (listeners: readonly HttpListener[]): boolean => listeners.some((listener) => jwtsOn(listener).size > 0);

const jwtsOn = memo(({ virtualHosts }: HttpListener): ReadonlySet<Jwt> => {
  const found = new Set<Jwt>();
  for (const { entries } of virtualHosts) for (const { rule } of entries) if (rule.jwt !== undefined) found.add(rule.jwt);
  return found;
});

/** Everything that routes of a Gateway ask tokens for, in order of names. */
const jwtsOf = memo((sockets: readonly Socket[]): readonly Jwt[] => {
  const found = new Map<string, Jwt>();
  for (const { listeners } of sockets)
    for (const listener of listeners) if ('virtualHosts' in listener) for (const jwt of jwtsOn(listener)) found.set(jwt.id, jwt);
  return [...found].toSorted(([one], [other]) => byCodeUnit(one, other)).map(([, jwt]) => jwt);
});

/** ECDS entry, and what it needs; undefined where nothing asks for tokens. */
export const jwtConfigOf = memo(({ sockets }: Gateway): JwtConfig | undefined => {
  const jwts = jwtsOf(sockets);
  if (jwts.length === 0) return undefined;
  const authentication: JwtAuthentication = {
    providers: Object.fromEntries(
      jwts.flatMap((jwt) => jwt.providers.map((provider) => [providerName(jwt, provider), providerFrom(provider)])),
    ),
    requirementMap: Object.fromEntries(jwts.map((jwt) => [jwt.id, requirementFrom(jwt)])),
    // Browsers send none with a preflight; CORS has answered it before.
    bypassCorsPreflight: true,
  };
  return {
    config: { name: httpFilters.jwt, typedConfig: any('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', authentication) },
    policies: [...new Set(jwts.map(({ policy }) => policy))],
    servers: serversOf(jwts),
  };
});

/** `policies` are those that ask, `servers` those that keys come from. */
type JwtConfig = {
  readonly config: TypedExtensionConfig;
  readonly policies: readonly ObjectKey[];
  readonly servers: readonly { readonly server: JwksServer; readonly policies: readonly ObjectKey[] }[];
};

const serversOf = (jwts: readonly Jwt[]): JwtConfig['servers'] => {
  const found = new Map<string, { readonly server: JwksServer; readonly policies: Set<ObjectKey> }>();
  for (const { policy, providers } of jwts)
    for (const { keys } of providers) {
      if (keys.kind === 'inline') continue;
      const name = jwksClusterName(keys.server);
      const known = found.get(name) ?? { server: keys.server, policies: new Set() };
      known.policies.add(policy);
      found.set(name, known);
    }
  return [...found]
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .map(([, { server, policies }]) => ({ server, policies: [...policies] }));
};

const providerName = (jwt: Jwt, { name }: JwtProvider): string => `${jwt.id}/${name}`;

/** One provider's token is enough. Envoy wants no list of one. */
const requirementFrom = (jwt: Jwt): JwtRequirement => {
  const requirements: readonly JwtRequirement[] = [
    ...jwt.providers.map((provider) => ({ providerName: providerName(jwt, provider) })),
    ...(jwt.optional ? [{ allowMissing: {} }] : []),
  ];
  const [only, ...others] = requirements;
  return only !== undefined && others.length === 0 ? only : { requiresAny: { requirements } };
};

type JwtRequirement = NonNullable<JwtAuthentication['requirementMap']>[string];

const providerFrom = ({ issuer, audiences, keys, claimToHeaders }: JwtProvider) => ({
  issuer,
  // Backends may want to see the token, too.
  forward: true,
  audiences: audiences.length === 0 ? undefined : audiences,
  claimToHeaders:
    claimToHeaders.length === 0 ? undefined : claimToHeaders.map(({ claim, header }) => ({ headerName: header, claimName: claim })),
  ...(keys.kind === 'inline'
    ? { localJwks: { inlineString: keys.jwks } }
    : {
        remoteJwks: {
          httpUri: { uri: keys.uri, cluster: jwksClusterName(keys.server), timeout: '5s' as const },
          cacheDuration: '300s' as const,
          // Asked for before the first token comes, and again before what is known grows old.
          asyncFetch: { fastListener: true },
        },
      }),
});
