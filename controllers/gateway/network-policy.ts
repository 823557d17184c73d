import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { probePort } from './layout.ts';
import { proxySetLabel } from '../runtime/labels.ts';
import type { Entrances } from './entrances.ts';
import { metadataOf, selectorOf } from './metadata.ts';

/**
 * Into the pods: the Gateway's ports and the probe, from anywhere; entrances from tailnets, where whoever connects may say who he is, from the
 * proxies alone. Out of them: everything, since backends may be anywhere.
 */
export const networkPolicyFrom = (infrastructure: Infrastructure, uid: string, entrances?: Entrances): KubeObject => ({
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
      ...(entrances === undefined ? [] : entranceRulesFrom(entrances)),
    ],
    egress: [{}],
  },
});

/** None without callers: a rule without anybody in `from` admits everybody. */
const entranceRulesFrom = ({ ports, callers }: Entrances): readonly object[] =>
  callers.length === 0
    ? []
    : [
        {
          from: callers.map(({ namespace, name }) => ({
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
            podSelector: { matchLabels: { [proxySetLabel]: name, 'app.kubernetes.io/component': 'ingress' } },
          })),
          ports: ports.map((port) => ({ protocol: 'TCP', port })),
        },
      ];
