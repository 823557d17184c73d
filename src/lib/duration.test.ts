import fc from 'fast-check';
import { expect, it } from 'vitest';
import { millisecondsOf } from './duration.ts';

it.each([
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1m1ms', 60_001],
  ['0s', 0],
])('%s is %i ms', (duration, ms) => {
  expect(millisecondsOf(duration)).toBe(ms);
});

it('parts add up', () => {
  const part = fc.tuple(fc.nat(99_999), fc.constantFrom('h', 'm', 's', 'ms')).map(([count, unit]) => `${count}${unit}`);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      expect(millisecondsOf(parts.join(''))).toBe(parts.reduce((sum, each) => sum + millisecondsOf(each), 0));
    }),
  );
});
