import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret } from '../../api/core.ts';
import type { SecretObjectReference } from '../../api/generated/gateway-api.ts';
import { type GrantFrom, isGranted } from '../grants.ts';
import { keyOf, localKey } from '../../lib/key.ts';
import { memo, type Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { TlsSecret } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

/**
 * The key pair a `certificateRefs` entry leads to: `tls.crt` and `tls.key` of a Secret, which must be PEM and belong together.
 * Fails with RefNotPermitted where a ReferenceGrant is missing, else with `badReason`; an expired certificate does not fail.
 */
export const keyPairOf = (
  ref: SecretObjectReference,
  from: GrantFrom,
  field: string,
  badReason: string,
  read: Read<ModelTables>,
): Result<TlsSecret, Verdict> => {
  const bad = (message: string): Result<TlsSecret, Verdict> => fail({ reason: badReason, message: `${field}: ${message}` });
  if (ref.group !== '' || ref.kind !== 'Secret') return bad(`kind ${ref.kind} of group "${ref.group}" is not supported; Secret is`);
  const namespace = ref.namespace ?? from.namespace;
  if (!isGranted(read, from, { group: '', kind: 'Secret', namespace, name: ref.name })) {
    return fail({
      reason: 'RefNotPermitted',
      message: `${field}: Secret "${namespace}/${ref.name}" is in another namespace and no ReferenceGrant there permits it`,
    });
  }
  const secret = read('Secret', localKey(namespace, ref.name));
  if (secret === undefined) return bad(`Secret "${namespace}/${ref.name}" not found`);
  const pair = keyPairFrom(secret);
  return pair.ok ? pair : bad(`Secret "${namespace}/${ref.name}" ${pair.problem}`);
};

/** A Secret's key pair, or what is wrong with it in words that continue "Secret x …" and hold nothing of its content. */
export const keyPairFrom = memo((secret: Secret): Result<TlsSecret, string> => {
  const [certificateChain, privateKey] = ['tls.crt', 'tls.key'].map((key) => textOf(secret, key));
  if (!certificateChain || !privateKey) return fail(`has no ${certificateChain ? 'tls.key' : 'tls.crt'}`);
  const certificate = parsed(() => new X509Certificate(certificateChain));
  if (certificate === undefined) return fail('holds no PEM certificate in tls.crt');
  const key = parsed(() => createPrivateKey(privateKey));
  if (key === undefined) return fail('holds no unencrypted PEM private key in tls.key');
  if (!certificate.checkPrivateKey(key)) return fail('holds a private key that does not belong to its certificate');
  return ok({
    id: `${secret.metadata.namespace ?? ''}/${secret.metadata.name}`,
    owner: keyOf(secret),
    type: 'key-pair',
    certificateChain,
    privateKey,
  });
});

const textOf = (secret: Secret, key: string): string | undefined => {
  const data = secret.data?.[key];
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
};

const parsed = <T>(parse: () => T): T | undefined => {
  try {
    return parse();
  } catch {
    // What cannot be parsed is the user's mistake and told as a verdict; OpenSSL's own words say nothing more.
    return undefined;
  }
};

/** From when until when a certificate is valid, in ms; undefined of what is no certificate. */
export const certificateValidity = memo((secret: TlsSecret): { readonly from: number; readonly to: number } | undefined => {
  if (secret.type !== 'key-pair') return undefined;
  const { validFromDate, validToDate } = new X509Certificate(secret.certificateChain);
  return { from: validFromDate.getTime(), to: validToDate.getTime() };
});

/** Names a certificate is for: its DNS subject alternative names, lower case. */
export const certificateNames = memo((secret: TlsSecret & { readonly type: 'key-pair' }): readonly string[] =>
  (new X509Certificate(secret.certificateChain).subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase()),
);
