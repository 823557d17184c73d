import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { probePort } from './layout.ts';
import { metadataOf, selectorOf } from './metadata.ts';

/** Into the pods: the Gateway's ports and the probe, from anywhere. Out of them: everything, since backends may be anywhere. */
export const networkPolicyFrom = (infrastructure: Infrastructure, uid: string): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: metadataOf(infrastructure, uid),
  spec: {
    podSelector: { matchLabels: selectorOf(infrastructure) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        ports: [
          ...infrastructure.ports.map(({ boundPort, transport }) => ({ protocol: transport, port: boundPort })),
          { protocol: 'TCP', port: probePort },
        ],
      },
    ],
    egress: [{}],
  },
});
