/** What the lab's processes need of memory and CPU, as /proc tells. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

export type Usage = {
  readonly rssMb: { readonly first: number; readonly last: number; readonly max: number };
  /** CPU seconds since the first look. */
  readonly cpu: number;
  readonly processes: number;
};

export type Sampler = {
  /** By program, all processes of the same together; stops looking. */
  readonly stop: () => ReadonlyMap<string, Usage>;
};

type Process = { readonly program: string; readonly rssMb: number; readonly cpu: number };
type Account = {
  firstMb: number;
  lastMb: number;
  maxMb: number;
  processes: number;
  readonly cpu: Map<number, [first: number, last: number]>;
};

const ticksPerSecond = 100;
const networks = '/run/netns';

/** Looks every second at whatever runs in the networks of a lab and its pods. */
export const sampleLab = (lab: string): Sampler => {
  const accounts = new Map<string, Account>();
  const look = (): void => {
    const sums = new Map<string, { mb: number; count: number }>();
    for (const [pid, { program, rssMb, cpu }] of processesOf(lab)) {
      const sum = sums.get(program) ?? { mb: 0, count: 0 };
      sums.set(program, { mb: sum.mb + rssMb, count: sum.count + 1 });
      const account = accounts.get(program) ?? { firstMb: Number.NaN, lastMb: 0, maxMb: 0, processes: 0, cpu: new Map() };
      accounts.set(program, account);
      account.cpu.set(pid, [account.cpu.get(pid)?.[0] ?? cpu, cpu]);
    }
    for (const [program, account] of accounts) {
      const { mb, count } = sums.get(program) ?? { mb: 0, count: 0 };
      if (Number.isNaN(account.firstMb)) account.firstMb = mb;
      account.lastMb = mb;
      account.maxMb = Math.max(account.maxMb, mb);
      account.processes = Math.max(account.processes, count);
    }
  };
  look();
  const timer = setInterval(look, 1000);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return new Map([...accounts].map(([program, account]) => [program, usageOf(account)]));
    },
  };
};

const usageOf = ({ firstMb, lastMb, maxMb, processes, cpu }: Account): Usage => ({
  rssMb: { first: firstMb, last: lastMb, max: maxMb },
  cpu: [...cpu.values()].reduce((sum, [first, last]) => sum + last - first, 0),
  processes,
});

const processesOf = (lab: string): ReadonlyMap<number, Process> => {
  const inodes = new Set(
    readdirSync(networks)
      .filter((name) => name === lab || name.startsWith(`${lab}-p-`))
      .map((name) => inodeOf(`${networks}/${name}`)),
  );
  const found = new Map<number, Process>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const process = processOf(pid, inodes);
    if (process !== undefined) found.set(pid, process);
  }
  return found;
};

const inodeOf = (path: string): number => statSync(path).ino;

/** Undefined for a process of another network, and for one that has just ended. */
const processOf = (pid: number, inodes: ReadonlySet<number>): Process | undefined => {
  try {
    if (!inodes.has(inodeOf(`/proc/${pid}/ns/net`))) return undefined;
    const program = programOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'));
    if (program === undefined) return undefined;
    const [, rss = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    // Fields are counted after the command, which may itself hold blanks: proc(5), utime and stime.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { program, rssMb: Number(rss) / 1024, cpu: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return undefined;
  }
};

/** What a person would call it: `labkube etcd` is etcd, `node …/src/main.ts` main.ts. */
const programOf = ([path = '', ...args]: readonly string[]): string | undefined => {
  const name = basename(path);
  if (name === '') return undefined;
  if (name === 'labkube') return args[0] ?? name;
  if (name === 'node') return basename(args.find((arg) => /\.[jt]s$/.test(arg)) ?? name);
  return name;
};
