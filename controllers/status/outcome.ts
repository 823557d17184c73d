import { ApiError, UnreachableError } from '../../src/kubernetes/api-error.ts';

/** What became of a write that did not succeed. */
export type Failure =
  /** The object is not there any more. */
  | 'gone'
  /** It is not the version that was compared. */
  | 'conflict'
  /** We may not write such objects. */
  | 'forbidden'
  /** The installed CRD does not know a field, which server-side apply takes for a mistake. */
  | 'unknown-field'
  /** Nobody may write this. */
  | 'refused'
  /** No write would fare better now. */
  | 'overwhelmed'
  /** This one may fare better later. */
  | 'failed';

/** Errors of our own count as failures of that write: one object whose answer cannot be understood must not hold up the others. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof UnreachableError) return 'overwhelmed';
  if (!(error instanceof ApiError)) return 'failed';
  switch (error.code) {
    case 404:
      return 'gone';
    case 409:
      return 'conflict';
    case 403:
      return 'forbidden';
    case 401:
    case 429:
    case 503:
      return 'overwhelmed';
    default:
      // No code or reason of its own: API servers up to at least 1.36 answer 500 with these words.
      if (error.message.includes('field not declared in schema')) return 'unknown-field';
      return error.code >= 500 ? 'failed' : 'refused';
  }
};
