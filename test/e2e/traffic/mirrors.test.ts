import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { eventually } from '../../support/world.ts';
import { repeat, whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

const mirror = (to: string, more = ''): string =>
  `{ type: RequestMirror, requestMirror: { backendRef: { name: ${to}, port: 80 }${more} } }`;

describe.skipIf(envoy === undefined)('copies of requests', () => {
  let scene: Scene;
  beforeAll(async () => {
    // What a copy is answered with is nobody's concern.
    scene = await startScene({ one: undefined, two: undefined, copy: () => ({ status: 500 }), second: () => undefined });
    await scene.apply(
      httpRoute(
        'mirrors',
        ruleFor('/all', `filters: [${mirror('copy')}]`),
        ruleFor('/both', `filters: [${mirror('copy')}, ${mirror('second')}]`),
        ruleFor('/none', `filters: [${mirror('copy', ', percent: 0')}, ${mirror('second')}]`),
        ruleFor('/half', `filters: [${mirror('copy', ', percent: 50')}]`),
        ruleFor('/third', `filters: [${mirror('copy', ', fraction: { numerator: 1, denominator: 3 }')}]`),
        ruleFor('/each', '', `{ name: one, port: 80, filters: [${mirror('copy')}] }, { name: two, port: 80 }`),
        ruleFor('/missing', `filters: [${mirror('missing')}]`),
      ),
    );
  });
  afterAll(async () => scene?.stop());

  const copiesOf = (path: string, to = 'copy'): number => scene.backend(to).seen.filter((seen) => seen.path === path).length;
  const copies = async (path: string, count: number, to = 'copy'): Promise<number> =>
    eventually(
      async () => copiesOf(path, to),
      (now) => now === count,
    );

  it('arrive, with Host, headers and path as they were, and their answers are dropped', async () => {
    const answer = await scene.ask('/all/x?y=z', { 'x-one': '1' });
    expect([answer.status, whoAnswers(answer)]).toEqual([200, 'one']);
    await copies('/all/x?y=z', 1);
    const copy = scene.backend('copy').seen.find(({ path }) => path === '/all/x?y=z');
    expect(copy?.headers).toMatchObject({ host: 'a.example', 'x-one': '1' });
  });

  it('go to every backend that a rule names, and nobody waits for them', async () => {
    expect((await scene.ask('/both')).status).toBe(200);
    await copies('/both', 1);
    await copies('/both', 1, 'second');
  });

  it('are not made at 0 percent', async () => {
    await repeat(20, async () => scene.ask('/none'));
    await copies('/none', 20, 'second');
    expect(copiesOf('/none')).toBe(0);
  });

  it.each([
    ['/half', 60, 140],
    ['/third', 30, 105],
  ])('are made of the part that is asked for (%s)', async (path, atLeast, atMost) => {
    await repeat(200, async () => scene.ask(path));
    await scene.ask(`/all${path}`);
    await copies(`/all${path}`, 1);
    expect(copiesOf(path)).toBeGreaterThan(atLeast);
    expect(copiesOf(path)).toBeLessThan(atMost);
  });

  it('of one backend are made of its requests only', async () => {
    const answers = await repeat(40, async () => whoAnswers(await scene.ask('/each')));
    const ofOne = answers.filter((name) => name === 'one').length;
    expect(ofOne).toBeGreaterThan(5);
    expect(ofOne).toBeLessThan(35);
    await copies('/each', ofOne);
  });

  it('that cannot be sent anywhere do not hurt the request', async () => {
    expect((await scene.ask('/missing')).status).toBe(200);
  });
});
