import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { repeat, seenBy, tallyOf, whoAnswers } from './clients.ts';
import { httpRoute, type Scene, startScene } from './scene.ts';

/** A named rule for a path prefix, to backend `one`. */
const rule = (name: string): string =>
  `{ name: ${name}, matches: [{ path: { value: /${name} } }], backendRefs: [{ name: one, port: 80 }] }`;

/** A policy on the rule of that name, unless `target` says what else. `rules` in flow style. */
const policy = (name: string, rules: string, target = `kind: HTTPRoute, name: web, sectionName: ${name}`): string => `
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: ${name}, namespace: default }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, ${target} }]
  rules: [${rules}]
`;

const jwks = (name: string, keys: readonly KeyObject[]): string => `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: default }
data: { jwks: '${JSON.stringify({ keys: keys.map((key, index) => ({ ...key.export({ format: 'jwk' }), kid: `k${index}`, alg: 'RS256' })) })}' }
`;

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

const tokenOf = (key: KeyObject, claims: object): string => {
  const text = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
};

const names = ['redirect', 'headers', 'canary', 'limited', 'keyed', 'slow', 'cors', 'token', 'optional', 'broken', 'split', 'plain'];
const tokens = (more: string): string =>
  `{ actions: { jwt: { ${more}, providers: [{ name: login, issuer: login.example, audiences: [web], jwks: { configMapRef: { name: keys } }, claimToHeaders: [{ claim: sub, header: x-subject }] }] } } }`;

describe.skipIf(envoy === undefined)('policies', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const policies = [
    policy(
      'redirect',
      '{ matches: [{ path: { value: /redirect/old } }], actions: { redirect: { path: { replacePrefixMatch: /new }, statusCode: 301 } } }',
    ),
    policy(
      'headers',
      '{ actions: { requestHeaderModifier: { set: [{ name: x-policy, value: yes }] }, responseHeaderModifier: { add: [{ name: x-answer, value: "1" }] } } }',
    ),
    policy('canary', '{ actions: { route: { backendRefs: [{ name: one, port: 80, weight: 3 }, { name: two, port: 80, weight: 1 }] } } }'),
    policy('limited', '{ actions: { rateLimit: { local: { requests: 3, unit: Hour } } } }'),
    policy('keyed', '{ actions: { rateLimit: { local: { requests: 1, unit: Hour, by: [{ header: x-key }] } } } }'),
    policy('slow', '{ actions: { timeouts: { request: 200ms }, route: { backendRefs: [{ name: slow, port: 80 }] } } }'),
    policy('cors', '{ actions: { cors: { allowOrigins: ["https://a.example"] } } }'),
    policy('token', tokens('optional: false')),
    policy('optional', tokens('optional: true')),
    policy(
      'broken',
      '{ actions: { jwt: { providers: [{ name: login, issuer: login.example, jwks: { configMapRef: { name: missing } } }] } } }',
    ),
    policy(
      'split',
      '{ priority: 1, matches: [{ headers: [{ name: x-beta, value: "1" }] }], actions: { route: { backendRefs: [{ name: two, port: 80 }] } } }, { matches: [{ method: POST }, { path: { value: /split/admin } }], actions: { responseHeaderModifier: { set: [{ name: x-rule, value: second }] } } }',
    ),
    policy(
      'everything',
      '{ actions: { responseHeaderModifier: { set: [{ name: x-gateway, value: edge }] } } }',
      'kind: Gateway, name: edge',
    ),
  ];
  const configured = (keys: readonly KeyObject[]): string => httpRoute('web', ...names.map(rule)) + policies.join('') + jwks('keys', keys);
  const claims = { iss: 'login.example', aud: 'web', sub: 'alice', exp: 4_000_000_000 };
  const bearer = (key: KeyObject, more: object = {}): Record<string, string> => ({
    authorization: `Bearer ${tokenOf(key, { ...claims, ...more })}`,
  });

  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ one: undefined, two: undefined, slow: () => undefined });
    await scene.apply(configured([publicKey]));
  });
  afterAll(async () => scene?.stop());

  it('of a Gateway reach every route, but where a more specific one says otherwise', async () => {
    expect((await scene.ask('/plain')).headers['x-gateway']).toBe('edge');
    expect((await scene.ask('/headers')).headers['x-gateway']).toBeUndefined();
  });

  it('redirect relative to what they match', async () => {
    expect(await scene.ask('/redirect/old/page')).toMatchObject({
      status: 301,
      headers: { location: expect.stringMatching(/\/new\/page$/) },
    });
    expect(whoAnswers(await scene.ask('/redirect'))).toBe('one');
  });

  it('change headers both ways', async () => {
    const answer = await scene.ask('/headers');
    expect(seenBy(answer).headers).toMatchObject({ 'x-policy': 'yes' });
    expect(answer.headers['x-answer']).toBe('1');
  });

  it('send a part of the requests elsewhere', async () => {
    const { one = 0, two = 0, ...others } = tallyOf(await repeat(200, async () => whoAnswers(await scene.ask('/canary'))));
    expect(others).toEqual({});
    expect(one).toBeGreaterThan(100);
    expect(two).toBeGreaterThan(20);
  });

  it('limit requests by 429, and other routes go on', async () => {
    expect(tallyOf(await repeat(10, async () => String((await scene.ask('/limited')).status)))).toEqual({ 200: 3, 429: 7 });
    expect((await scene.ask('/plain')).status).toBe(200);
  });

  it('limit requests for each value of a header', async () => {
    const ask = async (key: string): Promise<number> => (await scene.ask('/keyed', { 'x-key': key })).status;
    expect([await ask('a'), await ask('a'), await ask('b'), await ask('b')]).toEqual([200, 429, 200, 429]);
  });

  it('end requests that take too long', async () => {
    expect((await scene.ask('/slow')).status).toBe(504);
  });

  it('let pages of other origins in', async () => {
    expect((await scene.ask('/cors', { origin: 'https://a.example' })).headers['access-control-allow-origin']).toBe('https://a.example');
  });

  it('take the first of their rules that matches, and none where none does', async () => {
    expect(whoAnswers(await scene.ask('/split', { 'x-beta': '1' }))).toBe('two');
    const second = async (path: string, method?: string) => (await scene.ask(path, {}, method)).headers['x-rule'];
    expect([await second('/split', 'POST'), await second('/split/admin'), await second('/split')]).toEqual(['second', 'second', undefined]);
  });

  it('let requests with a good token pass, and none else', async () => {
    const status = async (path: string, headers: Record<string, string> = {}) => (await scene.ask(path, headers)).status;
    expect(await status('/token')).toBe(401);
    expect(await status('/token', bearer(other.privateKey))).toBe(401);
    expect(await status('/token', bearer(privateKey, { iss: 'somebody' }))).toBe(401);
    expect(await status('/token', bearer(privateKey, { exp: 1 }))).toBe(401);
    expect(await status('/token', bearer(privateKey, { aud: 'api' }))).toBe(403);
    expect(await status('/optional')).toBe(200);
    expect(await status('/optional', bearer(other.privateKey))).toBe(401);
    expect(await status('/plain', bearer(other.privateKey))).toBe(200);
  });

  it('tell backends what a token says, whatever the client says', async () => {
    const answer = await scene.ask('/token', { ...bearer(privateKey), 'x-subject': 'mallory' });
    expect(seenBy(answer).headers['x-subject']).toBe('alice');
    expect(seenBy(await scene.ask('/optional', { 'x-subject': 'mallory' })).headers['x-subject']).toBeUndefined();
  });

  it('let nobody in where what protects cannot be had', async () => {
    expect((await scene.ask('/broken', bearer(privateKey))).status).toBe(500);
  });

  it('follow new keys without touching a listener', async () => {
    const changes = async (): Promise<string> =>
      scene.fleet.envoy.admin('/stats?filter=listener_manager.listener_(modified|in_place_updated|added)');
    const before = await changes();
    await scene.apply(configured([other.publicKey]));
    expect((await scene.ask('/token', bearer(other.privateKey))).status).toBe(200);
    expect((await scene.ask('/token', bearer(privateKey))).status).toBe(401);
    expect(await changes()).toBe(before);
  });
});
