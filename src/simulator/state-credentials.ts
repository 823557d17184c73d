import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { secretText, stableId } from './identity.ts';
import type { Refusal } from './reply.ts';
import type { Credential, Grant, Tailnet, World } from './state.ts';

const tokenSeconds = 3600;
const invalid: Refusal = { status: 401, message: 'API token invalid' };

/** A token just granted, and the tailnet that will recognise it. */
export type Granted = { readonly tailnet: Tailnet; readonly grant: Grant; readonly expiresIn: number };

/** Whether granted scopes cover one wanted scope; `:read` and `all` as in the API's scope list. */
export const covers = (granted: readonly string[], wanted: string): boolean =>
  granted.includes('all') ||
  granted.includes(wanted) ||
  (wanted.endsWith(':read') && (granted.includes('all:read') || granted.includes(wanted.slice(0, -':read'.length))));

/** The tailnet a token belongs to and what it allows; 401 once it has expired or its credential is gone. */
export const authenticate = (
  world: World,
  token: string,
  now: number,
): Result<{ readonly tailnet: Tailnet; readonly grant: Grant }, Refusal> => {
  for (const tailnet of world.tailnets) {
    const grant = tailnet.grants.find((each) => each.token === token && each.expiresAt > now);
    if (grant !== undefined && tailnet.credentials.some((each) => each.id === grant.credential)) return ok({ tailnet, grant });
  }
  return fail(invalid);
};

/** A token by client credentials. `scopes` narrows what the client has; none asks for all of it. */
export const grantBySecret = (
  world: World,
  id: string,
  secret: string,
  scopes: readonly string[],
  now: number,
): Result<Granted, Refusal> => {
  const found = find(world, id, (credential) => credential.secret !== undefined && credential.secret === secret);
  return found.ok ? grantTo(found.value.tailnet, found.value.credential, scopes, now) : found;
};

/** A token for a workload's own OIDC token. Its form, `aud` and `exp` are checked, its signature is not: nobody issued it. */
export const grantByJwt = (world: World, id: string, jwt: string, now: number): Result<Granted, Refusal> => {
  const claims = claimsOf(jwt);
  const found = find(world, id, (credential) => {
    const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
    return credential.audience !== undefined && audiences.includes(credential.audience);
  });
  if (!found.ok) return found;
  if (typeof claims['exp'] !== 'number' || claims['exp'] * 1000 <= now) return fail({ status: 401, message: 'token is expired' });
  return grantTo(found.value.tailnet, found.value.credential, [], now);
};

const find = (
  world: World,
  id: string,
  matches: (credential: Credential) => boolean,
): Result<{ readonly tailnet: Tailnet; readonly credential: Credential }, Refusal> => {
  for (const tailnet of world.tailnets) {
    const credential = tailnet.credentials.find((each) => each.id === id && matches(each));
    if (credential !== undefined) return ok({ tailnet, credential });
  }
  return fail(invalid);
};

const grantTo = (tailnet: Tailnet, credential: Credential, asked: readonly string[], now: number): Result<Granted, Refusal> => {
  const excess = asked.filter((scope) => !covers(credential.scopes, scope));
  if (excess.length > 0) return fail({ status: 403, message: `OAuth client cannot grant scopes "${excess.join(' ')}"` });
  const serial = tailnet.serial + 1;
  const grant: Grant = {
    token: `tskey-api-${stableId(tailnet.seed, 'k', serial)}-${secretText(tailnet.seed, 'token', serial)}`,
    credential: credential.id,
    scopes: asked.length === 0 ? credential.scopes : asked,
    tags: credential.tags,
    expiresAt: now + tokenSeconds * 1000,
  };
  const live = tailnet.grants.filter((each) => each.expiresAt > now);
  return ok({ tailnet: { ...tailnet, serial, grants: [...live, grant] }, grant, expiresIn: tokenSeconds });
};

const claimsOf = (jwt: string): Readonly<Record<string, unknown>> => {
  const parts = jwt.split('.');
  if (parts.length !== 3) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    // What is not JSON claims nothing, and is refused like any other stranger.
    return {};
  }
};
