import { ApiError } from './api-error.ts';

const firstMs = 250;
const mostMs = 10_000;

/**
 * Milliseconds to wait after the `failures`-th failure in a row: doubling from 250 ms to 10 s, less up to a half by chance so that many
 * do not come back at once, and never less than the server asks for.
 */
export const backoffMs = (failures: number, error: unknown, random: number): number =>
  Math.max(retryAfterMs(error), Math.min(firstMs * 2 ** Math.min(failures - 1, 10), mostMs) * (1 - random / 2));

const retryAfterMs = (error: unknown): number => (error instanceof ApiError ? (error.answer.details?.retryAfterSeconds ?? 0) * 1000 : 0);
