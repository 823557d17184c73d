import type { Gateway } from '../../api/generated/gateway-api.ts';
import type { Read } from '../../lib/memo.ts';
import type { Result } from '../../lib/result.ts';
import type { TlsSecret } from '../graph.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { keyPairOf } from './certificates.ts';

/** What Envoy presents to backends (`spec.tls.backend.clientCertificateRef`); undefined where none is asked for. */
export const clientCertificateOf = (gateway: Gateway, read: Read<ModelTables>): Result<TlsSecret, Verdict> | undefined => {
  const ref = gateway.spec.tls?.backend?.clientCertificateRef;
  const from = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: gateway.metadata.namespace ?? '' };
  return ref && keyPairOf(ref, from, 'spec.tls.backend.clientCertificateRef', 'InvalidClientCertificateRef', read);
};
