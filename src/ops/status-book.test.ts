import { expect, it } from 'vitest';
import type { ObjectKey } from '../lib/key.ts';
import type { Condition, Status } from '../model/status.ts';
import { StatusBook } from './status-book.ts';

const key: ObjectKey = 'Gateway/web/edge';
const condition = (type: string, status: 'True' | 'False'): Condition => ({
  type,
  status,
  reason: type,
  message: '',
  observedGeneration: 1,
});
const gateway = (...[accepted, programmed, listener]: readonly ('True' | 'False')[]): Status => ({
  kind: 'Gateway',
  addresses: [],
  attachedListenerSets: 0,
  conditions: [condition('Accepted', accepted ?? 'True'), condition('Programmed', programmed ?? 'True')],
  listeners: [{ name: 'http', supportedKinds: [], attachedRoutes: 0, conditions: [condition('Accepted', listener ?? 'True')] }],
});

it('each condition has the time at which its status changed last, wherever it stands', () => {
  const book = new StatusBook();
  const times = (status: Status, time: string): readonly (readonly [string | undefined, string, string])[] => {
    book.update(new Map([[key, status]]), new Date(time));
    return book.get(key)?.conditions.map(({ about, type, lastTransitionTime }) => [about, type, lastTransitionTime] as const) ?? [];
  };
  const [one, two, three] = ['2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z'] as const;
  times(gateway('True', 'False', 'False'), one);
  times(gateway('True', 'True', 'False'), two);
  expect(times(gateway('True', 'True', 'True'), three)).toEqual([
    [undefined, 'Accepted', one],
    [undefined, 'Programmed', two],
    ['listener http', 'Accepted', three],
  ]);
  expect(book.get(key)?.status['listeners']).toMatchObject([{ conditions: [{ lastTransitionTime: three }] }]);
});
