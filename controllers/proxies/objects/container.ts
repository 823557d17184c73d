import { connectPort, type ProxySet } from '../../../src/model/proxy-set.ts';
import { healthPort, paths, userId, wireGuardPort } from './layout.ts';
import { ingressConfigFile } from './ingress-config.ts';
import { serveConfigFile } from './serve-config.ts';
import { isForwarding, isKernel, sharedConfigNameOf } from './shared-config.ts';

type Variable = { readonly name: string; readonly value: string } | { readonly name: string; readonly valueFrom: object };

const variable = (name: string, value: string): Variable => ({ name, value });
const field = (name: string, fieldPath: string): Variable => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** Next to nothing, so that a pod finds a place; what a busy proxy takes is for its owner to say. */
const defaultResources = { requests: { cpu: '10m', memory: '64Mi' } } as const;

/** Rules of the kernel, its TUN device and its settings: what less than all rights does not give everywhere. */
const privileged = { privileged: true } as const;

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: userId,
  runAsGroup: userId,
} as const;

/** Containerboot, which runs tailscaled. `volumeMounts` as StatefulSet has them. */
export const containerFrom = (set: ProxySet, image: string, volumeMounts: readonly object[]): object => ({
  name: 'tailscale',
  image,
  env: environmentOf(set),
  ports: [
    { name: 'health', containerPort: healthPort, protocol: 'TCP' },
    { name: 'wireguard', containerPort: wireGuardPort, protocol: 'UDP' },
    ...(isConnecting(set) ? [{ name: 'http-proxy', containerPort: connectPort, protocol: 'TCP' }] : []),
  ],
  ...probes,
  ...(isForwarding(set)
    ? { lifecycle: { preStop: { httpGet: { path: '/internal-egress-services-preshutdown', port: healthPort, scheme: 'HTTP' } } } }
    : {}),
  resources: set.pod.resources ?? defaultResources,
  securityContext: isKernel(set) ? privileged : restricted,
  volumeMounts,
});

/** Lets the kernel of the pod forward, before anything is there that could be forwarded. Not everywhere is IPv6. */
export const forwardingContainerFrom = (image: string): object => ({
  name: 'sysctler',
  image,
  command: ['/bin/sh', '-c'],
  args: ['sysctl -w net.ipv4.ip_forward=1 && if sysctl net.ipv6.conf.all.forwarding; then sysctl -w net.ipv6.conf.all.forwarding=1; fi'],
  securityContext: privileged,
});

const isConnecting = (set: ProxySet): boolean => set.direction === 'egress' && !isForwarding(set);

/**
 * What containerboot goes by, as Tailscale's operator sets it, but for the mode and for health, which we always ask for. Without
 * `TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT` being false it would overrule AdvertiseServices of its config file.
 */
const environmentOf = (set: ProxySet): readonly Variable[] => [
  variable('TS_USERSPACE', String(!isKernel(set))),
  field('POD_IP', 'status.podIP'),
  field('POD_NAME', 'metadata.name'),
  field('POD_UID', 'metadata.uid'),
  field('POD_IPS', 'status.podIPs'),
  variable('TS_KUBE_SECRET', '$(POD_NAME)'),
  variable('TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT', 'false'),
  variable('TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR', `${paths.configs}/$(POD_NAME)`),
  variable('TS_INTERNAL_APP', `k8s-operator-proxygroup-${set.direction}`),
  variable('TS_ENABLE_HEALTH_CHECK', 'true'),
  variable('PORT', String(wireGuardPort)),
  ...(isKernel(set) ? [] : [variable('HOME', paths.scratch)]),
  ...(isForwarding(set) ? [variable('TS_EGRESS_PROXIES_CONFIG_PATH', paths.shared)] : []),
  // The brackets are for IPv6, and do no harm to IPv4. No other address: peers of a userspace node reach what listens on loopback.
  ...(isConnecting(set) ? [variable('TS_OUTBOUND_HTTP_PROXY_LISTEN', `[$(POD_IP)]:${connectPort}`)] : []),
  ...(set.direction === 'ingress' ? ingressEnvironmentOf(set) : []),
];

/** Certificates are the first pod's to get; the others read them. Where the kernel leads, nothing is served, but what a pod of another mode served has to go. */
const ingressEnvironmentOf = (set: ProxySet): readonly Variable[] => [
  variable('TS_SERVE_CONFIG', `${paths.shared}/${serveConfigFile}`),
  isKernel(set)
    ? variable('TS_INGRESS_PROXIES_CONFIG_PATH', `${paths.shared}/${ingressConfigFile}`)
    : variable('TS_EXPERIMENTAL_CERT_SHARE', 'true'),
];

const health = { httpGet: { path: '/healthz', port: healthPort, scheme: 'HTTP' } } as const;

/** A proxy whose key is refused waits up to ten minutes for another one: neither of the slow probes may end it before. */
const probes = {
  startupProbe: { ...health, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 420 },
  readinessProbe: { ...health, periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 2 },
  livenessProbe: { ...health, periodSeconds: 30, timeoutSeconds: 5, failureThreshold: 24 },
} as const;

/** Volume of what is the same for all pods; none for `connect`, which needs nothing of the kind. */
export const sharedVolumeOf = (set: ProxySet): object | undefined =>
  isConnecting(set) ? undefined : { name: 'shared', configMap: { name: sharedConfigNameOf(set), optional: false, defaultMode: 0o444 } };
