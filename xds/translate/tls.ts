import { any } from '../any.ts';
import type { TlsTermination } from '../../src/model/graph.ts';
import type { CommonTlsContext, TransportSocket } from '../types.ts';
import { sdsSecretFrom } from './config-source.ts';

/** TLS towards clients; certificates come by SDS, so that one renewed drains nothing. `alpn` in order of preference. */
export const downstreamTlsFrom = (termination: TlsTermination, alpn: readonly string[]): TransportSocket => {
  const { certificates, clientValidation, minVersion } = termination;
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      commonTlsContext: {
        // Envoy's own default for clients, said so that it stays.
        tlsParams: { tlsMinimumProtocolVersion: minVersion === '1.3' ? 'TLSv1_3' : 'TLSv1_2' },
        tlsCertificateSdsSecretConfigs: certificates.map(({ id }) => sdsSecretFrom(id)),
        alpnProtocols: alpn,
        ...clientValidationFrom(clientValidation),
      },
      requireClientCertificate: clientValidation === undefined ? undefined : !clientValidation.insecureFallback,
    }),
  };
};

const clientValidationFrom = (validation: TlsTermination['clientValidation']): CommonTlsContext => {
  if (validation === undefined) return {};
  const validationContextSdsSecretConfig = sdsSecretFrom(validation.ca.id);
  if (!validation.insecureFallback) return { validationContextSdsSecretConfig };
  return {
    combinedValidationContext: {
      defaultValidationContext: { trustChainVerification: 'ACCEPT_UNTRUSTED' },
      validationContextSdsSecretConfig,
    },
  };
};
