import { X509Certificate } from 'node:crypto';
import { fail, ok, type Result } from './result.ts';

const certificateBlocks = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text that is known to be readable. Throws when one is not. */
export const certificatesIn = (pem: string): readonly X509Certificate[] =>
  (pem.match(certificateBlocks) ?? []).map((block) => new X509Certificate(block));

/**
 * The certificates of a PEM text, one below the other and nothing else: comments and other blocks, which may be secret, are left out.
 * Fails, with words to go into a message, when there is none or one of them cannot be read.
 */
export const caBundleFrom = (pem: string): Result<string, string> => {
  const blocks = pem.match(certificateBlocks) ?? [];
  if (blocks.length === 0) return fail('holds no PEM certificate');
  const broken = blocks.findIndex((block) => !isCertificate(block));
  return broken < 0 ? ok(`${blocks.join('\n')}\n`) : fail(`holds a certificate that cannot be read (number ${broken + 1})`);
};

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    // The parser's own words are OpenSSL codes; that it fails is all there is to know.
    return false;
  }
};
