import { any } from '../xds/any.ts';
import type { CertificateValidationContext, CommonTlsContext, TransportSocket } from '../xds/types.ts';
import { isIpLiteral } from './address.ts';

/** TLS towards the xDS server called `name`. An IP address is no server name: it is verified, and not sent. */
export const tlsSocketTo = (name: string, certificates: CommonTlsContext): TransportSocket => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    ...(isIpLiteral(name) ? {} : { sni: name }),
    // Envoy's clients end at TLS 1.2 unless told otherwise, and tailplane begins at 1.3.
    commonTlsContext: { alpnProtocols: ['h2'], tlsParams: { tlsMaximumProtocolVersion: 'TLSv1_3' }, ...certificates },
  }),
});

/** Believes certificates for `name` that an authority in the file `ca` has signed. */
export const validationOf = (name: string, ca: string): CertificateValidationContext => ({
  trustedCa: { filename: ca },
  matchTypedSubjectAltNames: [{ sanType: isIpLiteral(name) ? 'IP_ADDRESS' : 'DNS', matcher: { exact: name } }],
});
