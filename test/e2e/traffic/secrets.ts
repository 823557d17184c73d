import type { Certificate } from '../../support/certificates.ts';

/** A TLS Secret in `default`. */
export const secretFrom = (name: string, { certificate, privateKey }: Certificate): string => `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: default }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey)} }
`;

/** A ConfigMap in `default` with a CA's certificate. */
export const caConfigMap = (name: string, { certificate }: Pick<Certificate, 'certificate'>): string => `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: default }
data: { ca.crt: ${JSON.stringify(certificate)} }
`;
