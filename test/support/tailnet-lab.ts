/** The tailnet lab: a real tailnet on one machine, in a network namespace of its own that nothing leaves. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { labProgram } from './lab.ts';
import { eventually } from './world.ts';

const run = promisify(execFile);

/** Folder of the lab's programs. */
const programs = process.getuid?.() === 0 && process.platform === 'linux' ? dirname(labProgram('tailscaled', 'tailnet') ?? '') : '';

/** Whether there is a tailnet lab and we may use it, which takes root: `describe.skipIf(!hasTailnet)(…)`. In CI (`CI=true`) there must be one. */
export const hasTailnet: boolean = programs !== '' && programs !== '.';
if (!hasTailnet && process.env['CI'] === 'true')
  throw new Error('no tailnet lab: it stands beside the checkout, as ../shared/lab, and wants root');

/** tailscaled takes a machine without a link that is up and leads somewhere for offline: here is one, and it ends in nothing. */
const isolated = `
  ip link set lo up
  ip link add tn0 type veth peer name tn1
  ip addr add 192.0.2.1/24 dev tn0
  ip link set tn1 up; ip link set tn0 up
  ip route add default via 192.0.2.254
  mount -t tmpfs tmpfs /run
  mkdir -p /run/tailscale
  exec "$@"`;

/** Runs a TypeScript file in a namespace of its own to its end; gives what it printed, throws with what it complained of when it fails. */
export const runIsolated = async (file: string): Promise<string> => {
  const child = spawn(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', isolated, 'isolated', process.execPath, file],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}:\n${err}\n${out}`);
  return out;
};

/** A machine of the tailnet: a userspace tailscaled. What peers send to one of its ports arrives at the same port of loopback. */
export type Machine = {
  readonly id: string;
  /** MagicDNS name, without a dot at the end. */
  readonly fqdn: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** Has another port of loopback answer what peers send to one of its own. */
  readonly serve: (port: number, by: number) => Promise<void>;
  /** As a power cut does. */
  readonly kill: () => Promise<void>;
};

export type Tailnet = {
  /** URLs of the coordination server, and of what steers it. */
  readonly control: string;
  readonly admin: string;
  /** Starts machines and waits until they have joined; `flags` are further ones of tailscaled. */
  readonly join: (name: string, ...flags: readonly string[]) => Promise<Machine>;
  readonly stop: () => Promise<void>;
};

/** A tailnet without machines; `options` are flags of the lab. To be called in what `runIsolated` runs. */
export const startTailnet = async (...options: readonly string[]): Promise<Tailnet> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-tailnet-'));
  const children: ChildProcess[] = [];
  const start = (program: string, args: readonly string[]): ChildProcess => {
    const env = { ...process.env, TS_NO_LOGS_NO_SUPPORT: 'true', TS_DISABLE_PORTMAPPER: '1' };
    const child = spawn(join(programs, program), args, { stdio: 'ignore', env });
    children.push(child);
    return child;
  };
  const file = join(dir, 'lab.json');
  start('tailnet-lab', ['-out', file, ...options]);
  const { controlURL, adminURL } = await eventually(
    async () => JSON.parse(await readFile(file, 'utf8')) as { readonly controlURL: string; readonly adminURL: string },
    () => true,
  );
  return {
    control: controlURL,
    admin: adminURL,
    join: async (name, ...flags) => {
      const state = join(dir, name);
      const socket = join(state, 'sock');
      await mkdir(state);
      const own = ['--tun=userspace-networking', '--port=0', '--no-logs-no-support', `--statedir=${state}`, `--socket=${socket}`];
      const daemon = start('tailscaled', [...own, ...flags]);
      await eventually(
        () => stat(socket),
        () => true,
      );
      const tailscale = (...args: readonly string[]) => run(join(programs, 'tailscale'), [`--socket=${socket}`, ...args]);
      await tailscale('up', `--login-server=${controlURL}`, `--hostname=${name}`, '--accept-dns=false', '--timeout=60s');
      const serve = async (port: number, by: number): Promise<void> =>
        void (await tailscale('serve', '--bg', `--tcp=${port}`, `tcp://127.0.0.1:${by}`));
      const { Self } = JSON.parse((await tailscale('status', '--json')).stdout) as {
        readonly Self: { readonly ID: string; readonly DNSName: string; readonly TailscaleIPs: readonly string[] };
      };
      const [ipv4 = '', ipv6 = ''] = Self.TailscaleIPs.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
      return { id: Self.ID, fqdn: Self.DNSName.replace(/\.$/, ''), ipv4, ipv6, serve, kill: () => end(daemon) };
    },
    stop: async () => {
      await Promise.all(children.map(end));
      await rm(dir, { recursive: true, force: true });
    },
  };
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
};
