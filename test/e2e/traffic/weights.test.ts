import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { edge, route, service } from '../../support/world.ts';
import { repeat, tallyOf, whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

const to = (...shares: readonly [string, number][]): string =>
  shares.map(([name, weight]) => `{ name: ${name}, port: 80, weight: ${weight} }`).join(', ');

describe.skipIf(envoy === undefined)('shares of traffic', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ one: undefined, two: undefined, three: undefined });
    await scene.apply(
      httpRoute(
        'weights',
        ruleFor('/split', '', to(['one', 3], ['two', 1], ['three', 0])),
        ruleFor('/even', '', '{ name: one, port: 80 }, { name: two, port: 80 }'),
        ruleFor('/half', '', to(['one', 1], ['missing', 1])),
        ruleFor('/port', '', '{ name: one, port: 80 }, { name: two, port: 81 }'),
        ruleFor('/gone', '', to(['missing', 1], ['absent', 2])),
        ruleFor('/zero', '', to(['one', 0])),
        ruleFor('/other', '', '{ name: one, namespace: elsewhere, port: 80 }'),
        ruleFor('/nobody', '', '{ name: nobody, port: 80 }'),
        ruleFor('/some', '', '{ name: one, port: 80 }, { name: nobody, port: 80 }'),
        '{ matches: [{ path: { value: /nothing } }] }',
      ) + service('nobody', []),
    );
  });
  afterAll(async () => scene?.stop());

  const tally = async (path: string, times: number): Promise<Readonly<Record<string, number>>> =>
    tallyOf(await repeat(times, async () => whoAnswers(await scene.ask(path))));

  it('follow the weights, and a weight of zero gets nothing', async () => {
    const { one = 0, two = 0, ...others } = await tally('/split', 400);
    expect(others).toEqual({});
    expect(one).toBeGreaterThan(240);
    expect(two).toBeGreaterThan(50);
  });

  it('are equal where no weight is written', async () => {
    const { one = 0, two = 0, ...others } = await tally('/even', 200);
    expect(others).toEqual({});
    expect(Math.min(one, two)).toBeGreaterThan(60);
  });

  it.each(['/half', '/port'])('of an invalid backend are answered with 500, the others work (%s)', async (path) => {
    const { one = 0, 500: failed = 0, ...others } = await tally(path, 200);
    expect(others).toEqual({});
    expect(Math.min(one, failed)).toBeGreaterThan(60);
  });

  it.each(['/gone', '/zero', '/other', '/nothing'])('are answered with 500 where no backend is valid (%s)', async (path) => {
    expect(await tally(path, 8)).toEqual({ 500: 8 });
  });

  it('are answered with 503 by a Service without endpoints', async () => {
    expect(await tally('/nobody', 8)).toEqual({ 503: 8 });
  });

  it('of a Service without endpoints are answered with 503, the others work', async () => {
    const { one = 0, 503: failed = 0, ...others } = await tally('/some', 200);
    expect(others).toEqual({});
    expect(Math.min(one, failed)).toBeGreaterThan(60);
  });

  it('spread over the endpoints of a Service', async () => {
    const ports = ['one', 'two', 'three'].map((name) => scene.backend(name).port);
    await scene.fleet.apply(
      edge(`name: http, protocol: HTTP, port: ${scene.port}`) +
        service('all', ports) +
        route('HTTPRoute', 'all', 'rules: [{ backendRefs: [{ name: all, port: 80 }] }]'),
    );
    const { one = 0, two = 0, three = 0 } = await tally('/', 90);
    expect(Math.min(one, two, three)).toBeGreaterThan(20);
  });
});
