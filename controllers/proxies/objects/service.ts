import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { connectPort, type ProxySet } from '../../../src/model/proxy-set.ts';
import { healthPort } from './layout.ts';
import { metadataOf, selectorOf } from './metadata.ts';
import { isForwarding } from './shared-config.ts';

/** Headless, named as the set: its EndpointSlices tell Envoys which pods are ready. Ports of mode `forward` are each target's own. */
export const serviceFrom = (set: ProxySet, uid: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(set, uid),
  spec: {
    clusterIP: 'None',
    selector: selectorOf(set),
    publishNotReadyAddresses: false,
    ports: [
      set.direction === 'egress' && !isForwarding(set)
        ? { name: 'http-proxy', protocol: 'TCP', port: connectPort, targetPort: connectPort }
        : { name: 'health', protocol: 'TCP', port: healthPort, targetPort: healthPort },
    ],
  },
});
