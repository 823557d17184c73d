import { expect, it } from 'vitest';
import { healthOf, readiness, type Vitals } from './health.ts';

const source = { name: 'files', synced: true, lastRead: 0 };
const well: Vitals = { published: true, stopping: false, sources: [source], buildFailed: false, rejected: 0 };

it('is ready from the first update until the stop, whatever breaks in between', () => {
  expect(readiness(well)).toMatchObject({ status: 'ok', reasons: [] });
  expect(readiness({ ...well, sources: [{ ...source, error: 'gone' }], buildFailed: true, rejected: 3 }).status).toBe('ok');
  expect(readiness({ ...well, stopping: true })).toMatchObject({ status: 'unready', reasons: ['stopping'] });
});

it('names the source that readiness waits for', () => {
  const waiting = { ...well, published: false };
  expect(readiness({ ...waiting, sources: [{ ...source, synced: false, error: 'EACCES' }] }).reasons).toEqual([
    'files has not synced: EACCES',
  ]);
  expect(readiness(waiting).reasons).toEqual(['nothing has been published yet']);
});

it('is degraded, with every reason, when somebody should look', () => {
  expect(healthOf(well)).toMatchObject({ status: 'ok', reasons: [] });
  expect(healthOf({ ...well, sources: [{ ...source, error: 'gone' }], buildFailed: true, rejected: 3 })).toMatchObject({
    status: 'degraded',
    reasons: [
      'files: gone; its last good state stands',
      'the last change could not be built: see the log; what was published before stands',
      'Envoys reject 3 resources: see status',
    ],
  });
});
