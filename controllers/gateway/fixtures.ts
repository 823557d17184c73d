/** Values for tests of this folder. */
import type { Infrastructure, ProxyParameters } from '../../src/model/infrastructure.ts';
import type { GatewayContext } from './context.ts';

/** Gateway `infra/edge` of class `tailplane` with ports 80 and 53/UDP, and whatever a test says besides. */
export const infrastructureFor = (parameters: ProxyParameters = {}, more: Partial<Infrastructure> = {}): Infrastructure => {
  const { namespace = 'infra', name = 'edge' } = more;
  return {
    gateway: `Gateway/${namespace}/${name}`,
    namespace,
    name,
    uid: 'f4b8b2c0-0000-4000-8000-000000000001',
    className: 'tailplane',
    going: false,
    labels: {},
    annotations: {},
    parameters,
    addresses: [],
    ports: [
      { port: 53, boundPort: 10_053, transport: 'UDP' },
      { port: 80, boundPort: 10_080, transport: 'TCP' },
    ],
    ...more,
  };
};

export const contextWithTls: GatewayContext = {
  xds: { host: 'tailplane.tailplane-system.svc', port: 18_000 },
  tls: { credentials: { certificate: 'certificate PEM', privateKey: 'key PEM', caBundle: 'CA PEM' } },
};

export const contextInPlainText: GatewayContext = { xds: { host: '10.0.0.1', port: 18_000 } };

/** Parameters that between them say everything there is to say, by what they are about. */
export const variants: Readonly<Record<string, ProxyParameters>> = {
  defaults: {},
  'several replicas': { replicas: 3, podDisruptionBudget: { minAvailable: '50%' } },
  autoscaling: { autoscaling: { minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 60 } },
  'an envoy of its own': {
    envoy: {
      image: 'registry.example/envoy:1',
      imagePullPolicy: 'Always',
      logLevel: 'debug',
      concurrency: 2,
      resources: { requests: { cpu: '0.5', memory: '512Mi' }, limits: { memory: '1Gi' } },
      securityContext: { readOnlyRootFilesystem: false, capabilities: { add: ['NET_BIND_SERVICE'] } },
      extraArgs: ['--log-format', '%v'],
    },
    shutdown: { drainTime: '1m500ms' },
  },
  'pods of its own': {
    pod: {
      labels: { team: 'edge' },
      annotations: { note: 'hello' },
      imagePullSecrets: [{ name: 'registry' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'edge', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'edge', operator: 'Exists' }] }],
          },
        },
      },
      topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
      priorityClassName: 'system-cluster-critical',
      securityContext: { runAsUser: null, sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '1024 65000' }] },
    },
  },
  'a load balancer of its own': {
    service: {
      type: 'LoadBalancer',
      loadBalancerClass: 'tailscale',
      annotations: { 'tailscale.com/hostname': 'edge' },
      labels: { exposed: 'yes' },
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
      loadBalancerSourceRanges: ['100.64.0.0/10'],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
    },
  },
  'node ports': { service: { type: 'NodePort', externalTrafficPolicy: 'Local', nodePorts: [{ port: 80, nodePort: 30_080 }] } },
  'inside only, over a class that says otherwise': {
    service: {
      type: 'ClusterIP',
      loadBalancerClass: 'tailscale',
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
      loadBalancerSourceRanges: ['100.64.0.0/10'],
      nodePorts: [{ port: 80, nodePort: 30_081 }],
    },
  },
};
