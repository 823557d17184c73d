/**
 * What an error means to whoever runs the tailnet. `credentials`: the OAuth client or federated identity is wrong, revoked or incomplete;
 * `scopes`: it lacks a right, or a tag; `billing`: the plan does not allow it; `unreachable`: no answer, or none that makes sense; `server`:
 * the API failed; `invalid`: the call as such is refused, and will be again.
 */
export type TailscaleErrorKind =
  | 'credentials'
  | 'scopes'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'billing'
  | 'rate-limited'
  | 'server'
  | 'unreachable';

export type TailscaleErrorFacts = {
  /** Name of the call, as metrics have it: `devices`, `createAuthKey`, `token` … */
  readonly call: string;
  readonly kind: TailscaleErrorKind;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What the API said, or what kept it from saying anything; one line, without secrets. */
  readonly said: string;
  /** Milliseconds after which the API wants to be asked again. */
  readonly retryAfterMs?: number;
};

/** A call to the Tailscale API that did not work. Neither text nor fields ever hold a secret, and it has no cause, which might. */
export class TailscaleApiError extends Error {
  override readonly name = 'TailscaleApiError';
  readonly call: string;
  readonly kind: TailscaleErrorKind;
  readonly status: number;
  readonly said: string;
  readonly retryAfterMs: number | undefined;

  constructor({ call, kind, status, said, retryAfterMs }: TailscaleErrorFacts) {
    super(`Tailscale API, ${call}: ${status === 0 ? '' : `${status}, `}${said}`);
    this.call = call;
    this.kind = kind;
    this.status = status;
    this.said = said;
    this.retryAfterMs = retryAfterMs;
  }

  /** What the API said, or at least its status. */
  get told(): string {
    return this.said === '' ? `status ${this.status}` : this.said;
  }

  /** Whether the same call may work later although nobody changes anything. */
  get retryable(): boolean {
    return this.kind === 'rate-limited' || this.kind === 'server' || this.kind === 'unreachable';
  }

  /** Whether a tag is refused that does not exist or that the credentials do not own: the API's words are the only hint. */
  get isAboutTags(): boolean {
    return (this.status === 400 || this.status === 403) && /\btags?\b/i.test(this.said);
  }
}

/** What a status means that is no success. `unreachable` for redirects: whoever sends them is not the API. */
export const kindOf = (status: number): TailscaleErrorKind => {
  if (status < 400) return 'unreachable';
  // A device that belongs to another tailnet: no failure of the API, whatever the number says.
  if (status === 501) return 'invalid';
  if (status >= 500) return 'server';
  return kinds.get(status) ?? 'invalid';
};

const kinds: ReadonlyMap<number, TailscaleErrorKind> = new Map([
  [401, 'credentials'],
  [402, 'billing'],
  [403, 'scopes'],
  [404, 'not-found'],
  [409, 'conflict'],
  [412, 'conflict'],
  [429, 'rate-limited'],
]);
