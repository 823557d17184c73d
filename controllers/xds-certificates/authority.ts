import { createPrivateKey, X509Certificate } from 'node:crypto';
import { caBundleFrom, certificatesIn } from '../../src/lib/ca-bundle.ts';
import { fail, ok, type Result } from '../../src/lib/result.ts';
import type { KeyPair } from './certificate.ts';
import { caNameBegins, skewMs } from './issue.ts';

/**
 * The CA of xDS. A successor is trusted by everybody before it signs anything, and its predecessor is trusted until it expires, so that
 * whoever is one step behind still understands the others.
 */
export type Authority = {
  readonly signing: KeyPair;
  readonly next?: KeyPair;
  /** PEM: every CA that servers and clients trust, in the order they came. */
  readonly bundle: string;
};

/** In milliseconds. */
export type AuthorityTimes = {
  readonly lifetimeMs: number;
  /** How long everybody has to learn of a successor before it signs. */
  readonly overlapMs: number;
};

export const defaultTimes: AuthorityTimes = { lifetimeMs: 365 * 24 * 3_600_000, overlapMs: 24 * 3_600_000 };

/** What the Secret's data hold, decoded. */
export type AuthorityData = Readonly<Record<string, string>>;

/** Reads the CA; tells, without a word of what it read, why it is none. A successor that cannot be read counts as none: there will be another. */
export const authorityFrom = (data: AuthorityData): Result<Authority, string> => {
  const signing = caIn(data, 'tls');
  if (!signing.ok) return signing;
  const bundle = caBundleFrom(data['ca.crt'] ?? '');
  const next = caIn(data, 'next');
  // A bundle can be told from the certificates that it must hold.
  const trusted = [
    ...(bundle.ok ? certificatesIn(bundle.value) : []),
    ...[signing, next].flatMap((ca) => (ca.ok ? [certificateOf(ca.value)] : [])),
  ];
  return ok({ signing: signing.value, ...(next.ok ? { next: next.value } : {}), bundle: bundleOf(trusted) });
};

export const dataFrom = ({ signing, next, bundle }: Authority): AuthorityData => ({
  'ca.crt': bundle,
  'tls.crt': signing.certificate,
  'tls.key': signing.privateKey,
  ...(next === undefined ? {} : { 'next.crt': next.certificate, 'next.key': next.privateKey }),
});

/** A CA of which nobody knows yet; `trusted` stay in the bundle as long as they are valid. */
export const firstAuthority = (signing: KeyPair, trusted: string, now: number): Authority => ({
  signing,
  bundle: bundleOf(valid([...certificatesIn(trusted), certificateOf(signing)], now)),
});

/** The next step that is due, or undefined. One at a time: everybody is to see each. `newCa` is called where a step needs one. */
export const stepOf = (authority: Authority, now: number, times: AuthorityTimes, newCa: () => KeyPair): Authority | undefined => {
  const { signing, next, bundle } = authority;
  const { prepareAt, promoteAt, pruneAt } = dueTimes(authority, times);
  if (next !== undefined && now >= promoteAt) return { signing: next, bundle };
  if (now >= endOf(signing)) return firstAuthority(newCa(), bundle, now);
  if (next === undefined && now >= prepareAt) {
    const successor = newCa();
    return { signing, next: successor, bundle: bundle + successor.certificate };
  }
  if (now >= pruneAt) return { ...authority, bundle: bundleOf(valid(certificatesIn(bundle), now)) };
  return undefined;
};

/** When `stepOf` may have something new to say, in Unix milliseconds. */
export const nextStepAt = (authority: Authority, times: AuthorityTimes): number => {
  const { prepareAt, promoteAt, pruneAt } = dueTimes(authority, times);
  return Math.min(authority.next === undefined ? prepareAt : promoteAt, pruneAt);
};

const dueTimes = ({ signing, next, bundle }: Authority, { overlapMs }: AuthorityTimes) => {
  const [from, to] = [startOf(signing), endOf(signing)];
  const learntFrom = next === undefined ? from : startOf(next);
  return {
    prepareAt: from + ((to - from) * 2) / 3,
    // Where the successor came late, what is left is shared between learning of it and using it.
    promoteAt: Math.min(learntFrom + overlapMs, (learntFrom + Math.max(learntFrom, to)) / 2),
    pruneAt: Math.min(...certificatesIn(bundle).map(({ validToDate }) => validToDate.getTime())),
  };
};

const caIn = (data: AuthorityData, name: string): Result<KeyPair, string> => {
  const [certificate = '', privateKey = ''] = [data[`${name}.crt`], data[`${name}.key`]];
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.ca || parsed.subject !== parsed.issuer || !parsed.subject.startsWith(`CN=${caNameBegins} `))
      return fail(`${name}.crt is not a CA that tailplane made`);
    return parsed.checkPrivateKey(createPrivateKey(privateKey))
      ? ok({ certificate, privateKey })
      : fail(`${name}.key is not the key of ${name}.crt`);
  } catch {
    // What the parsers say may quote what they read.
    return fail(`${name}.crt or ${name}.key cannot be read`);
  }
};

const certificateOf = ({ certificate }: KeyPair): X509Certificate => new X509Certificate(certificate);
const startOf = (ca: KeyPair): number => certificateOf(ca).validFromDate.getTime() + skewMs;
const endOf = (ca: KeyPair): number => certificateOf(ca).validToDate.getTime();

const valid = (certificates: readonly X509Certificate[], now: number): readonly X509Certificate[] =>
  certificates.filter(({ validToDate }) => validToDate.getTime() > now);

/** Each once. */
const bundleOf = (certificates: readonly X509Certificate[]): string =>
  [...new Set(certificates.map((certificate) => certificate.toString()))].join('');
