import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it('runs tasks in order, so many in one turn, and leaves room between', async () => {
  const turns = new Turns(2);
  const done: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) turns.add(() => done.push(name));
  expect(done).toEqual([]);
  await nextTurn();
  expect(done).toEqual(['a', 'b']);
  turns.add(() => done.push('f'));
  for (let turn = 0; turn < 4; turn++) await nextTurn();
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

it('runs what a task adds, in a later turn', async () => {
  const turns = new Turns(2);
  const done: string[] = [];
  turns.add(() => turns.add(() => done.push('inner')));
  await nextTurn();
  await nextTurn();
  expect(done).toEqual(['inner']);
});
