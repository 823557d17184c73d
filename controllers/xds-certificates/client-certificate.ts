import { createPrivateKey, X509Certificate } from 'node:crypto';
import { certificatesIn } from '../../src/lib/ca-bundle.ts';
import { gatewayIdentity } from '../../src/lib/gateway-identity.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { KeyPair } from './certificate.ts';
import { jitterOf, renewAt } from './issue.ts';
import { dataOf } from './secret.ts';

/** What the Envoys of one Gateway show us, and whom they trust. PEM texts. */
export type ClientCertificate = KeyPair & { readonly caBundle: string };

/** What may be done with a certificate that a Gateway has. `because` is for the log. */
export type Verdict =
  /** It is good until it is due for renewal at `renewAt`, in Unix milliseconds. */
  { readonly keep: true; readonly renewAt: number } | { readonly keep: false; readonly because: string };

type Gateway = { readonly namespace: string; readonly name: string };

/** A Gateway's Secret, read once for as long as it stays the same object. */
const known = new WeakMap<KubeObject, ReadCertificate | undefined>();

/** The certificate that a Gateway's Secret holds; undefined where it, its key or the bundle are missing or cannot be read. */
export const certificateIn = (secret: KubeObject): ReadCertificate | undefined => {
  if (!known.has(secret)) {
    const { 'tls.crt': certificate = '', 'tls.key': privateKey = '', 'ca.crt': caBundle = '' } = dataOf(secret);
    known.set(secret, readCertificate({ certificate, privateKey, caBundle }));
  }
  return known.get(secret);
};

/** Undefined where something cannot be read, or the key is another's. */
export const readCertificate = (held: ClientCertificate): ReadCertificate | undefined => {
  try {
    const parsed = new X509Certificate(held.certificate);
    return parsed.checkPrivateKey(createPrivateKey(held.privateKey)) ? new ReadCertificate(held, parsed) : undefined;
  } catch {
    // There will be another; what the parsers say may quote what they read.
    return undefined;
  }
};

/** A certificate with what was found out about it. */
export class ReadCertificate {
  readonly held: ClientCertificate;
  readonly #parsed: X509Certificate;
  #trusting: string | undefined;
  #isTrusted = false;

  constructor(held: ClientCertificate, parsed: X509Certificate) {
    this.held = held;
    this.#parsed = parsed;
  }

  /** Whether it may go on serving `gateway` when the CAs in `caBundle` are trusted. Its own bundle is not looked at. */
  judge({ namespace, name }: Gateway, caBundle: string, now: number): Verdict {
    const due = renewAt(this.#parsed, jitterOf(this.#parsed));
    if (this.#parsed.subjectAltName !== `URI:${gatewayIdentity(namespace, name)}`)
      return { keep: false, because: 'it names somebody else' };
    if (now >= this.#parsed.validToDate.getTime()) return { keep: false, because: 'it has expired' };
    if (!this.#isOfOne(caBundle)) return { keep: false, because: 'its CA is not trusted' };
    return now >= due ? { keep: false, because: 'it expires soon' } : { keep: true, renewAt: due };
  }

  #isOfOne(caBundle: string): boolean {
    if (this.#trusting !== caBundle) {
      this.#trusting = caBundle;
      this.#isTrusted = certificatesIn(caBundle).some((ca) => this.#parsed.checkIssued(ca) && this.#parsed.verify(ca.publicKey));
    }
    return this.#isTrusted;
  }
}
