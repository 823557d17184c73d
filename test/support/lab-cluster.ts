/** The lab's cluster: a real Kubernetes whose pods are processes in network namespaces of their own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { labProgram } from './lab.ts';

const program = process.getuid?.() === 0 ? labProgram('lab', 'cluster') : undefined;

/** Whether there is a lab and we may use it, which takes root: `describe.skipIf(!hasLab)(…)`. In CI (`CI=true`) there must be one: then it throws. */
export const hasLab: boolean = program !== undefined;
if (!hasLab && process.env['CI'] === 'true') throw new Error('no lab: it stands beside the checkout, as ../shared/lab, and wants root');

export type Lab = {
  readonly name: string;
  readonly kubeconfig: string;
  /** To run the lab's own command with. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command of the lab, its output on standard error; throws when it fails. */
  readonly run: (args: readonly string[], input?: string) => Promise<void>;
  /** Runs a program inside the lab's network; gives what it printed, throws when it fails. */
  readonly exec: (program: readonly string[]) => Promise<string>;
  /** Starts a program inside the lab's network. */
  readonly spawn: (program: readonly string[]) => ChildProcessByStdio<Writable, Readable, null>;
  /** Takes the lab down, with all that runs inside. */
  readonly down: () => Promise<void>;
};

export type LabOptions = {
  readonly name: string;
  readonly port: number;
  readonly images: readonly string[];
  /** What the image files refer to. */
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds that pods have for their end, where they ask for more; few unless told otherwise. */
  readonly graceSeconds?: number;
};

/** A lab of its own, up; whoever starts it takes it down. */
export const startLab = async ({ name, port, images, environment, graceSeconds = 3 }: LabOptions): Promise<Lab> => {
  if (program === undefined) throw new Error('no lab: it stands beside the checkout, as ../shared/lab, and wants root');
  const scratch = await mkdtemp(join(tmpdir(), `tailplane-${name}-`));
  const env = { ...process.env, ...environment, LAB_NAME: name, LAB_PORT: String(port), LAB_STATE: scratch };
  const call = async (args: readonly string[], input = ''): Promise<string> => {
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined).end(input);
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
    if (code !== 0) throw new Error(`lab ${args.slice(0, 3).join(' ')} ended with ${code}: ${out.slice(-2000)}`);
    return out;
  };
  const run = async (args: readonly string[], input?: string): Promise<void> => void process.stderr.write(await call(args, input));
  const down = async (): Promise<void> => {
    await call(['down']);
    await rm(scratch, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void down().finally(() => process.exit(1)));
  try {
    await run(['up', '--images', images.join(','), '--grace-cap', `${graceSeconds}s`]);
  } catch (error) {
    await down();
    throw error;
  }
  return {
    name,
    program,
    env,
    kubeconfig: join(scratch, name, 'kubeconfig'),
    run,
    exec: (args) => call(['exec', ...args]),
    spawn: (args) => spawn(program, ['exec', ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] }),
    down,
  };
};
