import type { Kind } from '../../src/api/kinds.ts';

/** Specs that are right. The first of each kind uses every part of it. */
export const samples: readonly { readonly kind: Kind; readonly title: string; readonly spec: unknown }[] = [
  {
    kind: 'GatewayParameters',
    title: 'everything',
    spec: {
      autoscaling: { minReplicas: 2, maxReplicas: 10, targetCPUUtilizationPercentage: 70 },
      envoy: {
        image: 'envoyproxy/envoy:v1.40.0',
        imagePullPolicy: 'IfNotPresent',
        logLevel: 'off',
        concurrency: 2,
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '1Gi' } },
        securityContext: { readOnlyRootFilesystem: true },
        extraArgs: ['--disable-hot-restart'],
      },
      pod: {
        labels: { team: 'edge' },
        annotations: { 'example.com/note': 'ours' },
        imagePullSecrets: [{ name: 'registry' }],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'edge', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { podAntiAffinity: {} },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' }],
        priorityClassName: 'edge',
        securityContext: { runAsUser: 1000 },
      },
      service: {
        type: 'LoadBalancer',
        loadBalancerClass: 'tailscale',
        annotations: { 'tailscale.com/hostname': 'edge' },
        labels: { team: 'edge' },
        externalTrafficPolicy: 'Local',
        allocateLoadBalancerNodePorts: false,
        loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/8'],
        ipFamilyPolicy: 'PreferDualStack',
        ipFamilies: ['IPv6', 'IPv4'],
        nodePorts: [{ port: 443, nodePort: 30443 }],
      },
      podDisruptionBudget: { maxUnavailable: '50%' },
      shutdown: { drainTime: '1m30s' },
    },
  },
  { kind: 'GatewayParameters', title: 'nothing', spec: {} },
  { kind: 'GatewayParameters', title: 'a budget as a number', spec: { replicas: 3, podDisruptionBudget: { minAvailable: 2 } } },
];

/** Specs that are wrong, with a part of what `check` says about each. */
export const refusals: readonly { readonly kind: Kind; readonly title: string; readonly spec: unknown; readonly because: string }[] = [
  {
    kind: 'GatewayParameters',
    title: 'fixed and automatic',
    spec: { replicas: 2, autoscaling: { maxReplicas: 3 } },
    because: 'replicas and autoscaling exclude each other',
  },
  {
    kind: 'GatewayParameters',
    title: 'a least above the most',
    spec: { autoscaling: { minReplicas: 4, maxReplicas: 3 } },
    because: 'minReplicas must not exceed maxReplicas',
  },
  { kind: 'GatewayParameters', title: 'a typing slip', spec: { replica: 2 }, because: 'unknown field' },
  { kind: 'GatewayParameters', title: 'an image with a space', spec: { envoy: { image: 'a b' } }, because: 'must match' },
  {
    kind: 'GatewayParameters',
    title: 'node ports of a ClusterIP',
    spec: { service: { type: 'ClusterIP', nodePorts: [{ port: 80, nodePort: 30080 }] } },
    because: 'nodePorts needs type LoadBalancer or NodePort',
  },
  {
    kind: 'GatewayParameters',
    title: 'a port twice',
    spec: {
      service: {
        nodePorts: [
          { port: 80, nodePort: 30080 },
          { port: 80, nodePort: 30081 },
        ],
      },
    },
    because: 'duplicate of item 0',
  },
  {
    kind: 'GatewayParameters',
    title: 'a budget both ways',
    spec: { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } },
    because: 'minAvailable and maxUnavailable exclude each other',
  },
  {
    kind: 'GatewayParameters',
    title: 'a share that is none',
    spec: { podDisruptionBudget: { maxUnavailable: 'half' } },
    because: 'must be a number from 0, or a percentage such as 50%',
  },
  { kind: 'GatewayParameters', title: 'a drain time in days', spec: { shutdown: { drainTime: '1d' } }, because: 'must match' },
];
