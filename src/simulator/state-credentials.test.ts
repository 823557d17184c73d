import { describe, expect, it } from 'vitest';
import { firstOf, start } from '../../test/support/simulated-call.ts';
import { initialWorld } from './initial.ts';
import { authenticate, covers, grantByJwt, grantBySecret } from './state-credentials.ts';
import { withTailnet } from './state.ts';
import type { Credential, World } from './state.ts';

const world = initialWorld('test', start);

const withCredential = (credential: Credential): World => ({
  tailnets: [{ ...firstOf(world), credentials: [...firstOf(world).credentials, credential] }],
});

const granted = (result: ReturnType<typeof grantBySecret>) => {
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
};

const jwt = (claims: unknown): string => ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'sig'].join('.');

describe('covers', () => {
  it.each([
    [['all'], 'services', true],
    [['all:read'], 'services:read', true],
    [['all:read'], 'services', false],
    [['services'], 'services:read', true],
    [['services:read'], 'services', false],
    [['devices:core'], 'services:read', false],
    [[], 'services:read', false],
  ])('%j covers %s: %s', (scopes, wanted, expected) => {
    expect(covers(scopes, wanted)).toBe(expected);
  });
});

describe('grantBySecret', () => {
  it('gives a token that is recognised for an hour and no longer', () => {
    const { tailnet, grant, expiresIn } = granted(grantBySecret(world, 'simulated', 'simulated', [], start));
    const after = withTailnet(world, tailnet);
    expect(expiresIn).toBe(3600);
    expect(authenticate(after, grant.token, start + 3_599_999)).toMatchObject({ ok: true, value: { grant: { scopes: ['all'] } } });
    expect(authenticate(after, grant.token, start + 3_600_000)).toMatchObject({ ok: false, problem: { status: 401 } });
  });

  it('never gives the same token twice', () => {
    const first = granted(grantBySecret(world, 'simulated', 'simulated', [], start));
    const second = granted(grantBySecret(withTailnet(world, first.tailnet), 'simulated', 'simulated', [], start));
    expect(second.grant.token).not.toBe(first.grant.token);
  });

  it('refuses a wrong secret and an unknown client alike', () => {
    const refusal = { ok: false, problem: { status: 401, message: 'API token invalid' } };
    expect(grantBySecret(world, 'simulated', 'wrong', [], start)).toEqual(refusal);
    expect(grantBySecret(world, 'nobody', 'simulated', [], start)).toEqual(refusal);
  });

  it('narrows the scopes to those asked for, and refuses more than the client has', () => {
    const narrow = withCredential({ id: 'reader', secret: 's', scopes: ['devices:core:read'], tags: [] });
    expect(granted(grantBySecret(world, 'simulated', 'simulated', ['services'], start)).grant.scopes).toEqual(['services']);
    expect(grantBySecret(narrow, 'reader', 's', ['devices:core', 'services'], start)).toEqual({
      ok: false,
      problem: { status: 403, message: 'OAuth client cannot grant scopes "devices:core services"' },
    });
  });

  it('takes its tokens back with the client', () => {
    const { tailnet, grant } = granted(grantBySecret(world, 'simulated', 'simulated', [], start));
    const revoked = withTailnet(world, { ...tailnet, credentials: [] });
    expect(authenticate(revoked, grant.token, start).ok).toBe(false);
  });
});

describe('grantByJwt', () => {
  const federated = withCredential({ id: 'workload', audience: 'tailnet', scopes: ['all'], tags: [] });
  const inAnHour = start / 1000 + 3600;

  it('takes an unexpired token made for its audience, given alone or among others', () => {
    expect(grantByJwt(federated, 'workload', jwt({ aud: 'tailnet', exp: inAnHour }), start).ok).toBe(true);
    expect(grantByJwt(federated, 'workload', jwt({ aud: ['other', 'tailnet'], exp: inAnHour }), start).ok).toBe(true);
  });

  it.each([
    ['another audience', 'workload', jwt({ aud: 'other', exp: inAnHour })],
    ['no audience', 'workload', jwt({ exp: inAnHour })],
    ['an expired token', 'workload', jwt({ aud: 'tailnet', exp: start / 1000 })],
    ['a token without expiry', 'workload', jwt({ aud: 'tailnet' })],
    ['an OAuth client', 'simulated', jwt({ aud: 'tailnet', exp: inAnHour })],
    ['two parts', 'workload', 'e30.e30'],
    ['a payload that is no object', 'workload', jwt(null)],
    ['a payload that is no JSON', 'workload', 'a.!!.c'],
  ])('refuses %s', (_, id, token) => {
    expect(grantByJwt(federated, id, token, start)).toMatchObject({ ok: false, problem: { status: 401 } });
  });

  it('does not let a federated identity in by a secret', () => {
    expect(grantBySecret(federated, 'workload', '', [], start).ok).toBe(false);
  });
});
