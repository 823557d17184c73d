import { ApiError } from '../../src/kubernetes/api-error.ts';

export type Backoff = { readonly minMs: number; readonly maxMs: number };

/** Milliseconds to wait after the `failures`th failure in a row, at least as many as the API server asked for. `random` is in [0, 1). */
export const waitAfter = (failures: number, error: unknown, { minMs, maxMs }: Backoff, random: number): number => {
  const grown = Math.min(maxMs, minMs * 2 ** (failures - 1));
  return Math.max(askedMs(error), grown * (0.5 + random / 2));
};

/** A server that is being overrun says when it wants to see us again. */
const askedMs = (error: unknown): number => (error instanceof ApiError ? (error.answer.details?.retryAfterSeconds ?? 0) * 1000 : 0);
