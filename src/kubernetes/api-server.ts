/** How we talk to an API server, once it is known who it is and who we are. */
import { type Dispatcher, fetch, type Response } from 'undici';
import { ApiError, type StatusAnswer, UnreachableError } from './api-error.ts';

export type ApiRequest = {
  /** `GET` unless said otherwise. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `pathOf`. */
  readonly path: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** `application/json` unless said otherwise; a PATCH must say. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Until the answer is whole; 30 s unless said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** A connection to an API server. Both calls throw ApiError when it answers with an error, UnreachableError when it does not answer. */
export interface ApiServer {
  readonly url: string;
  /** The parsed JSON answer. */
  readonly request: (request: ApiRequest) => Promise<unknown>;
  /**
   * Hands each line of an endless answer to `line`, parsed; resolves when the server ends it. Breaks it off, with an UnreachableError, when
   * nothing comes for `silenceMs`. What `line` throws ends the stream and is thrown. `opened` is told when the server begins to answer.
   */
  readonly stream: (
    request: Omit<ApiRequest, 'timeoutMs'> & { readonly silenceMs: number; readonly opened?: () => void },
    line: (value: unknown) => void,
  ) => Promise<void>;
}

/** Who an API server is, and who we are to it. */
export type Identity = {
  /** `https://host:port`. */
  readonly server: string;
  /** What a request carries. Asked for each, as tokens are replaced; `dispatcher` now and then, as certificates are. */
  readonly identify: (url: string, method: NonNullable<ApiRequest['method']>) => Promise<Identification>;
};

export type Identification = { readonly headers: Readonly<Record<string, string>>; readonly dispatcher: () => Dispatcher | undefined };

/** A connection to the API server that `identity` names. */
export const apiServerOf = ({ server, identify }: Identity, userAgent = 'tailplane'): ApiServer => {
  const connections = new Connections();
  const send = async (request: ApiRequest, signal: AbortSignal): Promise<Response> => {
    const url = new URL(server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const method = request.method ?? 'GET';
    const doing = `${method} ${request.path}`;
    let response: Response;
    try {
      const identification = await identify(url.toString(), method);
      const dispatcher = connections.of(identification.dispatcher);
      response = await fetch(url, {
        method,
        headers: {
          ...identification.headers,
          accept: request.accept ?? 'application/json',
          'user-agent': userAgent,
          ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        ...(dispatcher === undefined ? {} : { dispatcher }),
        signal,
      });
    } catch (error) {
      if (!signal.aborted) connections.forget();
      throw new UnreachableError(doing, error);
    }
    if (response.ok) return response;
    throw new ApiError(doing, response.status, await answerOf(response));
  };

  return {
    url: server,
    request: async (request) => {
      const limit = AbortSignal.timeout(request.timeoutMs ?? 30_000);
      const response = await send(request, request.signal === undefined ? limit : AbortSignal.any([limit, request.signal]));
      try {
        return await response.json();
      } catch (error) {
        throw new UnreachableError(`${request.method ?? 'GET'} ${request.path}`, error);
      }
    },
    stream: async ({ silenceMs, opened, ...request }, line) => {
      const silence = new AbortController();
      const timer = setTimeout(() => silence.abort(new DOMException(`silent for ${silenceMs} ms`, 'TimeoutError')), silenceMs);
      try {
        const response = await send(
          request,
          request.signal === undefined ? silence.signal : AbortSignal.any([silence.signal, request.signal]),
        );
        opened?.();
        if (response.body !== null) await eachLine(response.body, () => timer.refresh(), line, request.path);
      } finally {
        clearTimeout(timer);
        silence.abort();
      }
    },
  };
};

/** A certificate authority or client certificate that was replaced on disk is in use after this long. */
const connectionsMs = 60_000;

/**
 * Over HTTP/2 all watches would share one connection, which an API server closes with every stream on it when it answers a single request
 * with 401, and whose streams it limits.
 */
const withHttp1: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const http1 = { ...options, allowH2: false };
  return dispatch(http1, handler);
};

/** A new dispatcher for each request would be a TLS handshake for each: this keeps one for a while. */
class Connections {
  #kept: { readonly dispatcher: Dispatcher; readonly until: number } | undefined;

  of(fresh: () => Dispatcher | undefined): Dispatcher | undefined {
    if (this.#kept === undefined || this.#kept.until < performance.now()) {
      this.forget();
      const dispatcher = fresh()?.compose(withHttp1);
      if (dispatcher === undefined) return undefined;
      this.#kept = { dispatcher, until: performance.now() + connectionsMs };
    }
    return this.#kept.dispatcher;
  }

  /** The next request connects anew, with what the files say then; those under way go on. */
  forget(): void {
    void this.#kept?.dispatcher.close();
    this.#kept = undefined;
  }
}

/**
 * Strict: a line that is no JSON is a broken connection, not something to skip. Not by readline, whose promises, raced against the
 * connection's end, would keep every line for as long as the connection lives.
 */
const eachLine = async (
  body: ReadableStream<Uint8Array>,
  heard: () => void,
  line: (value: unknown) => void,
  path: string,
): Promise<void> => {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new UnreachableError(`GET ${path}`, error);
      });
      if (done) break;
      heard();
      const [first = '', ...more] = decoder.decode(value, { stream: true }).split('\n');
      rest += first;
      for (const next of more) {
        line(parsed(rest, path));
        rest = next;
      }
    }
    if (rest !== '') line(parsed(rest, path));
  } finally {
    // Where it has ended or broken off by itself this does nothing.
    await reader.cancel().catch(() => undefined);
  }
};

const parsed = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreachableError(`GET ${path}`, error);
  }
};

/**
 * Proxies in between answer in HTML, and an API server that is busy in plain text: what they say is not worth more than their status, and
 * when to come back.
 */
const answerOf = async (response: Response): Promise<StatusAnswer> => {
  let answer: StatusAnswer = {};
  try {
    const said = await response.json();
    if (typeof said === 'object' && said !== null) answer = said;
  } catch {
    // no Status
  }
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isNaN(retryAfterSeconds) ? answer : { ...answer, details: { retryAfterSeconds, ...answer.details } };
};
