/**
 * A machine of a tailnet: a userspace tailscaled, and servers of every protocol on loopback ports that its peers reach. Arguments: its name, the
 * folder of Tailscale's programs, the coordination server, a folder for state. Says what it is as a line of JSON, and ends with its standard input.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { authority, certificateFor } from '../../support/certificates.ts';
import { httpEcho, tcpEcho, tlsEcho, udpEcho } from '../traffic/backends.ts';
import { grpcBackend } from '../traffic/grpc.ts';

export type Machine = {
  readonly name: string;
  /** MagicDNS name, without a dot at the end. */
  readonly fqdn: string;
  readonly ipv4: string;
  /** To command its tailscaled with. */
  readonly socket: string;
  readonly ports: Readonly<Record<'http' | 'grpc' | 'tls' | 'tcp' | 'udp', number>>;
  /** Who vouches for the server of `tls`, under any name below passthrough.example. */
  readonly ca: string;
};

const [, , name = '', programs = '', control = '', folder = ''] = process.argv;
const state = await mkdtemp(join(folder, `${name}-`));
const socket = join(state, 'sock');

const ca = authority();
const servers = {
  http: await httpEcho(name),
  grpc: await grpcBackend(name, { '/a.B/C': () => Buffer.from(name) }),
  tls: await tlsEcho(name, certificateFor(['*.passthrough.example'], ca)),
  tcp: await tcpEcho(name),
  udp: await udpEcho(name),
};

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
const tailscale = (...args: readonly string[]) => promisify(execFile)(join(programs, 'tailscale'), [`--socket=${socket}`, ...args]);
await tailscale('up', `--login-server=${control}`, `--hostname=${name}`, '--accept-dns=false', '--timeout=60s');
const { Self } = JSON.parse((await tailscale('status', '--json')).stdout) as {
  readonly Self: { readonly DNSName: string; readonly TailscaleIPs: readonly string[] };
};
const ports = Object.fromEntries(Object.entries(servers).map(([protocol, { port }]) => [protocol, port])) as Machine['ports'];
const ipv4 = Self.TailscaleIPs.find((address) => address.includes('.')) ?? '';
const machine: Machine = { name, fqdn: Self.DNSName.replace(/\.$/, ''), ipv4, socket, ports, ca: ca.certificate };
process.stdout.write(`${JSON.stringify(machine)}\n`);
