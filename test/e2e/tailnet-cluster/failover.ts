/**
 * Tells a simulator that a machine is offline, and asks a Gateway until somebody else answers; tells it that the machine is back, and asks until
 * that one answers; all of it five times. Arguments: the Gateway's address, the host to ask for, the machine, the simulator's URL.
 */
import { ask } from '../../support/http.ts';
import { whoAnswers } from '../traffic/clients.ts';

/** In milliseconds, until others answer: from when the simulator knew, and from when it was first asked after that. */
export type Change = { readonly sinceKnown: number; readonly sinceAsked: number };

export type Failover = {
  /** Everybody who answered, in the order of their first answers. */
  readonly answered: readonly string[];
  readonly away: readonly Change[];
  readonly back: readonly Change[];
};

const [, , address = '', host = '', machine = '', simulator = ''] = process.argv;
const answered = new Set<string>();

const steer = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const answer = await fetch(`${simulator}/simulator/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

/** Waits until those who answer are, or are no longer, the machine. */
const change = async (online: boolean): Promise<Change> => {
  await steer('DELETE', 'calls');
  await steer('PATCH', `devices/${machine}`, { online });
  const known = Date.now();
  for (;;) {
    const who = whoAnswers(await ask(80, '/', { host }, { host: address }));
    answered.add(who);
    if ((who === machine) !== online) continue;
    const now = Date.now();
    const { calls } = (await steer('GET', 'calls')) as { readonly calls: readonly { readonly path: string; readonly at: number }[] };
    const asked = calls.find(({ path, at }) => path.endsWith('/devices') && at >= known)?.at ?? now;
    return { sinceKnown: now - known, sinceAsked: now - asked };
  }
};

answered.add(whoAnswers(await ask(80, '/', { host }, { host: address })));
const away: Change[] = [];
const back: Change[] = [];
for (let times = 0; times < 5; times += 1) {
  away.push(await change(false));
  back.push(await change(true));
}
const report: Failover = { answered: [...answered], away, back };
process.stdout.write(JSON.stringify(report));
