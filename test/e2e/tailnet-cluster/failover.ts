/**
 * Tells a simulator that a machine is offline, and asks a Gateway until somebody else answers; tells it that the machine is back, and asks until
 * that one answers; all of it five times. Arguments: the Gateway's address, the host to ask for, the machine, the simulator's URL.
 */
import { ask } from '../../support/http.ts';
import { whoAnswers } from '../traffic/clients.ts';

export type Failover = {
  /** Everybody who answered, in the order of their first answers. */
  readonly answered: readonly string[];
  /** From when the simulator knew. */
  readonly awayMs: readonly number[];
  readonly backMs: readonly number[];
};

const [, , address = '', host = '', machine = '', simulator = ''] = process.argv;
const answered = new Set<string>();

/** Milliseconds until those who answer are, or are no longer, the machine. */
const after = async (online: boolean): Promise<number> => {
  const told = await fetch(`${simulator}/simulator/devices/${machine}`, { method: 'PATCH', body: JSON.stringify({ online }) });
  if (!told.ok) throw new Error(await told.text());
  const since = performance.now();
  for (;;) {
    const who = whoAnswers(await ask(80, '/', { host }, { host: address }));
    answered.add(who);
    if ((who === machine) === online) return Math.round(performance.now() - since);
  }
};

answered.add(whoAnswers(await ask(80, '/', { host }, { host: address })));
const awayMs: number[] = [];
const backMs: number[] = [];
for (let times = 0; times < 5; times += 1) {
  awayMs.push(await after(false));
  backMs.push(await after(true));
}
const report: Failover = { answered: [...answered], awayMs, backMs };
process.stdout.write(JSON.stringify(report));
