import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedApi } from '../../test/support/scripted-api.ts';
import { simulatedTailnet } from '../../test/support/simulated-tailnet.ts';
import type { Credentials } from './tokens.ts';

let tailnet: Awaited<ReturnType<typeof simulatedTailnet>>;
beforeEach(async () => {
  tailnet = await simulatedTailnet();
});
afterEach(() => tailnet.close());

const jwtOf = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;
const tokensAsked = (): number => tailnet.made.filter((call) => call.startsWith('token')).length;

describe('an access token', () => {
  it('is asked for once for many calls', async () => {
    const client = tailnet.client();
    await Promise.all(Array.from({ length: 5 }, () => client.devices()));
    expect(tailnet.made.toSorted()).toEqual([...Array.from({ length: 5 }, () => 'devices 200'), 'token 200']);
  });

  it('is replaced before it expires', async () => {
    const client = tailnet.client();
    await client.devices();
    tailnet.clock.pass(3538_000);
    await client.devices();
    expect(tokensAsked()).toBe(1);
    tailnet.clock.pass(3000);
    await client.devices();
    expect(tailnet.made).toEqual(['token 200', 'devices 200', 'devices 200', 'token 200', 'devices 200']);
  });

  it('is replaced once for many calls when the API does not take it any more', async () => {
    const client = tailnet.client();
    await client.devices();
    await tailnet.fault({ path: '*/devices', status: 401, count: 2 });
    await Promise.all([client.devices(), client.devices()]);
    expect(tailnet.made.toSorted()).toEqual(
      ['token 200', 'devices 200', 'devices 401', 'devices 401', 'token 200', 'devices 200', 'devices 200'].toSorted(),
    );
  });

  it('that is new and not taken either is a matter of credentials', async () => {
    await tailnet.fault({ path: '*/devices', status: 401 });
    await expect(tailnet.client().devices()).rejects.toMatchObject({ kind: 'credentials', call: 'devices', status: 401 });
    expect(tailnet.made).toEqual(['token 200', 'devices 401', 'token 200', 'devices 401']);
  });

  it.each([
    [{ status: 500 }, 'server'],
    [{ status: 429 }, 'rate-limited'],
    [{ drop: true }, 'unreachable'],
    [{ status: 404 }, 'unreachable'],
  ])('that cannot be had (%j) says nothing about the credentials', async (fault, kind) => {
    await tailnet.fault({ path: '*/oauth/token', ...fault });
    await expect(tailnet.client().device('n1')).rejects.toMatchObject({ kind, call: 'token' });
  });

  it.each(['', 'a b', 'line\nbreak', 7, null])('must be one that can stand in a header, unlike %j', async (token) => {
    const api = await scriptedApi(({ path }) => (path.includes('/oauth/') ? { body: { access_token: token, expires_in: 60 } } : undefined));
    await expect(tailnet.client({ apiURL: api.url }).devices()).rejects.toMatchObject({ kind: 'unreachable', call: 'token' });
    await api.close();
  });
});

describe('credentials', () => {
  it('may have whitespace around them', async () => {
    const credentials = { clientId: ' simulated\n', clientSecret: 'simulated\r\n' };
    expect(await tailnet.client({ credentials }).devices()).toHaveLength(1);
  });

  it.each([
    [{ clientId: 'simulated', clientSecret: 'wrong-secret' }, 'API token invalid'],
    [{ clientId: 'nobody', clientSecret: 'simulated' }, 'API token invalid'],
  ])('that are wrong are told as such', async (credentials, said) => {
    await expect(tailnet.client({ credentials }).devices()).rejects.toMatchObject({
      kind: 'credentials',
      call: 'token',
      status: 401,
      said,
    });
  });

  it.each<[Credentials, string]>([
    [{ clientId: ' ', clientSecret: 'x' }, 'the client id is empty'],
    [{ clientId: 'x', clientSecret: '\n' }, 'the client secret is empty'],
  ])('that are not there are not tried', async (credentials, said) => {
    await expect(tailnet.client({ credentials }).devices()).rejects.toMatchObject({ kind: 'credentials', status: 0, said });
    expect(tailnet.made).toEqual([]);
  });

  it('that are revoked while in use are told as such', async () => {
    const client = tailnet.client();
    await client.devices();
    await tailnet.steer('DELETE', '/credentials/simulated');
    await expect(client.devices()).rejects.toMatchObject({ kind: 'credentials', call: 'token', status: 401 });
  });

  it('that were refused are not tried again for ten seconds, and then are', async () => {
    const client = tailnet.client();
    await tailnet.fault({ path: '*/oauth/token', status: 401, count: 1 });
    for (let i = 0; i < 20; i += 1) await expect(client.devices()).rejects.toMatchObject({ kind: 'credentials' });
    expect(tokensAsked()).toBe(1);
    tailnet.clock.pass(10_000);
    expect(await client.devices()).toHaveLength(1);
  });

  it('that lack a scope are told as such, where the scope is needed', async () => {
    await tailnet.steer('POST', '/credentials', { id: 'reader', secret: 'reader-secret', scopes: ['devices:core:read'], tags: [] });
    const client = tailnet.client({ credentials: { clientId: 'reader', clientSecret: 'reader-secret' } });
    expect(await client.devices()).toHaveLength(1);
    await expect(client.vipServices()).rejects.toMatchObject({ kind: 'scopes', status: 403, retryable: false });
  });
});

describe('a workload identity', () => {
  const audience = 'api.tailscale.com/federated';
  const clientWith = (token: () => string) =>
    tailnet.client({ credentials: { clientId: ' federated ', identityToken: async () => token() } });
  const expiring = (afterMs: number): string => jwtOf({ aud: audience, exp: (tailnet.clock.now() + afterMs) / 1000 });
  beforeEach(() => tailnet.steer('POST', '/credentials', { id: 'federated', audience, scopes: ['all'], tags: [] }));

  it('is exchanged for an access token, and asked for anew with each', async () => {
    let asked = 0;
    const client = clientWith(() => {
      asked += 1;
      return `${expiring(60_000)}\n`;
    });
    await client.devices();
    await client.devices();
    expect(asked).toBe(1);
    tailnet.clock.pass(3600_000);
    await client.devices();
    expect(asked).toBe(2);
  });

  it.each([
    ['', 'it does not have three parts'],
    ['one.two', 'it does not have three parts'],
    ['e30.not json.x', 'it does not say when it expires'],
    [jwtOf(null), 'it does not say when it expires'],
    [jwtOf({ exp: '2030' }), 'it does not say when it expires'],
    [jwtOf({ exp: 1 }), 'has expired'],
  ])('that cannot work is not sent: %s', async (jwt, said) => {
    const failed = clientWith(() => jwt).devices();
    await expect(failed).rejects.toMatchObject({ kind: 'credentials', status: 0 });
    await expect(failed).rejects.toThrow(said);
    expect(tailnet.made).toEqual([]);
  });

  it('that the API does not know is told as such', async () => {
    const jwt = jwtOf({ aud: 'someone else', exp: tailnet.clock.now() / 1000 + 60 });
    await expect(clientWith(() => jwt).devices()).rejects.toMatchObject({ kind: 'credentials', status: 401 });
  });

  it('that cannot be had says why', async () => {
    const client = clientWith(() => {
      throw new Error('serviceaccounts/token is forbidden');
    });
    await expect(client.devices()).rejects.toMatchObject({
      kind: 'credentials',
      said: 'no identity token: serviceaccounts/token is forbidden',
    });
  });
});
