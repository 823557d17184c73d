/** Runs one Envoy as a child process, for `npm start` and the tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type EnvoyOptions = {
  readonly binary: string;
  /** YAML or JSON. Its admin port may be 0: the one that was bound is in `adminUrl`. */
  readonly bootstrap: string;
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warning' | 'error';
  /** Further command-line arguments. */
  readonly args?: readonly string[];
};

export type RunningEnvoy = {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly adminUrl: string;
  /** Everything it has logged so far. */
  readonly log: () => string;
  /** Settles with its exit code, or the signal's name, when it is gone. */
  readonly exited: Promise<number | string>;
  /** Ends it and waits until it is gone; SIGTERM unless told, SIGKILL if that does not do. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
  /** Body of an admin endpoint. */
  readonly admin: (path: string) => Promise<string>;
  /** Resolves when it has its listeners and is LIVE; throws with its log when it exits or takes longer than `timeoutMs`. */
  readonly live: (timeoutMs?: number) => Promise<void>;
};

/** An Envoy whose admin port answers. Throws with its log when it does not come up. Stopping it leaves nothing behind. */
export const startEnvoyProcess = async ({ binary, bootstrap, logLevel = 'warning', args = [] }: EnvoyOptions): Promise<RunningEnvoy> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-envoy-'));
  const configFile = join(dir, 'bootstrap.yaml');
  const adminFile = join(dir, 'admin');
  await writeFile(configFile, bootstrap, { mode: 0o600 });
  // Hot restart is off: without it Envoys need no shared-memory ids of their own.
  const fixed = ['-c', configFile, '--admin-address-path', adminFile, '--disable-hot-restart', '--concurrency', '1', '-l', logLevel];
  const child = spawn(binary, [...fixed, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let logged = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (logged += text));
  let gone = false;
  const exited = (async () => {
    const [code, signal] = (await once(child, 'exit').catch((error: unknown) => [String(error), null])) as [number | string, string | null];
    gone = true;
    await rm(dir, { recursive: true, force: true });
    return signal ?? code;
  })();

  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (gone) return;
    child.kill(signal);
    const stuck = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(stuck);
  };
  const until = async <T>(what: string, timeoutMs: number, probe: () => Promise<T | undefined>): Promise<T> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await probe().catch(() => undefined);
      if (found !== undefined) return found;
      if (gone || Date.now() > deadline) {
        await stop();
        throw new Error(`Envoy ${gone ? 'exited' : 'took too long'} before ${what}:\n${logged}`);
      }
      await sleep(25);
    }
  };

  const address = await until('its admin port was up', 20_000, async () => (await readFile(adminFile, 'utf8')).trim() || undefined);
  const adminUrl = `http://${address}`;
  const admin = async (path: string): Promise<string> => (await fetch(`${adminUrl}${path}`)).text();
  const live = async (timeoutMs = 20_000): Promise<void> => {
    await until('it was live', timeoutMs, async () => ((await admin('/ready')).trim() === 'LIVE' ? true : undefined));
  };
  return { pid: child.pid ?? 0, adminUrl, log: () => logged, exited, stop, admin, live };
};

/** What Envoy says against a bootstrap (`--mode validate`); undefined when it accepts it. */
export const envoyRejects = async (binary: string, bootstrap: string): Promise<string | undefined> => {
  const dir = await mkdtemp(join(tmpdir(), 'tailplane-validate-'));
  try {
    const configFile = join(dir, 'bootstrap.yaml');
    await writeFile(configFile, bootstrap, { mode: 0o600 });
    const child = spawn(binary, ['--mode', 'validate', '-c', configFile, '-l', 'warning'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : said;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
