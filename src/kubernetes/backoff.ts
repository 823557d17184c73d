import { ApiError } from './api-error.ts';

export type Backoff = { readonly minMs: number; readonly maxMs: number };

/** For what reads from the API server. */
export const readingBackoff: Backoff = { minMs: 250, maxMs: 10_000 };

/**
 * Milliseconds to wait after the `failures`-th failure in a row: doubling from `minMs` to `maxMs`, less up to a half by chance so that many do
 * not come back at once, and never less than the API server asks for. `random` is in [0, 1).
 */
export const waitAfter = (failures: number, error: unknown, { minMs, maxMs }: Backoff, random: number): number =>
  Math.max(askedMs(error), Math.min(minMs * 2 ** Math.min(failures - 1, 30), maxMs) * (1 - random / 2));

/** A server that is being overrun says when it wants to see us again. */
const askedMs = (error: unknown): number => (error instanceof ApiError ? (error.answer.details?.retryAfterSeconds ?? 0) * 1000 : 0);
