import type { TLSSocket } from 'node:tls';

/** A reason is told of again after so long, with how often it applied: a flood of clients must not be a flood of events. */
const tellEveryMs = 60_000;

const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the client certificate has expired',
  CERT_NOT_YET_VALID: 'the client certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the client certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the client certificate is of a CA that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the client certificate is of a CA that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the client certificate is of a CA that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the client certificate is of a CA that is not trusted',
  CERT_SIGNATURE_FAILURE: 'the client certificate is of a CA that is not trusted',
  INVALID_PURPOSE: 'the client certificate is not one for clients',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client has no certificate',
  ERR_SSL_HTTP_REQUEST: 'the client does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client does not speak TLS 1.3',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client does not speak HTTP/2',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the client did not finish its handshake in time',
};

/**
 * Why a handshake failed: what is wrong with the certificate where that is known, else OpenSSL's code. Undefined for a client that went away
 * by itself, as those do that only try whether the port is open.
 */
export const refusalOf = (
  error: NodeJS.ErrnoException,
  { authorizationError }: Pick<TLSSocket, 'authorizationError'>,
): string | undefined => {
  // An Error by Node's types, a code by what it does.
  const verdict = authorizationError as unknown;
  const code = typeof verdict === 'string' ? verdict : (error.code ?? 'unknown');
  return code === 'ECONNRESET' ? undefined : (reasons[code] ?? code);
};

type Count = { times: number; toldAt: number };

/** Handshakes that failed, by reason. */
export class Refusals {
  readonly #counts = new Map<string, Count>();
  readonly #tell: (reason: string, times: number) => void;

  constructor(tell: (reason: string, times: number) => void) {
    this.#tell = tell;
  }

  /** `now` by `performance.now()`, here and below. */
  add(reason: string, now: number): void {
    const count = this.#counts.get(reason);
    if (count !== undefined) count.times++;
    else {
      this.#counts.set(reason, { times: 0, toldAt: now });
      this.#tell(reason, 1);
    }
  }

  /** Tells what came since; to be called once in a while. */
  check(now: number): void {
    for (const [reason, { times, toldAt }] of this.#counts) {
      if (now - toldAt < tellEveryMs) continue;
      this.#counts.delete(reason);
      if (times === 0) continue;
      this.#counts.set(reason, { times: 0, toldAt: now });
      this.#tell(reason, times);
    }
  }
}
