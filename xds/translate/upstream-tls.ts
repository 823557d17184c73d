import { any } from '../any.ts';
import type { Backend, BackendTls, TlsSecret } from '../../src/model/graph.ts';
import type { CertificateValidationContext, CommonTlsContext, TransportSocket } from '../types.ts';
import { sdsSecretFrom } from './config-source.ts';
import { unlessEmpty } from './unless-empty.ts';

type SubjectAltNameMatcher = NonNullable<CertificateValidationContext['matchTypedSubjectAltNames']>[number];

const alpn = { http1: ['http/1.1'], http2: ['h2'], tcp: [], udp: [] } as const satisfies Record<Backend['protocol'], readonly string[]>;

/** TLS towards a backend, by Gateway API `BackendTLSPolicy`. `clientCertificate` is shown to backends that such a policy speaks for. */
export const upstreamTlsFrom = (
  tls: BackendTls,
  protocol: Backend['protocol'],
  clientCertificate: TlsSecret | undefined,
  systemCaFile: string,
): TransportSocket => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    sni: tls.hostname,
    commonTlsContext: {
      alpnProtocols: unlessEmpty(alpn[protocol]),
      tlsCertificateSdsSecretConfigs:
        clientCertificate === undefined || tls.policy === undefined ? undefined : [sdsSecretFrom(clientCertificate.id)],
      ...validationFrom(tls, systemCaFile),
    },
  }),
});

const validationFrom = (tls: BackendTls, systemCaFile: string): CommonTlsContext => {
  const { verify } = tls;
  const matchTypedSubjectAltNames = namesFrom(tls);
  if (verify.by === 'none') return {};
  if (verify.by === 'system') return { validationContext: { trustedCa: { filename: systemCaFile }, matchTypedSubjectAltNames } };
  return {
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames },
      validationContextSdsSecretConfig: sdsSecretFrom(verify.ca.id),
    },
  };
};

/** One of these must be in the certificate. For DNS names Envoy's exact match understands a certificate's wildcards. */
const namesFrom = ({ hostname, subjectAltNames }: BackendTls): readonly SubjectAltNameMatcher[] | undefined => {
  if (subjectAltNames.length > 0)
    return subjectAltNames.map(({ type, value }) => ({ sanType: type === 'URI' ? 'URI' : 'DNS', matcher: { exact: value } }));
  return hostname === undefined ? undefined : [{ sanType: 'DNS', matcher: { exact: hostname } }];
};
