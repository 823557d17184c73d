import { expect, it } from 'vitest';
import type { Failure } from './failure.ts';
import type { ListWatchEvent } from './list-watch.ts';
import { healthAfter, unread } from './reading-health.ts';

const after = (...events: readonly ListWatchEvent<unknown>[]) => events.reduce((health, event) => healthAfter(health, event, 7), unread);
const listed: ListWatchEvent<unknown> = { type: 'listed', objects: new Map() };
const failed = (at: 'list' | 'watch', cause: Failure['cause']): ListWatchEvent<unknown> => ({
  type: 'failed',
  at,
  failure: { cause, message: cause },
});

it('a list ends the failure of lists', () => {
  expect(after(listed, failed('list', 'answered')).failure).toMatchObject({ cause: 'answered' });
  expect(after(listed, failed('list', 'answered'), listed)).toEqual({ synced: true, lastRead: 7, catchingUp: false });
});

it('only the word of a watch ends the failure of watches', () => {
  expect(after(listed, failed('watch', 'forbidden'), listed).failure).toMatchObject({ cause: 'forbidden' });
  expect(after(listed, failed('watch', 'forbidden'), listed, { type: 'heard' }).failure).toBeUndefined();
});

it('what broke catches up until its next list, or until it turns out to be forbidden', () => {
  expect(after(listed, { type: 'broke' }, failed('list', 'unreachable')).catchingUp).toBe(true);
  expect(after(listed, { type: 'broke' }, failed('list', 'unreachable'), listed).catchingUp).toBe(false);
  expect(after(listed, { type: 'broke' }, failed('list', 'forbidden')).catchingUp).toBe(false);
  expect(after(failed('list', 'unreachable')).catchingUp).toBe(false);
});
