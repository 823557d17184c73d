import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { route } from '../../support/world.ts';
import { repeat, seenBy } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

const changes = 'set: [{ name: x-set, value: new }], add: [{ name: x-add, value: more }], remove: [x-remove]';
const request = (spec: string): string => `{ type: RequestHeaderModifier, requestHeaderModifier: { ${spec} } }`;
const response = (spec: string): string => `{ type: ResponseHeaderModifier, responseHeaderModifier: { ${spec} } }`;

describe.skipIf(envoy === undefined)('headers', () => {
  let scene: Scene;
  beforeAll(async () => {
    const answering = () => ({ status: 200, headers: { 'x-set': 'old', 'x-add': 'first', 'x-remove': 'gone', server: 'echo' } });
    scene = await startScene({ one: answering, two: answering });
    await scene.apply(
      httpRoute(
        'headers',
        ruleFor('/request', `filters: [${request(changes)}]`),
        ruleFor('/response', `filters: [${response(changes)}]`),
        ruleFor('/both', `filters: [${request(changes)}, ${response('set: [{ name: x-new, value: "%PROTOCOL% 5%" }]')}]`),
        ruleFor('/host', `filters: [${request('set: [{ name: Host, value: other.example }]')}]`),
        ruleFor(
          '/each',
          `filters: [${request('set: [{ name: x-rule, value: all }]')}]`,
          ['one', 'two']
            .map(
              (name) =>
                `{ name: ${name}, port: 80, filters: [${request(`set: [{ name: x-for, value: ${name} }]`)}, ${response(`set: [{ name: x-from, value: ${name} }], remove: [x-remove]`)}] }`,
            )
            .join(', '),
        ),
        ruleFor('/plain', ''),
      ) +
        route(
          'HTTPRoute',
          'percent',
          `hostnames: [percent.example], rules: [{ filters: [${request('set: [{ name: x-percent, value: "100% %REQ(x)%" }]')}], backendRefs: [{ name: one, port: 80 }] }]`,
        ),
    );
  });
  afterAll(async () => scene?.stop());

  const sent = { 'x-set': 'old', 'x-add': 'first', 'x-remove': 'gone', 'x-keep': 'kept' };

  it('of a request are set, added and removed as its rule says', async () => {
    const { headers } = seenBy(await scene.ask('/request', sent));
    expect(headers).toMatchObject({ 'x-set': 'new', 'x-keep': 'kept' });
    expect(String(headers['x-add']).replaceAll(' ', '')).toBe('first,more');
    expect(headers).not.toHaveProperty('x-remove');
  });

  it('of a response are set, added and removed as its rule says', async () => {
    const { headers } = await scene.ask('/response', sent);
    expect(headers['x-set']).toBe('new');
    expect(String(headers['x-add']).replaceAll(' ', '')).toBe('first,more');
    expect(headers).not.toHaveProperty('x-remove');
  });

  it('of the other direction stay as they are', async () => {
    const asked = await scene.ask('/response', sent);
    expect(seenBy(asked).headers).toMatchObject(sent);
    expect((await scene.ask('/request', sent)).headers).toMatchObject({ 'x-set': 'old', 'x-remove': 'gone', server: 'echo' });
  });

  it('of both directions can be changed by one rule, and percent signs are text', async () => {
    const answer = await scene.ask('/both', sent);
    expect([seenBy(answer).headers['x-set'], answer.headers['x-new']]).toEqual(['new', '%PROTOCOL% 5%']);
    expect(seenBy(await scene.ask('/', { host: 'percent.example' })).headers['x-percent']).toBe('100% %REQ(x)%');
  });

  it('may include Host', async () => {
    expect(seenBy(await scene.ask('/host', {})).headers.host).toBe('other.example');
  });

  it('can be changed for each backend apart, besides what the rule does to all', async () => {
    const answers = await repeat(40, async () => scene.ask('/each', sent));
    expect(new Set(answers.map((answer) => seenBy(answer).backend))).toEqual(new Set(['one', 'two']));
    for (const answer of answers) {
      const { backend, headers } = seenBy(answer);
      expect([headers['x-for'], headers['x-rule'], answer.headers['x-from']]).toEqual([backend, 'all', backend]);
      expect(answer.headers).not.toHaveProperty('x-remove');
    }
  });

  it('that speak for the client are not believed from the client', async () => {
    const { headers } = seenBy(await scene.ask('/plain', { 'x-forwarded-proto': 'https', 'x-envoy-original-path': '/admin' }));
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers).not.toHaveProperty('x-envoy-original-path');
  });
});
