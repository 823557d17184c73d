import { afterEach, expect, it, vi } from 'vitest';
import { hours } from './hours.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('tells the hour at once, and the next one when it came', () => {
  vi.useFakeTimers({ now: Date.parse('2026-03-10T12:34:56Z') });
  const told: string[] = [];
  const subscription = hours(Date.now).subscribe((hour) => told.push(new Date(hour).toISOString()));
  vi.advanceTimersByTime(25 * 60_000);
  expect(told).toEqual(['2026-03-10T12:00:00.000Z']);
  vi.advanceTimersByTime(2 * 60_000);
  subscription.unsubscribe();
  expect(told).toEqual(['2026-03-10T12:00:00.000Z', '2026-03-10T13:00:00.000Z']);
});
