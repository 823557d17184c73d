import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { metadataOf } from './metadata.ts';

/** An identity without rights or token: Envoys never speak to the API server. */
export const serviceAccountFrom = (infrastructure: Infrastructure, uid: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: metadataOf(infrastructure, uid),
  automountServiceAccountToken: false,
});
