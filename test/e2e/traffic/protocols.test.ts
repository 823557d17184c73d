import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFor } from '../../support/certificates.ts';
import { envoy } from '../../support/envoy.ts';
import { service } from '../../support/world.ts';
import { type Backend, h2cEcho, httpsEcho } from './backends.ts';
import { seenBy, upgradedExchange } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene, stopAll } from './scene.ts';

describe.skipIf(envoy === undefined)('what backends speak', () => {
  let scene: Scene;
  const others: Backend[] = [];
  const to = (name: string): string => `{ name: ${name}, port: 80 }`;
  beforeAll(async () => {
    const [h2c, https] = [await h2cEcho('h2c'), await httpsEcho('https', certificateFor(['whoever.example']))];
    others.push(h2c, https);
    scene = await startScene({ one: undefined, chat: undefined });
    await scene.apply(
      httpRoute(
        'protocols',
        ruleFor('/plain', ''),
        ruleFor('/h2c', '', to('h2c')),
        ruleFor('/ws', '', to('ws')),
        ruleFor('/https', '', to('https')),
        ruleFor('/unknown', '', to('unknown')),
      ) +
        service('h2c', [h2c.port], 'appProtocol: kubernetes.io/h2c') +
        service('ws', [scene.backend('chat').port], 'appProtocol: kubernetes.io/ws') +
        service('https', [https.port], 'appProtocol: https') +
        service('unknown', [h2c.port], 'appProtocol: kubernetes.io/carrier-pigeon'),
    );
  });
  afterAll(async () => {
    await scene?.stop();
    await stopAll(others);
  });

  it.each([
    ['/plain', 'one', '1.1'],
    ['/h2c', 'h2c', '2.0'],
    ['/https', 'https', '1.1'],
    ['/ws', 'chat', '1.1'],
  ])('%s reaches %s in HTTP/%s', async (path, name, version) => {
    const { backend, version: spoken } = seenBy(await scene.ask(path));
    expect([backend, spoken]).toEqual([name, version]);
  });

  it('is 500 to the client where it is none of the protocols of the standard that we know', async () => {
    expect((await scene.ask('/unknown')).status).toBe(500);
  });

  it.each([
    ['/ws', 'chat'],
    ['/plain', 'one'],
  ])('becomes a WebSocket when a client asks for it (%s)', async (path, name) => {
    expect(await upgradedExchange(scene.port, path, { host: 'a.example' })).toBe(`${name}:hello`);
  });

  it('becomes nothing that was not asked to be allowed', async () => {
    await expect(upgradedExchange(scene.port, '/plain', { host: 'a.example', upgrade: 'something' })).rejects.toThrow('not upgraded');
  });
});
