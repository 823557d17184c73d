import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { gatewayIdentity } from '../../src/lib/gateway-identity.ts';
import { type Issuer, type KeyPair, newKeyPair } from './certificate.ts';

/** Clocks of nodes differ a little, so what is issued now was valid already so long ago. */
export const skewMs = 5 * 60_000;

/** Names that clients may know a server by. */
export type ServerNames = { readonly dnsNames: readonly string[]; readonly addresses?: readonly string[] };

/** A new CA for `lifetimeMs`. Each has a name of its own: of several with one name, verifiers may try but the first. */
export const newCa = (now: number, lifetimeMs: number): KeyPair =>
  newKeyPair({
    commonName: `${caNameBegins} ${randomBytes(4).toString('hex')}`,
    notBefore: now - skewMs,
    notAfter: now + lifetimeMs,
    usage: 'ca',
  });

export const caNameBegins = 'tailplane xDS CA';

/** A certificate for a server of xDS, valid for `lifetimeMs` but no longer than its CA. */
export const issueServer = (ca: KeyPair, names: ServerNames, now: number, lifetimeMs: number): KeyPair =>
  newKeyPair({ commonName: 'tailplane xDS', usage: 'server', ...names, ...validity(ca, now, lifetimeMs) }, issuerFrom(ca));

/** A certificate for the Envoys of one Gateway. */
export const issueClient = (ca: KeyPair, { namespace, name }: Named, now: number, lifetimeMs: number): KeyPair =>
  newKeyPair(
    { commonName: 'tailplane Gateway', usage: 'client', uris: [gatewayIdentity(namespace, name)], ...validity(ca, now, lifetimeMs) },
    issuerFrom(ca),
  );

type Named = { readonly namespace: string; readonly name: string };

/**
 * When a certificate is to be replaced, in Unix milliseconds: two thirds through the time it was issued for, or by `jitter` (0 to 1) up to a
 * tenth of that time earlier, so that those issued together are not renewed together.
 */
export const renewAt = ({ validFromDate, validToDate }: X509Certificate, jitter: number): number => {
  const issuedAt = validFromDate.getTime() + skewMs;
  return issuedAt + (validToDate.getTime() - issuedAt) * (2 / 3 - jitter / 10);
};

/** A jitter that stays the same for a certificate, so that asking again does not change the answer. */
export const jitterOf = ({ fingerprint256 }: X509Certificate): number =>
  Number.parseInt(fingerprint256.slice(0, 5).replace(':', ''), 16) / 0x1_00_00;

const validity = (ca: KeyPair, now: number, lifetimeMs: number): { readonly notBefore: number; readonly notAfter: number } => ({
  notBefore: now - skewMs,
  notAfter: Math.min(now + lifetimeMs, new X509Certificate(ca.certificate).validToDate.getTime()),
});

const issuerFrom = ({ certificate, privateKey }: KeyPair): Issuer => {
  const { subject, publicKey } = new X509Certificate(certificate);
  return { commonName: subject.replace(/^CN=/, ''), publicKey, privateKey: createPrivateKey(privateKey) };
};
