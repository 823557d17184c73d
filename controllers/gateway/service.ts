import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure, ServedPort } from '../../src/model/infrastructure.ts';
import type { Entrances } from './entrances.ts';
import { metadataOf, selectorOf } from './metadata.ts';
import { entranceServiceNameOf } from './names.ts';

type Parameters = NonNullable<Infrastructure['parameters']['service']>;

export const serviceTypeOf = ({ parameters }: Infrastructure): NonNullable<Parameters['type']> =>
  parameters.service?.type ?? 'LoadBalancer';

/**
 * Where clients reach the Gateway. What parameters say for other types of Service is left out, so that a Gateway may choose another type
 * than its class without having to undo the rest.
 *
 * The first of the Gateway's static addresses is asked of whoever gives out addresses for the type: `loadBalancerIP` or `clusterIP`
 * (GEP-1762). `externalIPs` are never used: they need nobody's consent, so whoever may write a Gateway could draw to it what others send to
 * any address (CVE-2020-8554), with our rights. What the Service did not get makes the Gateway `AddressNotUsable`.
 */
export const serviceFrom = (infrastructure: Infrastructure, uid: string): KubeObject => {
  const { parameters, ports } = infrastructure;
  const { service = {} } = parameters;
  const type = serviceTypeOf(infrastructure);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(infrastructure, uid, service),
    spec: {
      type,
      selector: selectorOf(infrastructure),
      ports: ports.map((port) => portFrom(port, type === 'ClusterIP' ? undefined : service.nodePorts)),
      ipFamilyPolicy: service.ipFamilyPolicy,
      ipFamilies: service.ipFamilies,
      ...ofType(type, service, infrastructure.addresses[0]),
    },
  };
};

/** Where proxies of tailnets reach the Envoys: inside the cluster only, by a name that stays when Envoys come and go. */
export const entranceServiceFrom = (infrastructure: Infrastructure, uid: string, { ports }: Entrances): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(infrastructure, uid, { name: entranceServiceNameOf(infrastructure) }),
  spec: {
    type: 'ClusterIP',
    selector: selectorOf(infrastructure),
    ipFamilyPolicy: 'PreferDualStack',
    ports: ports.map((port) => ({ name: `tcp-${port}`, protocol: 'TCP', port, targetPort: port })),
  },
});

const ofType = (type: ReturnType<typeof serviceTypeOf>, service: Parameters, address: string | undefined): object => {
  switch (type) {
    case 'ClusterIP':
      return { clusterIP: address };
    case 'NodePort':
      return { externalTrafficPolicy: service.externalTrafficPolicy };
    case 'LoadBalancer':
      return {
        loadBalancerIP: address,
        loadBalancerClass: service.loadBalancerClass,
        externalTrafficPolicy: service.externalTrafficPolicy,
        allocateLoadBalancerNodePorts: service.allocateLoadBalancerNodePorts,
        loadBalancerSourceRanges: service.loadBalancerSourceRanges,
      };
  }
};

const portFrom = ({ port, boundPort, transport }: ServedPort, nodePorts: Parameters['nodePorts']): object => ({
  name: `${transport.toLowerCase()}-${port}`,
  protocol: transport,
  port,
  targetPort: boundPort,
  nodePort: nodePorts?.find((fixed) => fixed.port === port)?.nodePort,
});
