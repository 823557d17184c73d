import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { secretText, stableId } from './identity.ts';
import type { Refusal } from './reply.ts';
import { permittedTags } from './state-policy.ts';
import { timeText } from './state.ts';
import type { AuthKey, Tailnet } from './state.ts';

/** What a new key is asked to allow. `expirySeconds` 0 means the default, 90 days, which is also the most. */
export type KeyWish = Pick<AuthKey, 'description' | 'expirySeconds' | 'reusable' | 'ephemeral' | 'preauthorized' | 'tags'>;

const maxSeconds = 90 * 24 * 3600;

/** The tailnet with a new auth key, and the key. A program's keys need tags, and only tags its own may hand out. */
export const mintKey = (
  tailnet: Tailnet,
  wish: KeyWish,
  ownTags: readonly string[],
  now: number,
): Result<{ readonly tailnet: Tailnet; readonly key: AuthKey }, Refusal> => {
  const tags = permittedTags(tailnet, ownTags, wish.tags);
  if (!tags.ok) return tags;
  if (wish.expirySeconds > maxSeconds) return fail({ status: 400, message: 'expirySeconds exceeds the maximum of 90 days' });
  const serial = tailnet.serial + 1;
  const id = stableId(tailnet.seed, 'k', serial);
  const expirySeconds = wish.expirySeconds === 0 ? maxSeconds : wish.expirySeconds;
  const key: AuthKey = {
    ...wish,
    id,
    secret: `tskey-auth-${id}-${secretText(tailnet.seed, 'key', serial)}`,
    tags: tags.value,
    created: timeText(now),
    expires: timeText(now + expirySeconds * 1000),
    expirySeconds,
    uses: 0,
  };
  return ok({ tailnet: { ...tailnet, serial, keys: [...tailnet.keys, key] }, key });
};

export const keyBy = (tailnet: Tailnet, id: string): Result<AuthKey, Refusal> => {
  const key = tailnet.keys.find((each) => each.id === id);
  return key === undefined ? fail({ status: 404, message: 'key not found' }) : ok(key);
};

/** The tailnet with a key that lets nobody in any more; it can still be looked up by its id. */
export const revokeKey = (tailnet: Tailnet, key: AuthKey, now: number): Tailnet => ({
  ...tailnet,
  keys: tailnet.keys.map((each) => (each === key ? { ...key, revoked: key.revoked ?? timeText(now) } : each)),
});
