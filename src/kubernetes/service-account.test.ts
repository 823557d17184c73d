import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { certificateFor } from '../../test/support/certificates.ts';
import { UnreachableError } from './api-error.ts';
import { connectFromPod } from './service-account.ts';

describe('connectFromPod', () => {
  const { certificate, privateKey } = certificateFor(['localhost']);
  const asked: (string | undefined)[] = [];
  let folder: string;
  let server: Server;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tailplane-account-'));
    server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
      asked.push(request.headers.authorization);
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    environment = {
      KUBERNETES_SERVICE_HOST: 'localhost',
      KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
      TAILPLANE_SERVICE_ACCOUNT: folder,
    };
    await writeFile(join(folder, 'token'), 'first\n');
    await writeFile(join(folder, 'ca.crt'), certificate);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    asked.length = 0;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  it('shows the account’s token, and a minute later the one that replaced it', async () => {
    const api = connectFromPod({ environment });
    await api?.request({ path: '/api' });
    await writeFile(join(folder, 'token'), 'second\n');
    await api?.request({ path: '/api' });
    const later = performance.now() + 61_000;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    await api?.request({ path: '/api' });
    expect(asked).toEqual(['Bearer first', 'Bearer first', 'Bearer second']);
  });

  it('believes only an API server that the account’s CA vouches for', async () => {
    const other = await mkdtemp(join(tmpdir(), 'tailplane-account-'));
    await writeFile(join(other, 'token'), 'secret');
    await writeFile(join(other, 'ca.crt'), certificateFor(['localhost']).certificate);
    const answer = connectFromPod({ environment: { ...environment, TAILPLANE_SERVICE_ACCOUNT: other } })?.request({ path: '/api' });
    await expect(answer).rejects.toThrow(UnreachableError);
    expect(asked).toEqual([]);
    await rm(other, { recursive: true });
  });

  it.each([
    ['no cluster', {}],
    ['no account', { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }],
  ])('gives nothing where there is %s', (_, around) => {
    expect(connectFromPod({ environment: { ...around, TAILPLANE_SERVICE_ACCOUNT: join(folder, 'none') } })).toBeUndefined();
  });

  it('takes IPv6 addresses', () => {
    const api = connectFromPod({
      environment: { ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
    });
    expect(api?.url).toBe('https://[fd00::1]:443');
  });
});
