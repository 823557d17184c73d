import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { edge, service } from '../../support/world.ts';
import { type Answer, repeat, whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

const all = '{ name: all, port: 80 }';

describe.skipIf(envoy === undefined)('a client with a session', () => {
  let scene: Scene;
  const routes = httpRoute(
    'sessions',
    ruleFor('/cookie', 'sessionPersistence: { sessionName: cart }', all),
    ruleFor(
      '/permanent',
      'sessionPersistence: { sessionName: login, absoluteTimeout: 1h, cookieConfig: { lifetimeType: Permanent } }',
      all,
    ),
    ruleFor('/header', 'sessionPersistence: { type: Header, sessionName: x-session }', all),
    ruleFor('/none', '', all),
  );
  const configurationWith = (...names: readonly string[]): string =>
    edge(`name: http, protocol: HTTP, port: ${scene.port}`) +
    routes +
    service(
      'all',
      names.map((name) => scene.backend(name).port),
    );
  beforeAll(async () => {
    scene = await startScene({ one: undefined, two: undefined, three: undefined });
    await scene.fleet.apply(configurationWith('one', 'two', 'three'));
  });
  afterAll(async () => scene?.stop());

  const cookieOf = ({ headers }: Answer): string => headers['set-cookie']?.[0] ?? '';
  const sessionOf = (answer: Answer): Record<string, string> => ({ cookie: cookieOf(answer).split(';')[0] ?? '' });
  const whoWith = async (path: string, headers: Record<string, string>): Promise<ReadonlySet<string>> =>
    new Set(await repeat(15, async () => whoAnswers(await scene.ask(path, headers))));

  it('stays with its endpoint by cookie, for all paths of the host', async () => {
    const first = await scene.ask('/cookie');
    expect(cookieOf(first)).toMatch(/^cart="?[^;]+"?; .*HttpOnly/i);
    expect(cookieOf(first)).toMatch(/Path=\/(;|$)/);
    expect(await whoWith('/cookie/deeper', sessionOf(first))).toEqual(new Set([whoAnswers(first)]));
  });

  it('keeps a permanent cookie as long as the session may last', async () => {
    const first = await scene.ask('/permanent');
    expect(cookieOf(first)).toMatch(/^login=.*Max-Age=3600/);
    expect(cookieOf(await scene.ask('/cookie'))).not.toMatch(/Max-Age|Expires/);
    expect(await whoWith('/permanent', sessionOf(first))).toEqual(new Set([whoAnswers(first)]));
  });

  it('stays with its endpoint by header', async () => {
    const first = await scene.ask('/header');
    expect(await whoWith('/header', { 'x-session': String(first.headers['x-session']) })).toEqual(new Set([whoAnswers(first)]));
  });

  it('goes to any endpoint where the rule knows no sessions', async () => {
    const answer = await scene.ask('/none');
    expect(cookieOf(answer)).toBe('');
    expect((await whoWith('/none', sessionOf(await scene.ask('/cookie')))).size).toBe(3);
  });

  it('is served by another endpoint, with a new cookie, when its own is gone, and by the first again when that returns', async () => {
    const first = await scene.ask('/cookie');
    const gone = whoAnswers(first);
    await scene.fleet.apply(configurationWith(...['one', 'two', 'three'].filter((name) => name !== gone)));
    const next = await scene.ask('/cookie', sessionOf(first));
    expect(next.status).toBe(200);
    expect(whoAnswers(next)).not.toBe(gone);
    expect(await whoWith('/cookie', sessionOf(next))).toEqual(new Set([whoAnswers(next)]));
    await scene.fleet.apply(configurationWith('one', 'two', 'three'));
    expect(await whoWith('/cookie', sessionOf(first))).toEqual(new Set([gone]));
  });
});
