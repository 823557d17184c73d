/** The part of the API server's `Status` answer that callers decide by (apimachinery `metav1.Status`). */
export type StatusAnswer = {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  };
};

/** The API server answered a request with an error. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; of an `ERROR` event on a watch, its code. */
  readonly code: number;
  /** Kubernetes' own word: `NotFound`, `Conflict`, `Forbidden`, `Expired` …; empty where it gave none. */
  readonly reason: string;
  readonly answer: StatusAnswer;

  constructor(doing: string, code: number, answer: StatusAnswer) {
    super(`${doing}: ${answer.message ?? `answered ${code}`}`);
    this.code = code;
    this.reason = answer.reason ?? '';
    this.answer = answer;
  }

  /** Whether the same request may do better later: 429, 5xx, and conflicts after another look. 4xx otherwise need a change first. */
  get retryable(): boolean {
    return this.code === 409 || this.code === 429 || this.code >= 500;
  }
}

/** The API server gave no answer: not there, its certificate refused, broken off, or too slow. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** As Node and undici name it: `ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT`, `TimeoutError` … */
  readonly code: string;

  constructor(doing: string, cause: unknown) {
    const code = codeOf(cause);
    super(`${doing}: no answer (${code})`, { cause });
    this.code = code;
  }
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === 'string') return code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
};
