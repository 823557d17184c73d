import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Scripted, scriptedApi } from '../../test/support/scripted-api.ts';
import { virtualClock } from '../../test/support/simulated-tailnet.ts';
import { type ClientOptions, type TailscaleClient, tailscaleClient } from './client.ts';

/** What the API answers to anything but a request for a token. */
let answer: Scripted;
let api: Awaited<ReturnType<typeof scriptedApi>>;
let client: TailscaleClient;
let clock: ReturnType<typeof virtualClock>;

const clientWith = (options: Partial<ClientOptions> = {}): TailscaleClient => {
  const credentials = { clientId: 'client', clientSecret: 'client-secret' };
  return tailscaleClient({ apiURL: api.url, tailnet: '-', credentials, userAgent: 'test', ...clock, ...options });
};

beforeEach(async () => {
  clock = virtualClock();
  api = await scriptedApi(({ path }) => (path.includes('/oauth/') ? undefined : answer));
  client = clientWith();
});
afterEach(async () => {
  client.close();
  await api.close();
});

const callsMade = (): number => api.heard.filter(({ path }) => !path.includes('/oauth/')).length;

it('goes by the status of an error, whatever its text is', async () => {
  const html = '<html>no such page, Bearer abc</html>';
  answer = { status: 404, body: html };
  expect(await client.device('n1')).toBeUndefined();
  for (const body of [html, '', '"text"', 'null', '{"message": 7}', 'x'.repeat(1_000_000)]) {
    answer = { status: 403, body };
    await expect(client.devices()).rejects.toMatchObject({ kind: 'scopes', status: 403, said: 'Forbidden' });
  }
});

it('goes by the status of an error whose text does not come whole', async () => {
  answer = (response) => {
    response.writeHead(404, { 'content-length': '100' });
    response.write('{"mess', () => response.destroy());
  };
  expect(await client.device('n1')).toBeUndefined();
});

it('tells what the API says on one line, and not at any length', async () => {
  answer = { status: 400, body: { message: ` two\n\tlines \u0007 ${'x'.repeat(10_000)}` } };
  const error = await client.devices().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ said: expect.stringMatching(/^two lines x{100,490}$/) });
});

it.each(['', 'garbage', '{"devices": [{"nodeId": ', '[]', '{}', '{"devices": [{"nodeId": 7}]}', '{"devices": null}'])(
  'takes an answer that makes no sense for none, and not for an empty tailnet: %s',
  async (body) => {
    answer = { body };
    await expect(client.devices()).rejects.toMatchObject({ kind: 'unreachable', status: 200 });
    expect(callsMade()).toBe(1);
  },
);

it('says where an answer is not understood, and not what stands there', async () => {
  answer = { body: { devices: [{ nodeId: 'n1' }, { nodeId: 'n2', addresses: [{ secret: 'hidden' }] }] } };
  const error = await client.devices().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ said: 'an answer that is not understood at devices.1.addresses.0' });
});

it('reads no more of an answer than it has room for, and asks once', async () => {
  client = clientWith({ limits: { answerBytes: 1000 } });
  answer = { body: { devices: [{ nodeId: 'n1', name: 'x'.repeat(2000) }] } };
  await expect(client.devices()).rejects.toMatchObject({ kind: 'unreachable', said: 'an answer of more than 1000 bytes' });
  expect(callsMade()).toBe(1);
});

it('follows no redirect, which would take the token elsewhere', async () => {
  answer = { status: 307, headers: { location: `${api.url}/elsewhere` } };
  await expect(client.devices()).rejects.toMatchObject({ kind: 'unreachable', status: 307 });
  expect(api.heard.map(({ path }) => path)).not.toContain('/elsewhere');
});

it('waits until the date that Retry-After names', async () => {
  let calls = 0;
  answer = (response) => {
    calls += 1;
    const date = new Date(Math.ceil(clock.now() / 1000) * 1000 + 12_000).toUTCString();
    response.writeHead(calls === 1 ? 503 : 200, { 'retry-after': date });
    response.end('{"devices": []}');
  };
  await client.devices();
  expect(clock.waits[0]).toBeGreaterThanOrEqual(11_000);
  expect(clock.waits[0]).toBeLessThanOrEqual(13_000);
});

it('is told that nobody listens, after trying again, a key included', async () => {
  const gone = await scriptedApi(() => undefined);
  await gone.close();
  const lonely = clientWith({ apiURL: gone.url });
  await expect(lonely.createAuthKey({ tags: ['tag:a'] })).rejects.toMatchObject({ kind: 'unreachable', said: 'no answer (ECONNREFUSED)' });
  expect(clock.waits).toHaveLength(3);
  lonely.close();
});

it.each([
  '',
  'api.tailscale.com',
  'ftp://api.tailscale.com',
  'https://me:sesame@api.tailscale.com',
  'https://api.tailscale.com/?key=sesame',
])('calls nobody at an apiURL that is none, or holds a secret, and does not repeat it: %s', async (apiURL) => {
  const error = await clientWith({ apiURL })
    .devices()
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ kind: 'invalid', status: 0 });
  expect(String(error)).not.toContain('sesame');
});

it('may be behind a path', async () => {
  answer = { body: { devices: [] } };
  client = clientWith({ apiURL: `${api.url}/headscale//` });
  await client.devices();
  expect(api.heard.map(({ path }) => path)).toEqual(['/headscale/api/v2/oauth/token', '/headscale/api/v2/tailnet/-/devices']);
});
