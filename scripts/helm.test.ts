import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findHelm } from './helm.ts';

const looking = { build: false, say: () => undefined };

describe('findHelm', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('refuses to replace a HELM_BIN that does not run by another Helm', async () => {
    vi.stubEnv('HELM_BIN', '/nonexistent/helm');
    await expect(findHelm(looking)).rejects.toThrow('HELM_BIN=/nonexistent/helm is not a Helm 3 or 4 that runs here');
  });

  it('takes HELM_BIN before anything else, PATH next, and passes by a Helm 2', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'helm-'));
    const fake = join(dir, 'helm');
    await writeFile(fake, '#!/bin/sh\necho v3.99.0\n');
    await chmod(fake, 0o755);
    vi.stubEnv('HELM_BIN', '');
    vi.stubEnv('PATH', `${dir}:/usr/bin:/bin`);
    expect(await findHelm(looking)).toBe(fake);
    vi.stubEnv('HELM_BIN', fake);
    vi.stubEnv('PATH', '/usr/bin:/bin');
    expect(await findHelm(looking)).toBe(fake);
    await writeFile(fake, '#!/bin/sh\necho v2.17.0\n');
    await expect(findHelm(looking)).rejects.toThrow('is not a Helm 3 or 4');
    await rm(dir, { recursive: true });
  });
});
