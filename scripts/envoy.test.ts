import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findEnvoy } from './envoy.ts';
import { withLock } from './lock.ts';

const silent = { fetch: false, say: () => undefined };

describe('findEnvoy', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('refuses to replace an ENVOY_BIN that does not run by another Envoy', async () => {
    vi.stubEnv('ENVOY_BIN', '/nonexistent/envoy');
    await expect(findEnvoy(silent)).rejects.toThrow('ENVOY_BIN=/nonexistent/envoy is not an Envoy that runs here');
  });

  it('takes ENVOY_BIN before anything else, and PATH next', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'envoy-'));
    const fake = join(dir, 'envoy');
    await writeFile(fake, '#!/bin/sh\necho envoy version: fake\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${dir}:/usr/bin:/bin`);
    expect(await findEnvoy(silent)).toBe(fake);
    vi.stubEnv('ENVOY_BIN', fake);
    vi.stubEnv('PATH', '/usr/bin:/bin');
    expect(await findEnvoy(silent)).toBe(fake);
    await rm(dir, { recursive: true });
  });
});

describe('withLock', () => {
  it('lets one at a time work, and the others after it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lock-'));
    let inside = 0;
    const work = () =>
      withLock(join(dir, 'lock'), async () => {
        inside += 1;
        await new Promise(setImmediate);
        const most = inside;
        inside -= 1;
        return most;
      });
    expect(await Promise.all([work(), work(), work()])).toEqual([1, 1, 1]);
    await rm(dir, { recursive: true });
  });

  it('takes over a lock whose holder died', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lock-'));
    await writeFile(join(dir, 'lock'), '999999999');
    expect(await withLock(join(dir, 'lock'), async () => 'worked')).toBe('worked');
    await rm(dir, { recursive: true });
  });
});
