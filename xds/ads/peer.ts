import type { X509Certificate } from 'node:crypto';

/** What the transport knows of a client. */
export type Peer = {
  /** host:port, for logs and status. */
  readonly address: string;
  /** URI names in its verified certificate; undefined where it was asked for none. */
  readonly uris: readonly string[] | undefined;
};

/** One name as Node writes it: quoted, as JSON, if it holds anything by which it could pass for several. */
const oneName = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** URI names of a certificate, from Node's text of all its names; none when that text is not as it should be. */
export const urisIn = (subjectAltName: string): readonly string[] => {
  const uris: string[] = [];
  oneName.lastIndex = 0;
  while (oneName.lastIndex < subjectAltName.length) {
    const [, kind, value = ''] = oneName.exec(subjectAltName) ?? [];
    if (kind === undefined) return [];
    // A quoted name is none that we give, so what exactly it says does not matter; that it is there does.
    if (kind === 'URI') uris.push(value);
  }
  return uris;
};

/** Whether one of `cas` stands behind a certificate whose chain was found good before, when others may have been trusted. */
export const isVouchedFor = (certificate: X509Certificate, cas: readonly X509Certificate[]): boolean => {
  const byCa = cas.some((ca) => ca.raw.equals(certificate.raw) || (certificate.checkIssued(ca) && certificate.verify(ca.publicKey)));
  if (byCa) return true;
  const issuer = certificate.issuerCertificate;
  return issuer !== undefined && !issuer.raw.equals(certificate.raw) && isVouchedFor(issuer, cas);
};
