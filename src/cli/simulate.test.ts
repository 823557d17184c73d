import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run.ts';
import { startedSimulator, type StartedSimulator } from './simulate.ts';

const unexpected = (error: Error): never => {
  throw error;
};

let simulator: StartedSimulator;
beforeAll(async () => void (simulator = await startedSimulator({ address: '127.0.0.1:0' }, unexpected)));
afterAll(async () => simulator.close());

const run = async (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    environment: {},
    terminal: false,
  };
  const code = await runCli(['simulate', ...args], io);
  return { code, out, err };
};
const steer = (...args: readonly string[]) => run(...args, '--simulator', simulator.url);

describe('simulate', () => {
  it('lets a machine join, go offline and leave', async () => {
    const joined = await steer('add-device', 'web', '--ip', '127.0.0.1', '--tag', 'tag:web', 'tag:k8s');
    expect(JSON.parse(joined.out)).toMatchObject({ name: 'web.simulated.ts.net', addresses: ['127.0.0.1'], tags: ['tag:web', 'tag:k8s'] });
    const offline = await steer('change-device', 'web', '--offline');
    expect(JSON.parse(offline.out)).toMatchObject({ hostname: 'web', connectedToControl: false });
    expect(await steer('remove-device', 'web')).toEqual({ code: 0, out: '', err: '' });
  });

  it('defines services', async () => {
    const { out } = await steer('add-service', 'svc:shop', '--port', 'tcp:80');
    expect(JSON.parse(out)).toMatchObject({ name: 'svc:shop', ports: ['tcp:80'] });
    expect((await steer('remove-service', 'svc:shop')).code).toBe(0);
  });

  it("says in the simulator's words what it will not do", async () => {
    expect(await steer('remove-service', 'svc:none')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^tailplane: .*not found/) as string,
    });
  });

  it('says that no simulator answers', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const { code, err } = await run('add-device', 'web', '--simulator', `http://127.0.0.1:${port}`);
    expect([code, err]).toEqual([1, expect.stringContaining('no simulator answers')]);
  });

  it('needs an address it can have', async () => {
    const taken = new URL(simulator.url).host;
    expect(await run('--address', taken)).toMatchObject({ code: 2, err: expect.stringContaining('EADDRINUSE') as string });
    expect(await run('--address', 'here')).toMatchObject({ code: 2 });
  });
});

it('continues where the file says it ended', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tailplane-simulate-'));
  const options = { address: '127.0.0.1:0', state: join(directory, 'tailnet.json') };
  const first = await startedSimulator(options, unexpected);
  await run('add-device', 'web', '--simulator', first.url);
  await first.close();
  const second = await startedSimulator(options, unexpected);
  const known = (await (await fetch(`${second.url}/simulator`)).json()) as {
    tailnets: readonly [{ readonly devices: readonly { readonly hostname: string }[] }];
  };
  await second.close();
  await rm(directory, { recursive: true });
  expect(known.tailnets[0].devices.map(({ hostname }) => hostname)).toEqual(['demo', 'web']);
});
