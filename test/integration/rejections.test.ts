import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Server, serve } from '../../src/cli/server.ts';
import { configFrom } from '../../src/config.ts';
import type { Health } from '../../src/ops/health.ts';
import type { StatusReport } from '../../src/ops/status-report.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import { AdsClient } from '../support/ads-client.ts';
import { edge, eventually, replaceFile } from '../support/world.ts';

const typeUrl = typeUrlOf('Listener');
const listening = (port: number): string => edge(`name: http, protocol: HTTP, port: ${port}`);

describe.each(['sotw', 'delta'] as const)('a client that rejects what it is sent, %s', (mode) => {
  let dir: string;
  let server: Server;
  let client: AdsClient;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tailplane-rejections-'));
    await replaceFile(join(dir, 'gateway.yaml'), listening(8001));
    server = await serve(
      configFrom({ configDir: dir, xdsAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }, {}),
      pino({ level: 'silent' }),
    );
    client = new AdsClient(await server.xdsPort, mode, { cluster: 'default/edge' });
  });
  afterEach(async () => {
    client.cancel();
    await server.stop();
    await rm(dir, { recursive: true });
  });

  const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${server.httpPort}${path}`)).text();
  const status = async () => JSON.parse(await get('/api/v1/status')) as StatusReport;
  const programmed = async () =>
    (await status()).objects.find(({ kind }) => kind === 'Gateway')?.conditions.find(({ type }) => type === 'Programmed');

  it('shows on the Gateway with its words, in health and metrics, until it accepts', async () => {
    client.request({ typeUrl });
    const { nonce } = await client.response();
    client.request({ typeUrl, responseNonce: nonce, errorDetail: { code: 13, message: 'cannot bind 0.0.0.0:8001' } });
    const refused = await eventually(programmed, (condition) => condition?.status === 'False');
    expect(refused).toMatchObject({ reason: 'Invalid', observedGeneration: 1, trouble: true });
    expect(refused?.message).toContain('Envoy rejects Listener tcp/8001, ');
    expect(refused?.message).toContain('cannot bind 0.0.0.0:8001');
    expect((await status()).envoys).toMatchObject([{ node: 'test-node', gateway: 'default/edge', state: 'rejected' }]);
    expect((JSON.parse(await get('/health')) as Health).reasons).toEqual(['Envoys reject 1 resources: see status']);
    expect(await get('/metrics')).toMatch(/^tailplane_nacks_total\{type="Listener"\} 1$/m);

    await replaceFile(join(dir, 'gateway.yaml'), listening(8002));
    const next = await client.response();
    expect(next.resources).toEqual(['tcp/8002']);
    client.request({ typeUrl, responseNonce: next.nonce, ...(mode === 'sotw' ? { versionInfo: next.version } : {}) });
    await eventually(programmed, (condition) => condition?.status === 'True');
    expect((JSON.parse(await get('/health')) as Health).status).toBe('ok');
  });

  it('is forgotten when it leaves', async () => {
    client.request({ typeUrl });
    const { nonce } = await client.response();
    client.request({ typeUrl, responseNonce: nonce, errorDetail: { message: 'no' } });
    await eventually(programmed, (condition) => condition?.status === 'False');
    client.cancel();
    await eventually(programmed, (condition) => condition?.status === 'True');
    expect((await status()).envoys).toEqual([]);
  });
});

it('an Envoy of a Gateway that is not there waits, and is shown as waiting', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-waiting-'));
  const server = await serve(
    configFrom({ configDir: dir, xdsAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }, {}),
    pino({ level: 'silent' }),
  );
  const client = new AdsClient(await server.xdsPort, 'delta', { cluster: 'default/edge' });
  client.request({ typeUrl });
  const envoys = async () => ((await (await fetch(`http://127.0.0.1:${server.httpPort}/api/v1/status`)).json()) as StatusReport).envoys;
  const [envoy] = await eventually(envoys, (all) => all.length > 0);
  expect(envoy).toMatchObject({ gateway: 'default/edge', state: 'waiting' });
  await replaceFile(join(dir, 'gateway.yaml'), listening(8001));
  expect((await client.response()).resources).toEqual(['tcp/8001']);
  client.cancel();
  await server.stop();
  await rm(dir, { recursive: true });
});
