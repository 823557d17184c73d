import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { caBundleFrom } from '../../src/lib/ca-bundle.ts';

/** Who a server is and whom it lets in. PEM texts. */
export type Tls = {
  readonly key: string;
  /** Its certificate, and below it those that lead to its CA. */
  readonly cert: string;
  /** CAs of clients, each of which must then have a certificate. Without it none is asked for, and nodes are believed what they say. */
  readonly ca?: string;
};

/** TLS cannot be served so. The message never holds anything of a key. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** What Node makes a TLS context of. Throws a TlsError where the texts are not usable, or do not belong together. */
export const contextOptionsFrom = ({ key, cert, ca }: Tls): SecureContextOptions => {
  const chain = caBundleFrom(cert);
  if (!chain.ok) throw new TlsError(`the server's certificate ${chain.problem}`);
  // Node takes an empty text for no text, and would then trust the whole world's CAs; and it passes over what it cannot read.
  const trusted = ca === undefined ? undefined : caBundleFrom(ca);
  if (trusted?.ok === false) throw new TlsError(`the bundle of CAs of clients ${trusted.problem}`);
  const options: SecureContextOptions = {
    key,
    cert: chain.value,
    minVersion: 'TLSv1.3',
    // A session that is resumed skips the look at the client's certificate, which may have expired or lost its CA since.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(trusted === undefined ? {} : { ca: trusted.value }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new TlsError(problemOf(error));
  }
  return options;
};

/** OpenSSL's words are for programmers, and an error that carries them as its cause carries whatever else they hold. */
const problemOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
    ? "the private key is not that of the server's certificate"
    : "the server's private key cannot be read";
