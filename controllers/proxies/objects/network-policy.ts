import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { byCodeUnit } from '../../../src/lib/key.ts';
import { connectPort, type ProxySet } from '../../../src/model/proxy-set.ts';
import { labelValueOf } from '../../gateway/names.ts';
import { healthPort, wireGuardPort } from './layout.ts';
import { metadataOf, selectorOf } from './metadata.ts';
import { isForwarding } from './shared-config.ts';

/**
 * Into the pods: Envoys of the Gateways that use them, told by the label that any Envoy of a Gateway bears (GEP-1762), whoever runs it; WireGuard
 * and health from anywhere. The HTTP proxy asks nobody who they are and dials whatever it is told to: this is its only lock.
 */
export const networkPolicyFrom = (set: ProxySet, uid: string): KubeObject => {
  const users = usersOf(set);
  const ports = portsOf(set);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(set, uid),
    spec: {
      podSelector: { matchLabels: selectorOf(set) },
      policyTypes: ['Ingress'],
      ingress: [
        // A rule without anybody in `from` admits everybody, and one without ports is for all of them.
        ...(users.length === 0 || ports.length === 0 ? [] : [{ from: users, ports }]),
        {
          ports: [
            { protocol: 'TCP', port: healthPort },
            { protocol: 'UDP', port: wireGuardPort },
          ],
        },
      ],
    },
  };
};

const usersOf = ({ gateways }: ProxySet): readonly object[] =>
  gateways
    .toSorted((one, other) => byCodeUnit(`${one.namespace}/${one.name}`, `${other.namespace}/${other.name}`))
    .map(({ namespace, name }) => ({
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      podSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': labelValueOf(name) } },
    }));

/** Nobody in the cluster has business with ingress proxies: it is they who connect to Envoys. */
const portsOf = (set: ProxySet): readonly { readonly protocol: string; readonly port: number }[] => {
  if (set.direction === 'ingress') return [];
  if (!isForwarding(set)) return [{ protocol: 'TCP', port: connectPort }];
  return [...set.forwards.values()]
    .flatMap(({ ports }) => ports.map(({ protocol, matchPort }) => ({ protocol, port: matchPort })))
    .toSorted((one, other) => one.port - other.port || byCodeUnit(one.protocol, other.protocol));
};
