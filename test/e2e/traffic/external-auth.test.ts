import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { service } from '../../support/world.ts';
import type { Answering, Backend } from './backends.ts';
import { seenBy, whoAnswers } from './clients.ts';
import { grpcBackend } from './grpc.ts';
import { httpRoute, ruleFor, type Scene, startScene, stopAll } from './scene.ts';

/** Lets `authorization: yes` in as ann, and sends everybody else to the door. */
const door: Answering = ({ headers }) =>
  headers.authorization === 'yes'
    ? { status: 200, headers: { 'x-user': 'ann', 'x-inner': 'kept' } }
    : { status: 401, headers: { 'www-authenticate': 'Basic' } };

/** `envoy.service.auth.v3.CheckResponse` with `status.code` 0, or 7 for PERMISSION_DENIED. */
const checkResponse = (isAllowed: boolean): Buffer => Buffer.from(isAllowed ? [0x0a, 0x00] : [0x0a, 0x02, 0x08, 0x07]);

const auth = (protocol: 'HTTP' | 'GRPC', to: string, more = ''): string =>
  `filters: [{ type: ExternalAuth, externalAuth: { protocol: ${protocol}, backendRef: { name: ${to}, port: 80 }${more} } }]`;

describe.skipIf(envoy === undefined)('requests that somebody else must allow', () => {
  let scene: Scene;
  const others: Backend[] = [];
  beforeAll(async () => {
    scene = await startScene({ one: undefined, door });
    // The name of the header is among the request's bytes when it was sent along.
    const check = (request: Buffer): Buffer => checkResponse(request.includes('let me in'));
    others.push(await grpcBackend('checks', { '/envoy.service.auth.v3.Authorization/Check': check }));
    await scene.apply(
      httpRoute(
        'auth',
        ruleFor('/http', auth('HTTP', 'door', ', http: { path: /check, allowedHeaders: [x-token], allowedResponseHeaders: [x-user] }')),
        ruleFor('/body', auth('HTTP', 'door', ', http: {}, forwardBody: { maxSize: 1024 }')),
        ruleFor('/grpc', auth('GRPC', 'checks', ', grpc: {}')),
        ruleFor('/nobody', auth('HTTP', 'nobody', ', http: {}')),
        ruleFor('/missing', auth('HTTP', 'missing', ', http: {}')),
        ruleFor('/open', ''),
      ) +
        others.map(({ name, port }) => service(name, [port])).join('') +
        service('nobody', []),
    );
  });
  afterAll(async () => {
    await scene?.stop();
    await stopAll(others);
  });

  it('reach the backend when an HTTP server allows them, with the headers of its answer that were asked for', async () => {
    const answer = await scene.ask('/http/x', { authorization: 'yes', 'x-token': 't', 'x-secret': 's' });
    const { backend, headers } = seenBy(answer);
    expect([answer.status, backend, headers['x-user'], headers['x-inner']]).toEqual([200, 'one', 'ann', undefined]);
    const asked = scene.backend('door').seen.at(-1);
    expect([asked?.path, asked?.headers['x-token'], asked?.headers['x-secret']]).toEqual(['/check/http/x', 't', undefined]);
  });

  it('are answered as the HTTP server says when it denies them, and no backend sees them', async () => {
    const before = scene.backend('one').seen.length;
    const answer = await scene.ask('/http/x');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Basic']);
    expect(scene.backend('one').seen.length).toBe(before);
  });

  it('may carry a body', async () => {
    expect(whoAnswers(await scene.ask('/body', { authorization: 'yes' }, 'POST'))).toBe('one');
  });

  it('reach the backend when a gRPC server allows them, and get 403 when not', async () => {
    expect(whoAnswers(await scene.ask('/grpc', { 'x-word': 'let me in' }))).toBe('one');
    expect((await scene.ask('/grpc')).status).toBe(403);
  });

  it('go nowhere when nobody can be asked', async () => {
    const before = scene.backend('one').seen.length;
    expect((await scene.ask('/nobody', { authorization: 'yes' })).status).toBeGreaterThanOrEqual(403);
    expect((await scene.ask('/missing', { authorization: 'yes' })).status).toBe(500);
    expect(scene.backend('one').seen.length).toBe(before);
  });

  it('are only those of the rules that say so', async () => {
    const before = scene.backend('door').seen.length;
    expect(whoAnswers(await scene.ask('/open'))).toBe('one');
    expect(scene.backend('door').seen.length).toBe(before);
  });
});
