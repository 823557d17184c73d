/** The tailnet of a lab's cluster: a coordination server, the simulator that is its API, what makes both one tailnet, and machines of people. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Tailnet as Simulated } from '../../../src/simulator/state.ts';
import { freePort } from '../../support/ports.ts';
import type { Lab } from '../../support/lab-cluster.ts';
import { eventually } from '../../support/world.ts';
import type { Move } from './bridge.ts';
import type { Answer, Ask } from './client.ts';
import { programs } from './cluster.ts';
import { admin, control, peers, shared, simulator, suffix } from './world.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const here = import.meta.dirname;

export type Tailnet = {
  /** Where services were, in order. */
  readonly moves: readonly Move[];
  /** What the simulator knows. */
  readonly known: () => Promise<Simulated>;
  readonly steer: (method: string, path: string, body: unknown) => Promise<void>;
  /** Asks from machines of the tailnet. */
  readonly ask: <Name extends string>(asks: Readonly<Record<Name, Ask>>) => Promise<Readonly<Record<Name, Answer>>>;
  /** Lets pods of another cluster into the tailnet: what they connect to is where it is for those of the first one. */
  readonly admit: (other: Lab) => Promise<void>;
  readonly stop: () => Promise<void>;
};

type Running = ChildProcessByStdio<Writable, Readable, null>;

/** A tailnet in the network of `lab`. Whoever starts it stops it, before the lab. */
export const startTailnet = async (lab: Lab): Promise<Tailnet> => {
  const running: Running[] = [];
  const keep = (child: Running): Running => {
    child.stdin.on('error', () => undefined);
    running.push(child);
    return child;
  };
  const start = (...program: readonly string[]): Running => keep(lab.spawn(program));
  const curl = (...args: readonly string[]): Promise<string> => lab.exec(['curl', '-sSf', '-m', '10', ...args]);
  const addresses = ['-control', '10.245.0.1:9080', '-admin', '10.245.0.1:9083', '-derp', '10.245.0.1:9081', '-stun', '10.245.0.1:9082'];
  start(join(programs, 'tailnet-lab'), ...addresses, '-magic-dns', suffix);
  start(process.execPath, join(root, 'src/main.ts'), 'simulate', '--address', '10.245.0.1:9090');
  await eventually(
    () => curl(`${admin}/nodes`, `${simulator}/simulator`),
    () => true,
    60_000,
  );
  // Its address is that of the first machine to join.
  await curl('-XDELETE', `${simulator}/simulator/devices/demo`);
  const moves: Move[] = [];
  const identities = Object.fromEntries(Object.entries(peers).map(([name, { identity }]) => [name, identity]));
  const bridge = start(process.execPath, join(here, 'bridge.ts'), admin, simulator, JSON.stringify(identities));
  createInterface(bridge.stdout).on('line', (line) => moves.push(JSON.parse(line) as Move));
  const folder = await mkdtemp(join(tmpdir(), 'tailplane-peers-'));
  const machines = Object.entries(peers).flatMap(([name, { proxy }]) => [name, proxy]);
  const { stdout } = start(process.execPath, join(here, 'peers.ts'), programs, control, folder, ...machines);
  await once(createInterface(stdout), 'line', { signal: AbortSignal.timeout(120_000) });
  return {
    moves,
    known: async () => {
      const { tailnets } = JSON.parse(await curl(`${simulator}/simulator`)) as { readonly tailnets: readonly [Simulated] };
      return tailnets[0];
    },
    steer: async (method, path, body) => void (await curl('-X', method, '-d', JSON.stringify(body), `${simulator}/simulator${path}`)),
    ask: async <Name extends string>(asks: Readonly<Record<Name, Ask>>) =>
      JSON.parse(await lab.exec([process.execPath, join(here, 'client.ts'), JSON.stringify(asks)])) as Record<Name, Answer>,
    admit: async (other) => {
      for (const port of shared) {
        const between = `127.0.0.1:${await freePort()}`;
        for (const [{ program, env }, args] of [
          [lab, [between, `10.245.0.1:${port}`]],
          [other, ['-R', `10.245.0.1:${port}`, between]],
        ] as const)
          keep(spawn(program, ['forward', ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] }));
      }
      await eventually(
        () => other.exec(['curl', '-sSf', '-m', '10', `${simulator}/simulator`]),
        () => true,
        60_000,
      );
    },
    stop: async () => {
      for (const child of running) child.stdin.end();
      for (const child of running.toReversed()) {
        child.kill('SIGTERM');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      }
    },
  };
};
