/**
 * Machines of a tailnet that use what others share: userspace tailscaleds, each with a proxy for HTTP and SOCKS5. Arguments: the folder of Tailscale's
 * programs, the coordination server, a folder for state, and for each machine its name and its proxy's address. Says when all have joined, and ends
 * with its standard input.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [, , programs = '', control = '', folder = '', ...names] = process.argv;
const machines = names.flatMap((name, index) =>
  index % 2 === 0 ? [{ name, proxy: names[index + 1] ?? '', state: join(folder, name) }] : [],
);

const daemons = await Promise.all(
  machines.map(async ({ proxy, state }) => {
    await mkdir(state);
    const own = [
      '--tun=userspace-networking',
      '--port=0',
      '--no-logs-no-support',
      `--statedir=${state}`,
      `--socket=${join(state, 'sock')}`,
    ];
    const env = { ...process.env, TS_NO_LOGS_NO_SUPPORT: 'true', TS_DISABLE_PORTMAPPER: '1' };
    const proxies = [`--outbound-http-proxy-listen=${proxy}`, `--socks5-server=${proxy}`];
    return spawn(join(programs, 'tailscaled'), [...own, ...proxies], { stdio: 'ignore', env });
  }),
);
const end = async (): Promise<never> => {
  for (const daemon of daemons) {
    daemon.kill('SIGTERM');
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
  }
  for (const { state } of machines) await rm(state, { recursive: true, force: true });
  process.exit(0);
};
process.stdin.resume().on('end', () => void end());
process.once('SIGTERM', () => void end());

// One after the other, so that their addresses are those of their order.
for (const { name, state } of machines) {
  const socket = join(state, 'sock');
  while ((await stat(socket).catch(() => undefined)) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  const flags = [`--login-server=${control}`, `--hostname=${name}`, '--accept-dns=false', '--timeout=60s'];
  await promisify(execFile)(join(programs, 'tailscale'), [`--socket=${socket}`, 'up', ...flags]);
}
process.stdout.write('joined\n');
