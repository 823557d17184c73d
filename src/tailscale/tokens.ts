import { tokenSchema } from './answers.ts';
import { TailscaleApiError } from './api-error.ts';
import { identityTokenProblem } from './identity-token.ts';
import type { Clock } from './limits.ts';
import type { Secrets } from './secrets.ts';
import type { ApiCall, Authority, Transport } from './transport.ts';

/** Who we are to the API. Whitespace around them does not matter: mounted Secrets tend to end with a newline. */
export type Credentials =
  | { readonly clientId: string; readonly clientSecret: string }
  /** Workload identity: an OIDC token of our own, asked for whenever a new access token is needed. */
  | { readonly clientId: string; readonly identityToken: () => Promise<string> };

/** Where an answer does not say how long its token is good for; OAuth clients of Tailscale get an hour. */
const usualSeconds = 3600;
/** A token is replaced this long before it expires, or earlier by a tenth of its life if that is less. */
const marginMs = 60_000;
/** Credentials that were refused are not tried again for so long, however many calls want to be made with them. */
const refusedMs = 10_000;

/** Access tokens by OAuth 2.0 client credentials (RFC 6749, 4.4) or by token exchange: one for all calls, asked for by one of them. */
export class Tokens implements Authority {
  readonly #credentials: Credentials;
  readonly #transport: Transport;
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  #kept: { readonly token: string; readonly untilMs: number } | undefined;
  #coming: Promise<string> | undefined;
  #refusal: { readonly error: TailscaleApiError; readonly untilMs: number } | undefined;

  constructor(credentials: Credentials, transport: Transport, secrets: Secrets, clock: Clock) {
    this.#credentials = credentials;
    this.#transport = transport;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  readonly token = async (): Promise<string> => {
    const now = this.#clock.now();
    if (this.#kept !== undefined && now < this.#kept.untilMs) return this.#kept.token;
    if (this.#refusal !== undefined && now < this.#refusal.untilMs) throw this.#refusal.error;
    this.#coming ??= this.#fetch().finally(() => {
      this.#coming = undefined;
    });
    return this.#coming;
  };

  readonly refused = (token: string): void => {
    if (this.#kept?.token === token) this.#kept = undefined;
  };

  async #fetch(): Promise<string> {
    try {
      const answer = await this.#transport.send(await this.#request());
      const { access_token: token, expires_in: seconds } = this.#transport.read('token', answer, tokenSchema);
      const lifeMs = (seconds ?? usualSeconds) * 1000;
      this.#secrets.keep(token);
      this.#kept = { token, untilMs: this.#clock.now() + lifeMs - Math.min(marginMs, lifeMs / 10) };
      this.#refusal = undefined;
      return token;
    } catch (error) {
      const told = error instanceof TailscaleApiError ? inTermsOfCredentials(error) : error;
      if (told instanceof TailscaleApiError && told.kind === 'credentials')
        this.#refusal = { error: told, untilMs: this.#clock.now() + refusedMs };
      throw told;
    }
  }

  async #request(): Promise<ApiCall> {
    const clientId = this.#credentials.clientId.trim();
    if (clientId === '') throw this.#incomplete('the client id is empty');
    if ('identityToken' in this.#credentials) {
      const jwt = await this.#identityToken(this.#credentials.identityToken);
      return tokenRequest('/oauth/token-exchange', { client_id: clientId, jwt });
    }
    const clientSecret = this.#credentials.clientSecret.trim();
    if (clientSecret === '') throw this.#incomplete('the client secret is empty');
    return tokenRequest('/oauth/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
  }

  async #identityToken(source: () => Promise<string>): Promise<string> {
    let jwt: string;
    try {
      jwt = (await source()).trim();
    } catch (error) {
      throw this.#incomplete(`no identity token: ${error instanceof Error ? error.message : 'unknown'}`);
    }
    this.#secrets.keep(jwt);
    const problem = identityTokenProblem(jwt, this.#clock.now());
    if (problem !== undefined) throw this.#incomplete(problem);
    return jwt;
  }

  #incomplete(said: string): TailscaleApiError {
    return this.#transport.error('token', 'credentials', 0, said);
  }
}

const tokenRequest = (path: string, form: Readonly<Record<string, string>>): ApiCall => ({
  name: 'token',
  method: 'POST',
  path,
  contentType: 'application/x-www-form-urlencoded',
  body: new URLSearchParams(form).toString(),
  reads: true,
  repeat: 'always',
});

/** Whatever of the request is refused, it is the credentials: there is nothing else in it. And an API has this path. */
const inTermsOfCredentials = (error: TailscaleApiError): TailscaleApiError => {
  const { call, status, said } = error;
  if (status === 404) return new TailscaleApiError({ call, kind: 'unreachable', status, said });
  return [400, 401, 403].includes(status) ? new TailscaleApiError({ call, kind: 'credentials', status, said }) : error;
};
