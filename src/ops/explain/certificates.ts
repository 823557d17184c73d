import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Listener, TlsTermination } from '../../model/graph.ts';
import type { Step } from './explanation.ts';
import type { Place } from './place.ts';
import type { Request } from './request.ts';

/** Certificates that peers of a tailnet are shown, a step each; of a Gateway's own listeners none. */
export const certificateSteps = ({ socket, listener }: Place): readonly Step[] =>
  socket.tailnet === undefined
    ? []
    : certificatesOf(listener).map(({ id, owner, names }) => ({ at: 'certificate', name: id, detail: names, object: owner }));

/** That no certificate is for the name that is asked for, so that clients break off; undefined where one is, and where none can be read. */
export const nameNotCertified = (listeners: readonly Listener[], { scheme, serverName }: Request): string | undefined => {
  if (scheme !== 'https' && scheme !== 'tls') return undefined;
  const read = listeners.flatMap(certificatesOf).flatMap(({ certificate }) => certificate ?? []);
  if (read.length === 0 || read.some((one) => isFor(one, serverName))) return undefined;
  return `no certificate is for ${serverName}, so that clients break off: ask for a name that one is for, or enable HTTPS in the tailnet for the MagicDNS name`;
};

const isFor = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;

const certificatesOf = (listener: Listener) =>
  (tlsOf(listener)?.certificates ?? []).flatMap((secret) => {
    if (secret.type !== 'key-pair') return [];
    const certificate = readFrom(secret.certificateChain);
    const names = certificate?.subjectAltName?.replaceAll(/(?:DNS|IP Address):/g, '');
    return [{ id: secret.id, owner: secret.owner, certificate, names: `for ${names ?? 'no name that can be read'}` }];
  });

const tlsOf = (listener: Listener): TlsTermination | undefined => ('tls' in listener ? listener.tls : undefined);

const readFrom = (chain: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(chain);
  } catch {
    return undefined; // Envoy says so, in the status of the Gateway
  }
};
