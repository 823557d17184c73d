import type { z } from 'zod';
import { fail, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import type { Grant, Tailnet } from './state.ts';

/** What goes back over the wire. `body` is sent as JSON; absent, the answer is empty. */
export type Reply = { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

/** Why a call is not done. Becomes `{"message": …}`, which Tailscale's Go client needs to see a 404 as a 404. */
export type Refusal = { readonly status: number; readonly message: string };

/** A call to one tailnet after authentication and routing. `now` is in milliseconds since 1970. */
export type Call = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
  readonly grant: Grant;
  readonly now: number;
};

/** What a call did: its answer, and the tailnet afterwards where it changed. */
export type Answer = Omit<Reply, 'status'> & { readonly tailnet?: Tailnet };

export type Handler = (tailnet: Tailnet, call: Call) => Result<Answer, Refusal>;

/** Method, path below `/api/v2` with `:name` for what varies, the scopes that must all be granted, and what to do. */
export type Route = readonly [method: string, path: string, scopes: readonly string[], handler: Handler];

export const refuse = (status: number, message: string) => fail<Refusal>({ status, message });

export const replyFrom = (refusal: Refusal): Reply => ({ status: refusal.status, body: { message: refusal.message } });

/** The body as a schema wants it; 400 naming the first field that is wrong. */
export const bodyAs = <T>(schema: z.ZodType<T>, body: unknown): Result<T, Refusal> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.');
  return refuse(400, `invalid request body: ${where}: ${issue?.message ?? 'not understood'}`);
};
