import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Answer, whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

const cors = (spec: string): string => `filters: [{ type: CORS, cors: { ${spec} } }]`;

describe.skipIf(envoy === undefined)('requests from pages of other origins', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ one: undefined });
    await scene.apply(
      httpRoute(
        'cors',
        ruleFor(
          '/exact',
          cors(
            'allowOrigins: ["https://www.foo.example", "https://*.bar.example"], allowMethods: [GET, PUT], allowHeaders: [x-one, x-two], exposeHeaders: [x-three], allowCredentials: true, maxAge: 3600',
          ),
        ),
        `{ matches: [{ path: { value: /put }, method: PUT }], ${cors('allowOrigins: ["https://www.foo.example"], allowMethods: [PUT]')}, backendRefs: [{ name: one, port: 80 }] }`,
        ruleFor('/any', cors('allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"]')),
        ruleFor('/none', ''),
      ),
    );
  });
  afterAll(async () => scene?.stop());

  const preflight = async (path: string, origin: string, method = 'PUT'): Promise<Answer> =>
    scene.ask(path, { origin, 'access-control-request-method': method, 'access-control-request-headers': 'x-one' }, 'OPTIONS');
  const allowed = ({ headers }: Answer): string | undefined => headers['access-control-allow-origin'];

  it.each(['https://www.foo.example', 'https://a.bar.example', 'https://a.b.bar.example'])(
    'preflights from %s are answered with what is allowed, and no backend is asked',
    async (origin) => {
      const before = scene.backend('one').seen.length;
      const answer = await preflight('/exact', origin);
      expect(answer).toMatchObject({
        status: 200,
        headers: {
          'access-control-allow-origin': origin,
          'access-control-allow-methods': 'GET, PUT',
          'access-control-allow-headers': 'x-one, x-two',
          'access-control-allow-credentials': 'true',
          'access-control-max-age': '3600',
        },
      });
      expect(scene.backend('one').seen.length).toBe(before);
    },
  );

  it.each([
    'https://foo.example',
    'http://www.foo.example',
    'https://bar.example',
    'https://evil.example/.bar.example',
    'https://www.foo.example.evil',
  ])('from %s are told nothing that would let the page on', async (origin) => {
    expect(allowed(await preflight('/exact', origin))).toBeUndefined();
    expect(allowed(await scene.ask('/exact', { origin }))).toBeUndefined();
  });

  it('themselves get the headers that let the page read the answer', async () => {
    const answer = await scene.ask('/exact', { origin: 'https://www.foo.example' });
    expect(whoAnswers(answer)).toBe('one');
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://www.foo.example',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-three',
    });
  });

  it('may come from anywhere where the rule says so', async () => {
    expect(allowed(await scene.ask('/any', { origin: 'https://who.knows' }))).toMatch(/^(\*|https:\/\/who\.knows)$/);
    const answer = await preflight('/any', 'https://who.knows', 'DELETE');
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-methods']).toMatch(/\*|DELETE/);
    expect(answer.headers['access-control-allow-headers']).toMatch(/\*|x-one/);
  });

  it('have preflights also where the rule is for another method than OPTIONS', async () => {
    expect(allowed(await preflight('/put', 'https://www.foo.example'))).toBe('https://www.foo.example');
    expect((await scene.ask('/put', { origin: 'https://www.foo.example' })).status).toBe(404);
  });

  it('go to the backend as they are where no rule speaks of them', async () => {
    const answer = await preflight('/none', 'https://www.foo.example');
    expect([whoAnswers(answer), allowed(answer)]).toEqual(['one', undefined]);
  });
});
