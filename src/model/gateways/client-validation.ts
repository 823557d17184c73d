import type { FrontendTLSValidation, Gateway, ObjectReference } from '../../api/generated/gateway-api.ts';
import { keyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, type Result } from '../../lib/result.ts';
import type { TlsTermination } from '../graph.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import { caCertificateOf } from '../routes/ca-certificates.ts';
import type { ModelTables } from '../tables.ts';

/** What a Gateway's `spec.tls.frontend` asks of clients on one port. */
export type ClientValidation = {
  readonly validation?: NonNullable<TlsTermination['clientValidation']>;
  /** Set when a reference does not resolve (`ResolvedRefs: False`). */
  readonly unresolved?: Verdict;
  /** Set when no reference does: then the listener must serve nobody (`Accepted: False`). */
  readonly unusable?: Verdict;
};

/** Per-port configuration replaces the default as a whole (Gateway API `FrontendTLSConfig.perPort`). */
const frontendValidationOf = (gateway: Gateway, port: number): FrontendTLSValidation | undefined => {
  const frontend = gateway.spec.tls?.frontend;
  const perPort = frontend?.perPort?.find((config) => config.port === port);
  return perPort === undefined ? frontend?.default.validation : perPort.tls.validation;
};

/** Resolves it to one CA bundle of all its references that are good. */
export const clientValidationOf = (gateway: Gateway, port: number, read: Read<ModelTables>): ClientValidation => {
  const asked = frontendValidationOf(gateway, port);
  if (asked === undefined) return {};
  const bundles = asked.caCertificateRefs.map((ref, index) =>
    bundleOf(ref, gateway, `spec.tls.frontend caCertificateRefs[${index}]`, read),
  );
  const [first] = bundles.flatMap((bundle) => (bundle.ok ? [] : [bundle.problem]));
  const pems = bundles.flatMap((bundle) => (bundle.ok ? [bundle.value] : []));
  const unresolved = first === undefined ? {} : { unresolved: first };
  if (pems.length === 0)
    return { ...unresolved, unusable: { reason: 'NoValidCACertificate', message: first?.message ?? 'no CA certificate is given' } };
  const ca = {
    id: `${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}/frontend-ca/${port}`,
    owner: keyOf(gateway),
    type: 'ca',
    trustedCa: pems.join('\n'),
  } as const;
  return { ...unresolved, validation: { ca, insecureFallback: asked.mode === 'AllowInsecureFallback' } };
};

const bundleOf = (ref: ObjectReference, gateway: Gateway, field: string, read: Read<ModelTables>): Result<string, Verdict> => {
  const home = gateway.metadata.namespace ?? '';
  const { group, kind, name, namespace = home } = ref;
  if (group !== '' || (kind !== 'ConfigMap' && kind !== 'Secret')) {
    return fail({
      reason: 'InvalidCACertificateKind',
      message: `${field}: kind ${kind} of group "${group}" is not supported; ConfigMap and Secret are`,
    });
  }
  if (!isGranted(read, { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: home }, { group, kind, namespace, name })) {
    const what = `${kind} "${namespace}/${name}"`;
    return fail({ reason: 'RefNotPermitted', message: `${field}: ${what} is in another namespace and no ReferenceGrant there permits it` });
  }
  return caCertificateOf({ group, kind, name }, namespace, field, read);
};
