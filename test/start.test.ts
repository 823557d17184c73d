import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScript, runScript } from './support/child.ts';
import { envoy } from './support/envoy.ts';
import { freePorts } from './support/ports.ts';

/** The quickstart on ports of its own, so that several may run at once. */
let dir: string;
let ports: readonly number[];
let environment: Record<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailplane-start-'));
  ports = await freePorts(8);
  const [xds, http, gateway, one, two, admin, notes, tailnet] = ports;
  await cp(join(import.meta.dirname, '../examples/quickstart'), dir, { recursive: true });
  await edit('gateway.yaml', (text) => text.replace('port: 80', `port: ${gateway}`));
  await edit('backends.yaml', (text) => text.replace('9001', `${one}`).replace('9002', `${two}`));
  await edit('tailnet.yaml', (text) => text.replaceAll('9003', `${notes}`));
  environment = {
    TAILPLANE_SIMULATOR_ADDRESS: `127.0.0.1:${tailnet}`,
    TAILPLANE_XDS_ADDRESS: `127.0.0.1:${xds}`,
    TAILPLANE_HTTP_ADDRESS: `127.0.0.1:${http}`,
    ENVOY_ADMIN_ADDRESS: `127.0.0.1:${admin}`,
    TAILPLANE_LOG_LEVEL: 'warn',
    ...(envoy === undefined ? {} : { ENVOY_BIN: envoy }),
  };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const edit = async (file: string, change: (text: string) => string): Promise<void> => {
  const path = join(dir, file);
  await writeFile(path, change(await readFile(path, 'utf8')));
};

describe.skipIf(envoy === undefined)('npm start', () => {
  it('answers every request it tells users to try', async () => {
    const { code, out, err } = await runScript('scripts/start.ts', ['--smoke', '--config-dir', dir], environment);
    expect(err).toBe('');
    expect(out).not.toContain('FAILED');
    expect(code).toBe(0);
  });

  it('says what runs where and what to try, and stops on SIGTERM', async () => {
    const started = startScript('scripts/start.ts', ['--config-dir', dir], environment);
    await started.says('Ctrl-C stops everything.');
    const { code, out } = await started.stop();
    expect(code).toBe(0);
    expect(out).toContain(`http://127.0.0.1:${ports[2]}/files/report`);
    expect(out).toContain(`shop-v1 127.0.0.1:${ports[3]}, shop-v2 127.0.0.1:${ports[4]}`);
  });

  it('says in one line which address is taken, and leaves nothing running', async () => {
    const squatter = createServer().listen(ports[4], '127.0.0.1');
    await once(squatter, 'listening');
    const { code, err } = await runScript('scripts/start.ts', ['--smoke', '--config-dir', dir], environment);
    expect(err).toBe(`tailplane: cannot listen on 127.0.0.1:${ports[4]}: EADDRINUSE\n`);
    expect(code).toBe(2);
    squatter.close();
  });

  it('says in one line that ENVOY_BIN does not run', async () => {
    const { code, err } = await runScript('scripts/start.ts', ['--smoke', '--config-dir', dir], {
      ...environment,
      ENVOY_BIN: '/nonexistent',
    });
    expect(err).toBe('tailplane: ENVOY_BIN=/nonexistent is not an Envoy that runs here\n');
    expect(code).toBe(2);
  });
});
