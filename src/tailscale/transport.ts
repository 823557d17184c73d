import { setMaxListeners } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { Agent } from 'undici';
import type { z } from 'zod';
import { kindOf, TailscaleApiError, type TailscaleErrorKind } from './api-error.ts';
import { CallQueue } from './call-queue.ts';
import { exchange, type HttpAnswer, type HttpRequest, NoAnswer } from './exchange.ts';
import type { ClientLimits, Clock } from './limits.ts';
import { backoffMs, mayRepeat, type Repeat, retryAfterMs } from './retry.ts';
import type { Secrets } from './secrets.ts';

/** When a call is of no use any more: it is not sent later than `withinMs` from now, and then broken off after `answerMs` without an answer. */
export type Timely = { readonly withinMs?: number; readonly answerMs?: number };

export type ApiCall = Pick<HttpRequest, 'method' | 'body' | 'reads'> &
  Timely & {
    /** As errors and metrics name it. */
    readonly name: string;
    /** From `pathOf`. */
    readonly path: string;
    readonly contentType?: string;
    readonly repeat: Repeat;
    /** 404 is an answer. */
    readonly mayBeAbsent?: boolean;
  };

/** What says who we are. `refused` is told a token that the API does not take, so that the next one is another. */
export type Authority = { readonly token: () => Promise<string>; readonly refused: (token: string) => void };

/** One try of one call: its name, HTTP status (0 where there was no answer), and how long it took. `token` is a call like any other. */
export type CallMade = { readonly name: string; readonly status: number; readonly seconds: number };

export type TransportOptions = {
  readonly apiURL: string;
  readonly userAgent: string;
  readonly secrets: Secrets;
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly called: (call: CallMade) => void;
};

/** Calls to one API: each waits for its turn, is tried again where that helps and does no harm, and ends with an answer or a TailscaleApiError. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #base: string | undefined;
  readonly #closing = new AbortController();
  readonly #agent: Agent;
  readonly #queue: CallQueue;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = baseOf(options.apiURL);
    this.#agent = new Agent({ allowH2: false, connections: options.limits.concurrent });
    this.#queue = new CallQueue(options.limits, options.clock, this.#closing.signal);
    // As many as wait for another try listen to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /** A successful answer, or one with 404 where the call allows that. */
  async send(call: ApiCall, authority?: Authority): Promise<HttpAnswer> {
    try {
      return await this.#sendAgain(call, authority);
    } catch (error) {
      if (this.#closing.signal.aborted) throw this.error(call.name, 'unreachable', 0, 'the client is closed');
      throw error;
    }
  }

  /** A successful answer as `schema` wants it. What it does not like is said by its place only: values may be secret. */
  read<T>(call: string, { status, text }: HttpAnswer, schema: z.ZodType<T>): T {
    const answer = jsonIn(text);
    if (answer === undefined) throw this.error(call, 'unreachable', status, 'an answer that is not JSON: is apiURL that of the API?');
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const place = parsed.error.issues[0]?.path.join('.') ?? '';
    throw this.error(call, 'unreachable', status, `an answer that is not understood${place === '' ? '' : ` at ${place}`}`);
  }

  /** `said` may come from anywhere: what is secret in it is taken out. */
  error(call: string, kind: TailscaleErrorKind, status: number, said: string, retryAfterMs?: number): TailscaleApiError {
    const told = this.#options.secrets.without(said);
    return new TailscaleApiError({ call, kind, status, said: told, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  close(): void {
    this.#closing.abort();
    // What it breaks off is told to those who called.
    void this.#agent.destroy();
  }

  async #sendAgain(call: ApiCall, authority: Authority | undefined): Promise<HttpAnswer> {
    const { limits, clock } = this.#options;
    const until = clock.now() + (call.withinMs ?? Number.POSITIVE_INFINITY);
    let isRenewed = false;
    for (let tries = 1; ; tries += 1) {
      const token = await authority?.token();
      const outcome = await this.#try(call, token, until);
      if ('status' in outcome && isWanted(outcome, call)) return outcome;
      if ('status' in outcome && outcome.status === 401 && token !== undefined && !isRenewed) {
        // It may have been revoked, or expired on the way: another one, once, and no try lost.
        authority?.refused(token);
        isRenewed = true;
        tries -= 1;
        continue;
      }
      const error = this.#errorFrom(call, outcome);
      const askedMs = error.retryAfterMs ?? 0;
      if (!mayRepeat(outcome, call.repeat) || tries >= limits.tries || askedMs > limits.patienceMs) throw error;
      await clock.wait(Math.max(askedMs, backoffMs(tries, limits, clock.random())), this.#closing.signal);
    }
  }

  async #try(call: ApiCall, token: string | undefined, until: number): Promise<HttpAnswer | NoAnswer> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    if (this.#base === undefined) {
      const said = 'apiURL is no http:// or https:// URL, or has a user name, password, query or fragment';
      throw this.error(call.name, 'invalid', 0, said);
    }
    const done = await this.#queue.turn(call.name);
    if (this.#options.clock.now() > until) {
      done();
      throw this.error(call.name, 'conflict', 0, 'not sent: it came too late for what it is about');
    }
    const begun = performance.now();
    let status = 0;
    try {
      const answer = await exchange(this.#requestFrom(call, this.#base, token), {
        ...this.#options.limits,
        ...(call.answerMs !== undefined && { timeoutMs: call.answerMs }),
        dispatcher: this.#agent,
        closed: this.#closing.signal,
      });
      status = answer.status;
      this.#heed(answer);
      return answer;
    } catch (error) {
      if (error instanceof NoAnswer) return error;
      throw error;
    } finally {
      done();
      this.#options.called({ name: call.name, status, seconds: (performance.now() - begun) / 1000 });
    }
  }

  #requestFrom({ method, path, body, contentType, reads }: ApiCall, base: string, token: string | undefined): HttpRequest {
    const headers = {
      'user-agent': this.#options.userAgent,
      ...(contentType === undefined ? { accept: 'application/json' } : { 'content-type': contentType }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    return { url: base + path, method, headers, reads, ...(body !== undefined && { body }) };
  }

  /** Who is told to come back later holds back everybody: the API counts calls by credentials, not by what they are for. */
  #heed({ status, retryAfter }: HttpAnswer): void {
    if (status !== 429 && status !== 503) return;
    const ms = retryAfterMs(retryAfter, this.#options.clock.now());
    if (ms !== undefined) this.#queue.pause(ms);
  }

  #errorFrom({ name, answerMs }: ApiCall, outcome: HttpAnswer | NoAnswer): TailscaleApiError {
    if (!('status' in outcome)) return this.error(name, 'unreachable', 0, this.#wordsFor(outcome, answerMs));
    const { status, text, retryAfter } = outcome;
    const askedMs = status === 429 || status === 503 ? retryAfterMs(retryAfter, this.#options.clock.now()) : undefined;
    if (status < 400) return this.error(name, 'unreachable', status, 'a redirect, which is not followed: apiURL is not that of the API');
    return this.error(name, kindOf(status), status, explanationIn(text) ?? STATUS_CODES[status] ?? 'no explanation', askedMs);
  }

  #wordsFor({ code }: NoAnswer, answerMs: number | undefined): string {
    const { timeoutMs, answerBytes } = this.#options.limits;
    if (code === 'TimeoutError') return `no answer within ${(answerMs ?? timeoutMs) / 1000} s`;
    return code === 'TooLarge' ? `an answer of more than ${answerBytes} bytes` : `no answer (${code})`;
  }
}

const isWanted = ({ status }: HttpAnswer, { mayBeAbsent }: ApiCall): boolean =>
  (status >= 200 && status < 300) || (status === 404 && mayBeAbsent === true);

/** Where paths begin, without a slash; undefined for what a request must not be sent to. A URL with a password in it would be told in errors. */
const baseOf = (apiURL: string): string | undefined => {
  const url = URL.parse(apiURL.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username + url.password + url.search + url.hash !== '') return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/api/v2`;
};

/** What the API says, as it says it, or as OAuth does (RFC 6749, 5.2). Other texts are from whoever stands in between, and not worth telling. */
const explanationIn = (text: string): string | undefined => {
  const answer = jsonIn(text);
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { message, error_description: description, error } = answer as Readonly<Record<string, unknown>>;
  return [message, description, error].find((said): said is string => typeof said === 'string' && said.trim() !== '');
};

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold a secret.
    return undefined;
  }
};
