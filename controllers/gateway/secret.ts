import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { XdsCredentials } from './context.ts';
import { metadataOf } from './metadata.ts';
import { objectNameOf } from './names.ts';

export const secretNameOf = (infrastructure: Infrastructure): string => `${objectNameOf(infrastructure)}-xds`;

/** What the Gateway's Envoys show us and know us by. Renewed in place: kubelets replace the files, Envoys read them anew. */
export const secretFrom = (infrastructure: Infrastructure, uid: string, credentials: XdsCredentials): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(infrastructure, uid, { name: secretNameOf(infrastructure) }),
  type: 'kubernetes.io/tls',
  data: {
    'tls.crt': btoa(credentials.certificate),
    'tls.key': btoa(credentials.privateKey),
    'ca.crt': btoa(credentials.caBundle),
  },
});
