/** A proxy as its pod runs it, without a cluster: the real containerboot with real files, which are replaced as kubelet replaces them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { labProgram } from './lab.ts';

export type ProxyFiles = {
  /** What tailscaled starts from, `cap-106.hujson`. */
  readonly config: string;
  /** `serve-config.json`. */
  readonly serve: string;
};

export type ProxyMachine = {
  /** Replaces files that differ. Throws, and leaves them, when Tailscale's own parser has anything against them. */
  readonly write: (files: ProxyFiles) => Promise<void>;
  /** As a pod is ended: it withdraws its services, and goes on for a while. */
  readonly stop: () => Promise<void>;
  /** As a power cut does. */
  readonly kill: () => Promise<void>;
};

/** Of its own: processes, so that none outlives it, and /run, where containerboot puts a link. */
const contained = 'mount -t tmpfs tmpfs /run && mkdir -p /run/tailscale && exec containerboot';

/** Starts with `files`; it is not waited for. Whoever starts it stops or kills it. To be called in what `runIsolated` runs. */
export const startProxyMachine = async (files: ProxyFiles): Promise<ProxyMachine> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-proxy-'));
  const folders = { config: join(dir, 'config'), serve: join(dir, 'serve') };
  for (const folder of [folders.config, folders.serve, join(dir, 'state')]) await mkdir(folder);
  const written = new Map<string, string>();
  const write = async (next: ProxyFiles): Promise<void> => {
    await mustBeGood(next, dir);
    // What is offered must be served first; what is no longer offered is served until nobody comes.
    for (const name of ['serve', 'config'] as const) {
      if (next[name] === written.get(name)) continue;
      await swap(folders[name], fileNames[name], next[name]);
      written.set(name, next[name]);
    }
  };
  await write(files);
  const env = {
    ...process.env,
    PATH: `${programs()}:${process.env['PATH'] ?? ''}`,
    TS_NO_LOGS_NO_SUPPORT: 'true',
    TS_DISABLE_PORTMAPPER: '1',
    TS_USERSPACE: 'true',
    TS_SOCKET: join(dir, 'sock'),
    TS_STATE_DIR: join(dir, 'state'),
    TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT: 'false',
    TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR: folders.config,
    TS_SERVE_CONFIG: join(folders.serve, fileNames.serve),
  };
  const child = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', contained], {
    env,
    stdio: 'ignore',
  });
  const gone = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(dir, { recursive: true, force: true });
  };
  return {
    write,
    kill: async () => {
      child.kill('SIGKILL');
      await gone();
    },
    stop: async () => {
      await terminateInside(child);
      await gone();
    },
  };
};

const fileNames = { config: 'cap-106.hujson', serve: 'serve-config.json' } as const;

const programs = (): string => join(labProgram('containerboot', 'tailnet') ?? '', '..');

/** unshare passes no signals on. */
const terminateInside = async ({ pid = 0 }: ChildProcess): Promise<void> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const inner of children.split(' ').filter((text) => text !== '')) process.kill(Number(inner), 'SIGTERM');
};

const mustBeGood = async (files: ProxyFiles, dir: string): Promise<void> => {
  for (const [name, kind] of [
    ['config', 'tailscaled'],
    ['serve', 'serve'],
  ] as const) {
    const path = join(dir, `new-${fileNames[name]}`);
    await writeFile(path, files[name]);
    await promisify(execFile)(join(programs(), 'conf-check'), ['-strict', kind, path]);
  }
};

let versions = 0;

/** Puts a new version of a folder's only file there by one rename. */
const swap = async (folder: string, name: string, content: string): Promise<void> => {
  const version = `..${(versions += 1)}`;
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, name), content);
  await symlink(version, join(folder, '..new'));
  await rename(join(folder, '..new'), join(folder, '..data'));
  await symlink(`..data/${name}`, join(folder, name)).catch(() => undefined);
};
