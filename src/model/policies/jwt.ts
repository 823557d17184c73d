import type { JWTAuth, JWTProvider } from '../../api/generated/tailscale.ts';
import { localKey } from '../../lib/key.ts';
import type { JwksServer, Jwt, JwtProvider } from '../graph.ts';
import { invalid, type RuleScope, unresolved } from '../routes/scope.ts';

/** Key of a ConfigMap. */
const key = 'jwks';

/** Whose tokens count; undefined, and a finding, unless every provider can be asked: no request may pass then. */
export const jwtFrom = ({ optional, providers }: JWTAuth, field: string, scope: RuleScope): Jwt | undefined => {
  const found = providers.map((provider, index) => providerFrom(provider, `${field}.providers[${index}]`, scope));
  const whole = found.filter((provider) => provider !== undefined);
  return whole.length < found.length ? undefined : { id: scope.id, policy: scope.owner, optional, providers: whole };
};

const providerFrom = (written: JWTProvider, field: string, scope: RuleScope): JwtProvider | undefined => {
  const keys = keysFrom(written.jwks, `${field}.jwks`, scope);
  if (keys === undefined) return undefined;
  const { name, issuer, audiences = [], claimToHeaders = [] } = written;
  return {
    name,
    issuer,
    audiences,
    keys,
    claimToHeaders: claimToHeaders.map(({ claim, header }) => ({ claim, header: header.toLowerCase() })),
  };
};

const keysFrom = ({ uri, configMapRef }: JWTProvider['jwks'], field: string, scope: RuleScope): JwtProvider['keys'] | undefined => {
  if (uri !== undefined) {
    const server = serverOf(uri);
    if (server !== undefined) return { kind: 'remote', uri, server };
    invalid(scope, `${field}.uri`, 'is no http or https URL without a user and password', 'Invalid');
    return undefined;
  }
  if (configMapRef === undefined) {
    invalid(scope, field, 'needs uri or configMapRef', 'Invalid');
    return undefined;
  }
  const name = localKey(scope.namespace, configMapRef.name);
  const said = (reason: string, message: string): undefined => unresolved(scope, `${field}.configMapRef`, reason, message) as undefined;
  const map = scope.read('ConfigMap', name);
  if (map === undefined) return said('ConfigMapNotFound', `ConfigMap "${name}" not found`);
  const jwks = map.data?.[key];
  if (jwks === undefined) return said('InvalidConfigMap', `ConfigMap "${name}" has no key "${key}"`);
  const problem = problemOf(jwks);
  return problem === undefined ? { kind: 'inline', jwks } : said('InvalidConfigMap', `key "${key}" of ConfigMap "${name}" ${problem}`);
};

/** Why Envoy would not take these keys: it refuses all that a Gateway asks of tokens for one set without a key that it knows. */
const problemOf = (jwks: string): string | undefined => {
  try {
    const { keys } = JSON.parse(jwks) as { readonly keys?: unknown };
    if (!Array.isArray(keys) || keys.length === 0) return 'has no list of keys';
    return keys.every(isKey) ? undefined : 'has a key that is neither RSA (n, e), EC (crv, x, y), OKP (crv, x) nor oct (k)';
  } catch {
    // The parser's words would quote the text.
    return 'is not JSON';
  }
};

/** What a key has to have, by its `kty` (RFC 7518, 6; RFC 8037, 2). */
const parts: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['RSA', ['n', 'e']],
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
  ['oct', ['k']],
]);

const isKey = (key: unknown): boolean => {
  if (typeof key !== 'object' || key === null) return false;
  const fields = key as Readonly<Record<string, unknown>>;
  return parts.get(fields['kty'])?.every((part) => typeof fields[part] === 'string' && fields[part] !== '') ?? false;
};

const serverOf = (uri: string): JwksServer | undefined => {
  if (!URL.canParse(uri)) return undefined;
  const { protocol, hostname, port, username, password } = new URL(uri);
  if (hostname === '' || username !== '' || password !== '') return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol === 'https:') return { scheme: 'https', host, port: port === '' ? 443 : Number(port) };
  return protocol === 'http:' ? { scheme: 'http', host, port: port === '' ? 80 : Number(port) } : undefined;
};
