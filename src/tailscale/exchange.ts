import { type Dispatcher, fetch, type Response } from 'undici';

export type HttpRequest = {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether anybody reads a successful answer. If not, its status alone counts, though the rest of it never comes. */
  readonly reads: boolean;
};

export type HttpAnswer = {
  readonly status: number;
  /** The header `Retry-After` as it came. */
  readonly retryAfter?: string;
  readonly text: string;
};

export type ExchangeLimits = {
  readonly dispatcher: Dispatcher;
  readonly timeoutMs: number;
  readonly answerBytes: number;
  readonly closed: AbortSignal;
};

/** There was no answer, or not all of it. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** As Node and undici name it (`ECONNREFUSED`, `UND_ERR_SOCKET`), `TimeoutError`, or `TooLarge`. Their texts are not used: they may quote headers. */
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }

  /** Whether the request cannot have reached anybody, so that it was not obeyed either. */
  get isUnsent(): boolean {
    return unsent.has(this.code);
  }
}

const unsent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What explains an error fits. */
const explanationBytes = 64 * 1024;

/**
 * One request and its answer, whatever its status; throws NoAnswer. Of an error the status is what counts: its text is empty when it does not
 * come whole, or is too long. Redirects are answers too: followed, they would take our credentials elsewhere.
 */
export const exchange = async (request: HttpRequest, limits: ExchangeLimits): Promise<HttpAnswer> => {
  const { url, method, headers, body, reads } = request;
  const signal = AbortSignal.any([AbortSignal.timeout(limits.timeoutMs), limits.closed]);
  try {
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      dispatcher: limits.dispatcher,
      signal,
    });
    const retryAfter = response.headers.get('retry-after');
    const matters = response.ok && reads;
    const text = matters ? await textOf(response, limits.answerBytes) : await textOf(response, explanationBytes).catch(() => '');
    return { status: response.status, text, ...(retryAfter !== null && { retryAfter }) };
  } catch (error) {
    throw error instanceof NoAnswer ? error : new NoAnswer(codeOf(error));
  }
};

const textOf = async ({ body }: Response, limitBytes: number): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw new NoAnswer('TooLarge');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === 'string') return code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
};
