import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoAnswer } from './exchange.ts';
import { usualLimits } from './limits.ts';
import { backoffMs, mayRepeat, retryAfterMs } from './retry.ts';

const now = Date.UTC(2026, 0, 1);

describe('retryAfterMs', () => {
  it.each([
    ['0', 0],
    [' 120 ', 120_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ])('reads %j', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });

  it.each([undefined, '', '-5', '1.5', 'soon', '2026'])('does without %j, or reads it as what it says', (header) => {
    expect(retryAfterMs(header, now)).toBe(header === '2026' ? 2_026_000 : undefined);
  });

  it('is a number of milliseconds from now, or nothing, whatever it reads', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const ms = retryAfterMs(header, now);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
  });
});

describe('mayRepeat', () => {
  it('lets a call that must not be done twice be repeated only when nobody can have done it', () => {
    const outcomes = [
      ...[400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504].map((status) => ({ status, text: '' })),
      ...['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_SOCKET', 'ECONNRESET', 'TimeoutError', 'TooLarge', 'unknown'].map(
        (code) => new NoAnswer(code),
      ),
    ];
    const named = (repeat: 'always' | 'if-undone') =>
      outcomes.filter((each) => mayRepeat(each, repeat)).map((each) => ('status' in each ? each.status : each.code));
    expect(named('if-undone')).toEqual([429, 'ECONNREFUSED', 'ENOTFOUND']);
    const passing = ['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_SOCKET', 'ECONNRESET', 'TimeoutError', 'unknown'];
    expect(named('always')).toEqual([429, 500, 502, 503, 504, ...passing]);
  });
});

describe('backoffMs', () => {
  it('doubles up to its limit, less up to a half by chance', () => {
    expect([1, 2, 3, 10, 10_000].map((tries) => backoffMs(tries, usualLimits, 0))).toEqual([500, 1000, 2000, 10_000, 10_000]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (tries, chance) => {
        const longest = backoffMs(tries, usualLimits, 0);
        const ms = backoffMs(tries, usualLimits, chance);
        expect(ms <= longest && ms >= longest / 2).toBe(true);
      }),
    );
  });
});
