import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { service } from '../../support/world.ts';
import type { Answering } from './backends.ts';
import { seenBy, whoAnswers } from './clients.ts';
import { httpRoute, ruleFor, type Scene, startScene } from './scene.ts';

/** `/…/slow` never is answered; `/…/CODE/N` is answered with CODE the first N times; everything else at once. */
const answering: Answering = ({ path }, count) => {
  const [, code = '200', times = '0'] = /\/(\d+)\/(\d+)/.exec(path) ?? [];
  if (path.includes('/slow')) return undefined;
  return { status: count <= Number(times) ? Number(code) : 200 };
};

describe.skipIf(envoy === undefined)('backends that are slow or fail', () => {
  let scene: Scene;
  /** Takes connections and ends each at once. */
  const hangUp = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  beforeAll(async () => {
    hangUp.listen(0, '127.0.0.1');
    await once(hangUp, 'listening');
    scene = await startScene({ one: answering });
    const both = '{ name: both, port: 80 }';
    await scene.apply(
      httpRoute(
        'patience',
        ruleFor('/request', 'timeouts: { request: 100ms }'),
        ruleFor('/backend', 'timeouts: { backendRequest: 100ms }'),
        ruleFor('/tries', 'timeouts: { request: 10s, backendRequest: 100ms }, retry: { attempts: 2, codes: [504], backoff: 1ms }'),
        ruleFor('/forever', 'timeouts: { request: 0s }'),
        ruleFor('/retry', 'retry: { codes: [503, 500], attempts: 2, backoff: 1ms }'),
        ruleFor('/once', 'retry: { codes: [502] }'),
        ruleFor('/elsewhere', 'retry: { attempts: 3, backoff: 1ms }', both),
        ruleFor('/plain', ''),
      ) + service('both', [scene.backend('one').port, (hangUp.address() as AddressInfo).port]),
    );
  });
  afterAll(async () => {
    hangUp.close();
    await scene?.stop();
  });

  const attempts = (path: string): number => scene.backend('one').seen.filter((seen) => seen.path === path).length;

  it.each(['/request/slow', '/backend/slow'])('are given up with 504 when a limit passes (%s)', async (path) => {
    expect((await scene.ask(path)).status).toBe(504);
  });

  it('are asked again when a limit to each attempt passes, as often as the rule says', async () => {
    expect((await scene.ask('/tries/slow')).status).toBe(504);
    expect(attempts('/tries/slow')).toBe(3);
  });

  it('are waited for where they answer in time', async () => {
    for (const path of ['/request', '/backend', '/tries', '/forever']) expect(whoAnswers(await scene.ask(path))).toBe('one');
  });

  it.each([
    ['/retry/503/1', 200, 2],
    ['/retry/500/2', 200, 3],
    ['/retry/503/9', 503, 3],
    ['/retry/502/1', 502, 1],
    ['/once/502/1', 200, 2],
    ['/once/502/2', 502, 2],
    ['/plain/503/1', 503, 1],
  ])('are asked again on the codes and as often as the rule says: %s gives %i after %i attempts', async (path, status, times) => {
    const answer = await scene.ask(path);
    expect([answer.status, attempts(path)]).toEqual([status, times]);
    expect(seenBy(answer).path).toBe(path);
  });

  it('do not fail a request while another endpoint works', async () => {
    for (let round = 0; round < 10; round += 1) expect((await scene.ask(`/elsewhere/${round}`)).status).toBe(200);
  });
});
