import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export type Finished = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs a TypeScript file of this project (path from its root) to its end. */
export const runScript = async (file: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Finished> =>
  startScript(file, args, environment).finished;

export type Started = {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when what it has written holds `text`; throws with all it wrote when it ends before. */
  readonly says: (text: string | RegExp) => Promise<void>;
  /** Sends a signal and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Finished>;
};

/** Starts a TypeScript file of this project. Whoever starts it stops it. */
export const startScript = (file: string, args: readonly string[], environment: Record<string, string> = {}): Started => {
  const child = spawn(process.execPath, [join(root, file), ...args], { cwd: root, env: { ...process.env, ...environment } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const finished = (async (): Promise<Finished> => {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  })();
  const says = async (text: string | RegExp): Promise<void> => {
    const said = (): boolean => (typeof text === 'string' ? (out + err).includes(text) : text.test(out + err));
    while (!said()) {
      const more = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), finished]);
      if (!Array.isArray(more) && !said()) throw new Error(`ended without saying ${String(text)}:\n${out}${err}`);
    }
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> => {
    child.kill(signal);
    return finished;
  };
  return { child, finished, says, stop };
};
