import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerOf, firstOf, start } from '../../test/support/simulated-call.ts';
import { step } from './api.ts';
import { initialWorld } from './initial.ts';

const forbidden = { status: 403, body: { message: 'calling actor does not have enough permissions to perform this function' } };

/** A caller whose client `limited` has these scopes, and that client's token. */
const limitedTo = (...scopes: readonly string[]) => {
  const caller = callerOf();
  caller.arrange((tailnet) => ({
    ...tailnet,
    credentials: [...tailnet.credentials, { id: 'limited', secret: 's', scopes, tags: ['tag:k8s-operator'] }],
  }));
  return { ...caller, token: `Bearer ${caller.tokenFor('limited', 's')}` };
};

describe('step', () => {
  it('grants a token in the words of OAuth 2.0', () => {
    expect(callerOf().call('POST', '/oauth/token', 'grant_type=client_credentials&client_id=simulated&client_secret=simulated')).toEqual({
      status: 200,
      body: {
        access_token: expect.stringMatching(/^tskey-api-/),
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'all',
        tags: 'tag:k8s-operator',
      },
    });
  });

  it('takes client credentials as HTTP Basic too, percent-encoded', () => {
    const caller = callerOf();
    caller.arrange((tailnet) => ({ ...tailnet, credentials: [{ id: 'a b', secret: 'c:d+é', scopes: ['all'], tags: [] }] }));
    const token = `Basic ${btoa('a+b:c%3Ad%2B%C3%A9')}`;
    expect(caller.call('POST', '/oauth/token', 'grant_type=client_credentials', { token }).status).toBe(200);
  });

  it('refuses other grants and wrong secrets', () => {
    const { call } = callerOf();
    expect(call('POST', '/oauth/token', 'grant_type=password&client_id=simulated&client_secret=simulated').status).toBe(400);
    expect(call('POST', '/oauth/token', 'grant_type=client_credentials&client_id=simulated&client_secret=no').status).toBe(401);
  });

  it('knows a token as Bearer and as the user of HTTP Basic, and nothing else', () => {
    const { call, tokenFor } = callerOf();
    const token = tokenFor('simulated', 'simulated');
    const statusWith = (authorization: string): number => call('GET', '/tailnet/-/devices', undefined, { token: authorization }).status;
    expect([`Bearer ${token}`, `bearer ${token}`, `Basic ${btoa(`${token}:`)}`].map(statusWith)).toEqual([200, 200, 200]);
    expect(['', token, 'Bearer', 'Bearer simulated', 'Bearer __proto__', 'Basic !!'].map(statusWith)).toEqual([
      401, 401, 401, 401, 401, 401,
    ]);
  });

  it('answers for the credential’s own tailnet by any of its names, and for no other', () => {
    const { call, world } = callerOf();
    const { id, name } = firstOf(world());
    expect(['-', id, name].map((each) => call('GET', `/tailnet/${each}/devices`).status)).toEqual([200, 200, 200]);
    expect(call('GET', '/tailnet/example.com/devices')).toEqual({ status: 404, body: { message: 'tailnet not found' } });
  });

  it.each([
    ['GET', '/tailnet/-/devices', 'devices:core:read'],
    ['DELETE', '/device/n1', 'devices:core'],
    ['GET', '/device/n1/routes', 'devices:routes:read'],
    ['GET', '/tailnet/-/keys', 'auth_keys:read'],
    ['POST', '/tailnet/-/keys', 'auth_keys'],
    ['GET', '/tailnet/-/vip-services', 'services:read'],
    ['PUT', '/tailnet/-/vip-services/svc:web', 'services'],
    ['GET', '/tailnet/-/acl', 'policy_file:read'],
    ['GET', '/tailnet/-/settings', 'feature_settings:read'],
    ['POST', '/tailnet/-/dns/preferences', 'dns'],
  ])('lets %s %s pass with scope %s and not without', (method, path, scope) => {
    const others = limitedTo('users', scope === 'services' ? 'auth_keys' : 'services:read-only');
    expect(others.call(method, path, undefined, { token: others.token })).toEqual(forbidden);
    const scoped = limitedTo(scope);
    expect(scoped.call(method, path, undefined, { token: scoped.token }).status).not.toBe(403);
  });

  it('asks for both scopes where a call concerns services and devices', () => {
    const { call, token } = limitedTo('services');
    expect(call('GET', '/tailnet/-/services/svc:web/devices', undefined, { token })).toEqual(forbidden);
  });

  it.each([
    ['GET', '/device/', 404],
    ['GET', '/nonsense', 404],
    ['PUT', '/tailnet/-/devices', 405],
    ['GET', '/device/%E0%A4%A', 400],
  ])('answers %s %s with %i', (method, path, status) => {
    expect(callerOf().call(method, path)).toMatchObject({ status, body: { message: expect.any(String) } });
  });

  it('answers a body that is not JSON with 400, without quoting it', () => {
    const reply = callerOf().call('POST', '/tailnet/-/keys', '{"secret": oops');
    expect(reply).toEqual({ status: 400, body: { message: 'invalid JSON in request body' } });
  });

  it('always answers, errors with a message, and leaves the world as it was after an error', () => {
    const world = initialWorld('test', start);
    const { call, tokenFor, world: after } = callerOf(world);
    expect(call('GET', '/tailnet/-/devices').status).toBe(200);
    const authorization = `Bearer ${tokenFor('simulated', 'simulated')}`;
    const paths = fc.constantFrom(
      'device/x/tags',
      `device/${firstOf(world).devices[0]?.id}/tags`,
      'tailnet/-/keys',
      'tailnet/-/vip-services/svc:a',
      'tailnet/-/acl',
      'tailnet/-/settings',
      'tailnet/-/dns/split-dns',
      'oauth/token',
      '%',
      '__proto__',
    );
    const bodies = fc.oneof(fc.json(), fc.string(), fc.constant('{"tags":["tag:k8s"]}'), fc.constant('{"__proto__":["1.1.1.1"]}'));
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'), paths, bodies, (method, path, body) => {
        const before = after();
        const done = step(before, {
          method,
          path: `/api/v2/${path}`,
          query: new URLSearchParams(),
          headers: { authorization },
          body,
          now: start,
        });
        if (done.reply.status < 400) return;
        expect(done.reply.body).toEqual({ message: expect.stringMatching(/./) });
        expect(done.world).toBe(before);
      }),
    );
  });
});
