import { describe, expect, it } from 'vitest';
import { callerOf, firstOf, start } from '../../test/support/simulated-call.ts';
import { joinByKey } from './state-devices.ts';

const wish = (create: Record<string, unknown> = {}, rest: Record<string, unknown> = {}) => ({
  capabilities: { devices: { create: { reusable: false, ephemeral: false, tags: ['tag:k8s'], preauthorized: true, ...create } } },
  expirySeconds: 0,
  description: '',
  ...rest,
});

const withKey = () => {
  const caller = callerOf();
  const { id, key } = caller.call('POST', '/tailnet/-/keys', wish()).body as { readonly id: string; readonly key: string };
  return { ...caller, key, path: `/tailnet/-/keys/${id}` };
};

describe('a key', () => {
  it('shows its secret once, when it is made', () => {
    const { call, key, path } = withKey();
    expect(key).toMatch(/^tskey-auth-k.+CNTRL-.+$/);
    expect(JSON.stringify([call('GET', path), call('GET', '/tailnet/-/keys?all=true')])).not.toContain(key);
  });

  it('lives 90 days unless it is told otherwise, and never longer', () => {
    const { call } = withKey();
    const expires = (expirySeconds: number) => call('POST', '/tailnet/-/keys', wish({}, { expirySeconds })).body;
    expect(expires(0)).toMatchObject({ expires: '2026-04-01T00:00:00Z', expirySeconds: 7_776_000 });
    expect(expires(60)).toMatchObject({ expires: '2026-01-01T00:01:00Z' });
    expect(call('POST', '/tailnet/-/keys', wish({}, { expirySeconds: 7_776_001 })).status).toBe(400);
  });

  it('shows what it allows', () => {
    const { call } = withKey();
    expect(call('POST', '/tailnet/-/keys', wish({ ephemeral: true }, { description: 'proxy 1' })).body).toMatchObject({
      keyType: 'auth',
      description: 'proxy 1',
      capabilities: { devices: { create: { reusable: false, ephemeral: true, preauthorized: true, tags: ['tag:k8s'] } } },
    });
  });

  it('once revoked is no longer listed, but still there, and invalid', () => {
    const { call, path } = withKey();
    expect(call('GET', path).body).not.toHaveProperty('invalid');
    expect(call('DELETE', path).status).toBe(200);
    expect(call('GET', path)).toMatchObject({ status: 200, body: { invalid: true, revoked: '2026-01-01T00:00:00Z' } });
    expect(call('GET', '/tailnet/-/keys').body).toEqual({ keys: [] });
  });

  it('stays revoked since the first time', () => {
    const { call, path, tokenFor } = withKey();
    const token = `Bearer ${tokenFor('simulated', 'simulated')}`;
    for (const now of [start, start + 60_000]) call('DELETE', path, undefined, { token, now });
    expect(call('GET', path).body).toMatchObject({ revoked: '2026-01-01T00:00:00Z' });
  });

  it('becomes invalid by its only use and by age', () => {
    const { call, arrange, key, path, world } = withKey();
    const used = joinByKey(firstOf(world()), { hostname: 'proxy' }, key, start);
    arrange((tailnet) => (used.ok ? used.value.tailnet : tailnet));
    expect(call('GET', path).body).toMatchObject({ invalid: true });
    const other = withKey();
    const token = `Bearer ${other.tokenFor('simulated', 'simulated')}`;
    other.arrange((tailnet) => ({ ...tailnet, grants: tailnet.grants.map((grant) => ({ ...grant, expiresAt: Infinity })) }));
    expect(other.call('GET', other.path, undefined, { token, now: start + 90 * 24 * 3_600_000 }).body).toMatchObject({ invalid: true });
  });

  it.each([
    ['no tags', wish({ tags: [] }), '[]'],
    ['null for tags', wish({ tags: null }), '[]'],
    ['a tag the caller does not own', wish({ tags: ['tag:ghost'] }), 'tag:ghost'],
    ['a long description', wish({}, { description: 'x'.repeat(51) }), 'description'],
    ['punctuation in its description', wish({}, { description: 'a_b' }), 'description'],
    ['another type', wish({}, { keyType: 'client' }), 'keyType'],
    ['no capabilities', {}, 'capabilities'],
    ['nothing', undefined, 'body'],
  ])('is refused with %s', (_, body, message) => {
    expect(callerOf().call('POST', '/tailnet/-/keys', body)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(message) },
    });
  });

  it('that does not exist is not found', () => {
    expect(callerOf().call('GET', '/tailnet/-/keys/kNONE').status).toBe(404);
    expect(callerOf().call('DELETE', '/tailnet/-/keys/kNONE').status).toBe(404);
  });
});
