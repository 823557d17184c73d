/**
 * A machine of a tailnet: a userspace tailscaled, named `machine`, and a server on the loopback port 8080 that its peers reach. Arguments: the
 * folder of Tailscale's programs, the coordination server, a folder for state. Ends both when its standard input ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [, , programs = '', control = '', folder = ''] = process.argv;
const state = await mkdtemp(join(folder, 'machine-'));
const socket = join(state, 'sock');

const server = createServer((request, response) => response.end(`machine received ${request.method} ${request.url}\n`));
server.listen(8080, '127.0.0.1');

const daemon = spawn(
  join(programs, 'tailscaled'),
  ['--tun=userspace-networking', '--port=0', '--no-logs-no-support', `--statedir=${state}`, `--socket=${socket}`],
  { stdio: 'ignore', env: { ...process.env, TS_NO_LOGS_NO_SUPPORT: 'true', TS_DISABLE_PORTMAPPER: '1' } },
);
const end = async (): Promise<never> => {
  daemon.kill('SIGTERM');
  if (daemon.exitCode === null) await once(daemon, 'exit');
  await rm(state, { recursive: true, force: true });
  process.exit(0);
};
process.stdin.resume().on('end', () => void end());
process.once('SIGTERM', () => void end());

while ((await stat(socket).catch(() => undefined)) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
const up = spawn(
  join(programs, 'tailscale'),
  [`--socket=${socket}`, 'up', `--login-server=${control}`, '--hostname=machine', '--accept-dns=false', '--timeout=60s'],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
const [code] = (await once(up, 'exit')) as [number | null];
if (code !== 0) process.stderr.write(`tailscale up ended with ${code}\n`);
