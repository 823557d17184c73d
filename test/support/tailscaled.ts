/** The tailscaleds that run on this machine, in whatever container, asked over their own sockets. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What a daemon says of itself. */
export type Daemon = {
  /** The public key that its coordination server knows it by, `nodekey:…`: no other machine of any tailnet has it. */
  readonly nodeKey: string;
  /** Services that it offers to host, `svc:web`. */
  readonly advertised: readonly string[];
};

/** Every daemon that answers and is logged in. One that is dead, stopped or starting is not among them. */
export const daemons = async (): Promise<readonly Daemon[]> => {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  return (await Promise.all(pids.map((pid) => daemonOf(pid).catch(() => undefined)))).filter((daemon) => daemon !== undefined);
};

/** Path, from outside of its container, of the socket of the tailscaled with that process id; undefined when it is none. */
const socketOf = async (pid: number): Promise<string | undefined> => {
  const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  if (!/(^|\/)tailscaled$/.test(program)) return undefined;
  const path = args.find((arg) => arg.startsWith('--socket='))?.slice('--socket='.length);
  return path === undefined ? undefined : join(`/proc/${pid}/root`, path);
};

const daemonOf = async (pid: number): Promise<Daemon | undefined> => {
  const socket = await socketOf(pid);
  if (socket === undefined) return undefined;
  await stat(socket);
  const [{ Self }, { AdvertiseServices }] = await Promise.all([
    ask<{ readonly Self?: { readonly PublicKey?: string } }>(socket, '/localapi/v0/status?peers=false'),
    ask<{ readonly AdvertiseServices?: readonly string[] | null }>(socket, '/localapi/v0/prefs'),
  ]);
  const nodeKey = Self?.PublicKey ?? '';
  return nodeKey === '' ? undefined : { nodeKey, advertised: AdvertiseServices ?? [] };
};

const ask = <T>(socketPath: string, path: string): Promise<T> =>
  new Promise((resolve, reject) => {
    const headers = { host: 'local-tailscaled.sock' };
    request({ socketPath, path, headers, agent: false, signal: AbortSignal.timeout(3000) }, (response) => {
      text(response)
        .then((body) => resolve(JSON.parse(body) as T))
        .catch(reject);
    })
      .on('error', reject)
      .end();
  });
