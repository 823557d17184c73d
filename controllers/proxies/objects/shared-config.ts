import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { byCodeUnit } from '../../../src/lib/key.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { healthPort } from './layout.ts';
import { metadataOf } from './metadata.ts';
import { ingressConfigFile, ingressMappingsFrom, type Mappings } from './ingress-config.ts';
import { serveConfigFile } from './serve-config.ts';

/** Of the ConfigMap that all pods of the set mount. */
export const sharedConfigNameOf = ({ name, direction }: Pick<ProxySet, 'name' | 'direction'>): string => `${name}-${direction}-config`;

/** Whether the pods have a device of the tailnet in their kernel, and rules there that they have from the ConfigMap. */
export const isKernel = ({ mode }: Pick<ProxySet, 'mode'>): boolean => mode === 'forward';

/** Whether the pods forward to the tailnet by rules of the kernel. */
export const isForwarding = ({ direction, mode }: ProxySet): boolean => direction === 'egress' && mode === 'forward';

/** What proxies in mode `forward` lead where, in `binaryData` as Tailscale's operator keeps it. */
export const egressConfigFrom = (set: ProxySet, uid: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(set, uid, sharedConfigNameOf(set)),
  binaryData: Object.fromEntries(Object.entries(egressFilesFrom(set)).map(([name, text]) => [name, encoded(text)])),
});

/** What ingress proxies serve, and what their kernels lead where; in the same form. */
export const ingressConfigFrom = (set: ProxySet, uid: string, serve: string, lead: Mappings): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(set, uid, sharedConfigNameOf(set)),
  binaryData: {
    [serveConfigFile]: encoded(serve),
    ...(isKernel(set) || lead.size > 0 ? { [ingressConfigFile]: encoded(ingressMappingsFrom(lead)) } : {}),
  },
});

const encoded = (text: string): string => Buffer.from(text).toString('base64');

/**
 * `egress-services` and `hep-pings` as containerboot reads them. No pings: before a pod ends it would ask the address for health until no answer
 * is its own, which the last pod that ends never sees. Envoys hear by EDS that a pod is going, for which the hook's own ten seconds are enough.
 */
export const egressFilesFrom = ({ forwards, namespace, name }: ProxySet): Readonly<Record<string, string>> => {
  const services = [...forwards]
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .map(([mapping, { ip, fqdn, ports }]) => [
      mapping,
      {
        healthCheckEndpoint: `http://${name}.${namespace}.svc:${healthPort}/healthz`,
        tailnetTarget: { ip, fqdn },
        ports: ports
          .toSorted((one, other) => one.matchPort - other.matchPort || byCodeUnit(one.protocol, other.protocol))
          .map(({ protocol, matchPort, targetPort }) => ({ protocol, matchPort, targetPort })),
      },
    ]);
  return { 'egress-services': JSON.stringify(Object.fromEntries(services)), 'hep-pings': '0' };
};
