import { TestScheduler } from 'rxjs/testing';
import { expect, it } from 'vitest';
import type { Provisioned } from '../../../controllers/gateway/observe.ts';
import { managedResources } from '../../../controllers/runtime/kinds.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import { tellReadingFailures } from './reading-failures.ts';

const states: Readonly<Record<string, Provisioned>> = {
  ok: { objects: [], failures: [] },
  away: failing('unreachable', 'the API server does not answer (ECONNREFUSED)'),
  forbidden: failing('forbidden', 'forbidden: you may not'),
};

function failing(cause: Failure['cause'], message: string): Provisioned {
  return { objects: [], failures: [{ resource: managedResources.Secret, failure: { cause, message } }] };
}

/** What is said of states, each lasting as many seconds. */
const saidOf = (...lasting: readonly (readonly [string, number])[]): readonly string[] => {
  const said: string[] = [];
  const log = { error: (text: string) => void said.push(`error ${text}`), info: (text: string) => void said.push(`info ${text}`) };
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable, flush }) => {
    const keys = Object.fromEntries(Object.entries(states).map(([name, state]) => [name[0] ?? '', state]));
    const marbles = `${lasting.map(([name, seconds]) => `${name[0]} ${seconds * 1000 - 1}ms `).join('')}|`;
    expectObservable(cold(marbles, keys).pipe(tellReadingFailures(log as never))).toBe(marbles, keys);
    flush();
  });
  return said;
};

it('says nothing of a server that is away, which the source says, nor of what it forbids while it starts', () => {
  expect(saidOf(['ok', 1], ['away', 60], ['forbidden', 9], ['ok', 60])).toEqual([]);
});

it('says once what stays forbidden, and when it no longer is', () => {
  expect(saidOf(['forbidden', 60], ['forbidden', 60], ['ok', 1])).toEqual([
    'error what is on the cluster for Gateways cannot be read: secrets: forbidden: you may not',
    'info what is on the cluster for Gateways can be read again',
  ]);
});
