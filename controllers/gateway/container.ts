import type { ProxyParameters } from '../../src/model/infrastructure.ts';
import { drainCommand, drainSecondsOf } from './drain.ts';
import { adminPort, bootstrapFile, defaultImage, paths, probePort } from './layout.ts';

/** Enough for a few hundred routes; a share of CPU is also what autoscaling measures by. */
const defaultResources = { requests: { cpu: '100m', memory: '128Mi' } } as const;

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
} as const;

type ContainerOptions = {
  /** `namespace/name` of the Gateway. */
  readonly gateway: string;
  readonly parameters: ProxyParameters;
  /** Where parameters name none. */
  readonly image: string | undefined;
  readonly volumeMounts: readonly object[];
};

/**
 * The Envoy container. It has no liveness probe: an Envoy that waits for us, or is busy, is no better after a restart. Ports of the
 * Gateway are not listed: a new listener must not replace pods.
 */
export const containerFrom = ({ gateway, parameters, image = defaultImage, volumeMounts }: ContainerOptions): object => {
  const { envoy = {} } = parameters;
  return {
    name: 'envoy',
    image: envoy.image ?? image,
    imagePullPolicy: envoy.imagePullPolicy,
    command: ['envoy'],
    args: argumentsFrom(gateway, parameters),
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: [{ name: 'probe', containerPort: probePort, protocol: 'TCP' }],
    readinessProbe: {
      httpGet: { path: '/ready', port: 'probe' },
      periodSeconds: 2,
      timeoutSeconds: 1,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { exec: { command: drainCommand(adminPort, drainSecondsOf(parameters)) } } },
    resources: envoy.resources ?? defaultResources,
    securityContext: { ...restricted, ...envoy.securityContext },
    volumeMounts,
  };
};

/** No hot restart: pods are replaced instead, and it would want shared memory. */
const argumentsFrom = (gateway: string, parameters: ProxyParameters): readonly string[] => {
  const { logLevel = 'warning', concurrency, extraArgs = [] } = parameters.envoy ?? {};
  const flags = {
    '--config-path': `${paths.config}/${bootstrapFile}`,
    '--service-cluster': gateway,
    '--service-node': '$(POD_NAME)',
    '--log-level': logLevel,
    '--drain-time-s': drainSecondsOf(parameters),
    ...(concurrency === undefined ? {} : { '--concurrency': concurrency }),
  };
  return [...Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]), '--disable-hot-restart', ...extraArgs];
};
