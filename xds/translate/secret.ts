import type { TlsSecret } from '../../src/model/graph.ts';
import type { Secret } from '../types.ts';

/** SDS entry of a key pair or CA bundle. */
export const secretFrom = (secret: TlsSecret): Secret =>
  secret.type === 'ca'
    ? { name: secret.id, validationContext: { trustedCa: { inlineString: secret.trustedCa } } }
    : {
        name: secret.id,
        tlsCertificate: {
          certificateChain: { inlineString: secret.certificateChain },
          privateKey: { inlineString: secret.privateKey },
        },
      };
