import type { Result } from '../lib/result.ts';
import { replyFrom } from './reply.ts';
import type { Refusal, Reply } from './reply.ts';
import { grantByJwt, grantBySecret } from './state-credentials.ts';
import type { Granted } from './state-credentials.ts';
import { withTailnet } from './state.ts';
import type { World } from './state.ts';

/** A token request, form-encoded as OAuth 2.0 has it. `authorization` may carry client id and secret as HTTP Basic, each percent-encoded. */
export type TokenRequest = {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
  readonly now: number;
};

/** Answers `/oauth/token` (client credentials) and `/oauth/token-exchange` (workload identity); undefined for other paths. */
export const answerTokenRequest = (
  world: World,
  { path, authorization, form, now }: TokenRequest,
): { readonly world: World; readonly reply: Reply } | undefined => {
  if (path === '/oauth/token') {
    if (form.get('grant_type') !== 'client_credentials')
      return { world, reply: replyFrom({ status: 400, message: 'unsupported grant_type' }) };
    const [id, secret] = basicCredentials(authorization) ?? [form.get('client_id') ?? '', form.get('client_secret') ?? ''];
    const scopes = (form.get('scope') ?? '').split(/[ ,]+/).filter((scope) => scope !== '');
    return replyTo(world, grantBySecret(world, id, secret, scopes, now));
  }
  if (path === '/oauth/token-exchange') return replyTo(world, grantByJwt(world, form.get('client_id') ?? '', form.get('jwt') ?? '', now));
  return undefined;
};

/** User name and password of an `Authorization: Basic` header; undefined for anything else. */
export const basicCredentials = (authorization: string | undefined): readonly [string, string] | undefined => {
  const encoded = /^basic +([a-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return [unescaped(user), unescaped(password.join(':'))];
};

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // Not percent-encoded: some clients send the characters as they are.
    return text;
  }
};

const replyTo = (world: World, granted: Result<Granted, Refusal>): { readonly world: World; readonly reply: Reply } => {
  if (!granted.ok) return { world, reply: replyFrom(granted.problem) };
  const { tailnet, grant, expiresIn } = granted.value;
  const body = {
    access_token: grant.token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    scope: grant.scopes.join(' '),
    tags: grant.tags.join(' '),
  };
  return { world: withTailnet(world, tailnet), reply: { status: 200, body } };
};
