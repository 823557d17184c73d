import type { LocalObjectReference } from '../../api/generated/gateway-api.ts';
import { caBundleFrom } from '../../lib/ca-bundle.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, type Result } from '../../lib/result.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

/**
 * The CA bundle one `caCertificateRefs` entry leads to: key `ca.crt` of a ConfigMap, or of a Secret, in `namespace`.
 * Fails with the reasons of `BackendTLSPolicyValidation.caCertificateRefs`.
 */
export const caCertificateOf = (
  ref: LocalObjectReference,
  namespace: string,
  field: string,
  read: Read<ModelTables>,
): Result<string, Verdict> => {
  const pem = pemOf(ref, namespace, read);
  if (!pem.ok) return fail({ reason: pem.problem.reason, message: `${field}: ${pem.problem.message}` });
  const bundle = caBundleFrom(pem.value);
  if (bundle.ok) return bundle;
  return fail({
    reason: 'InvalidCACertificateRef',
    message: `${field}: ca.crt of ${ref.kind} "${namespace}/${ref.name}" ${bundle.problem}`,
  });
};

const pemOf = ({ group, kind, name }: LocalObjectReference, namespace: string, read: Read<ModelTables>): Result<string, Verdict> => {
  if (group !== '' || (kind !== 'ConfigMap' && kind !== 'Secret')) {
    return fail({ reason: 'InvalidKind', message: `kind ${kind} of group "${group}" is not supported; ConfigMap and Secret are` });
  }
  const found = kind === 'ConfigMap' ? configMapText(namespace, name, read) : secretText(namespace, name, read);
  if (found.text !== undefined) return { ok: true, value: found.text };
  const message = found.exists ? `${kind} "${namespace}/${name}" has no key ca.crt` : `${kind} "${namespace}/${name}" not found`;
  return fail({ reason: 'InvalidCACertificateRef', message });
};

type Found = { readonly exists: boolean; readonly text?: string | undefined };

const configMapText = (namespace: string, name: string, read: Read<ModelTables>): Found => {
  const map = read('ConfigMap', localKey(namespace, name));
  return { exists: map !== undefined, text: map?.data?.['ca.crt'] ?? decoded(map?.binaryData?.['ca.crt']) };
};

const secretText = (namespace: string, name: string, read: Read<ModelTables>): Found => {
  const secret = read('Secret', localKey(namespace, name));
  return { exists: secret !== undefined, text: decoded(secret?.data?.['ca.crt']) };
};

const decoded = (base64: string | undefined): string | undefined =>
  base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
