/** How many certificates of a tailnet's names were issued, as those who issue them count. */
import { certificateValidity } from '../gateways/certificates.ts';
import type { TlsSecret } from '../graph.ts';

/** A MagicDNS name of which proxies obtain a certificate, and the one that they have. */
export type Obtained = { readonly name: string; readonly certificate?: TlsSecret };

/** Of one tailnet in a week (Let's Encrypt, "New Certificates per Registered Domain"; names of a tailnet are of a registered domain of their own). */
export const certificatesAWeek = 50;

const weekMs = 7 * 24 * 3_600_000;

/** What a MagicDNS name has in common with all of its tailnet. */
export const suffixOf = (name: string): string => name.slice(name.indexOf('.') + 1);

/** Certificates whose validity began in the seven days before `now` (ms), by MagicDNS suffix; zero for those that have none. What is replaced is not seen any more. */
export const issuedRecently = (names: Iterable<Obtained>, now: number): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { name, certificate } of names) {
    const { from = -Infinity } = (certificate && certificateValidity(certificate)) ?? {};
    counts.set(suffixOf(name), (counts.get(suffixOf(name)) ?? 0) + (from > now - weekMs ? 1 : 0));
  }
  return counts;
};
