import type { HttpAnswer, NoAnswer } from './exchange.ts';
import type { ClientLimits } from './limits.ts';

/** `always`: done twice is as good as once. `if-undone`: only when the API has certainly not done it. */
export type Repeat = 'always' | 'if-undone';

const passing: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** Whether to make the call once more: what failed may pass, and repeating it cannot do harm. An answer too large will be so again. */
export const mayRepeat = (outcome: HttpAnswer | NoAnswer, repeat: Repeat): boolean => {
  // Whoever is told that there are too many calls was not served.
  if ('status' in outcome) return outcome.status === 429 || (repeat === 'always' && passing.has(outcome.status));
  return outcome.isUnsent || (repeat === 'always' && outcome.code !== 'TooLarge');
};

/** Milliseconds to wait after the `tries`-th try: doubling, less up to a half by chance so that many do not come back at once. */
export const backoffMs = (tries: number, { firstBackoffMs, longestBackoffMs }: ClientLimits, random: number): number =>
  Math.min(firstBackoffMs * 2 ** Math.min(tries - 1, 30), longestBackoffMs) * (1 - random / 2);

/** Milliseconds that `Retry-After` asks for, in seconds or as an HTTP date (RFC 9110, 10.2.3); undefined when it says neither. */
export const retryAfterMs = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  // Date.parse takes much for a date, `-5` and `1.5` too.
  const date = /[a-z]/i.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};
