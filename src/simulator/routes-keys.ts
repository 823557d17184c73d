import { z } from 'zod';
import { ok } from '../lib/result.ts';
import { bodyAs, refuse } from './reply.ts';
import type { Handler, Route } from './reply.ts';
import { isUsable } from './state-devices.ts';
import { keyBy, mintKey, revokeKey } from './state-keys.ts';
import type { AuthKey } from './state.ts';

const flag = z.boolean().default(false);

/** Go clients send every field, and a missing list as null. */
const keySchema = z.object({
  keyType: z.string().default('auth'),
  description: z
    .string()
    .max(50)
    .regex(/^[A-Za-z0-9 -]*$/, 'letters, digits, hyphens and spaces only')
    .default(''),
  expirySeconds: z.int().min(0).default(0),
  capabilities: z.object({
    devices: z.object({ create: z.object({ reusable: flag, ephemeral: flag, preauthorized: flag, tags: z.array(z.string()).nullish() }) }),
  }),
});

/** A key as the API shows it. The secret is added once, by the call that makes the key. */
const keyJson = (key: AuthKey, now: number): Record<string, unknown> => {
  const { id, created, expires, revoked, expirySeconds, description, reusable, ephemeral, preauthorized, tags } = key;
  const capabilities = { devices: { create: { reusable, ephemeral, preauthorized, tags } } };
  const ended = { ...(revoked !== undefined && { revoked }), ...(!isUsable(key, now) && { invalid: true }) };
  return { id, keyType: 'auth', created, expires, ...ended, expirySeconds, description, capabilities };
};

const create: Handler = (tailnet, { body, grant, now }) => {
  const wish = bodyAs(keySchema, body);
  if (!wish.ok) return wish;
  const { keyType, description, expirySeconds, capabilities } = wish.value;
  if (keyType !== 'auth') return refuse(400, 'only keys of keyType "auth" are simulated');
  const { tags, ...allowed } = capabilities.devices.create;
  const minted = mintKey(tailnet, { description, expirySeconds, ...allowed, tags: tags ?? [] }, grant.tags, now);
  if (!minted.ok) return minted;
  const { key } = minted.value;
  return ok({ tailnet: minted.value.tailnet, body: { ...keyJson(key, now), key: key.secret } });
};

const list: Handler = (tailnet, { now }) =>
  ok({ body: { keys: tailnet.keys.filter((key) => key.revoked === undefined).map((key) => keyJson(key, now)) } });

const get: Handler = (tailnet, { params, now }) => {
  const key = keyBy(tailnet, params['key'] ?? '');
  return key.ok ? ok({ body: keyJson(key.value, now) }) : key;
};

const revoke: Handler = (tailnet, { params, now }) => {
  const key = keyBy(tailnet, params['key'] ?? '');
  return key.ok ? ok({ tailnet: revokeKey(tailnet, key.value, now) }) : key;
};

export const keyRoutes: readonly Route[] = [
  ['GET', '/tailnet/:tailnet/keys', ['auth_keys:read'], list],
  ['POST', '/tailnet/:tailnet/keys', ['auth_keys'], create],
  ['GET', '/tailnet/:tailnet/keys/:key', ['auth_keys:read'], get],
  ['DELETE', '/tailnet/:tailnet/keys/:key', ['auth_keys'], revoke],
];
