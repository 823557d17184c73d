import { fingerprint } from '../../src/lib/fingerprint.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure, Verbatim } from '../../src/model/infrastructure.ts';
import { filesFrom } from './config-map.ts';
import { containerFrom } from './container.ts';
import type { GatewayContext } from './context.ts';
import { gracePeriodSecondsOf } from './drain.ts';
import { paths, probePort, userId } from './layout.ts';
import { labelsOf, metadataOf, selectorOf } from './metadata.ts';
import { objectNameOf } from './names.ts';
import { secretNameOf } from './secret.ts';

/** New pods when an Envoy has to start from something else; a renewed certificate changes nothing here. */
const configHashAnnotation = 'gateway.tailscale.com/config-hash';

const restricted = {
  runAsNonRoot: true,
  runAsUser: userId,
  runAsGroup: userId,
  fsGroup: userId,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** The Gateway's Envoys. With autoscaling the number of replicas is the autoscaler's, and absent here. */
export const deploymentFrom = (infrastructure: Infrastructure, uid: string, context: GatewayContext): KubeObject => {
  const { parameters } = infrastructure;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(infrastructure, uid),
    spec: {
      ...(parameters.autoscaling === undefined ? { replicas: parameters.replicas ?? 1 } : {}),
      selector: { matchLabels: selectorOf(infrastructure) },
      // A new Envoy is ready before an old one goes.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      revisionHistoryLimit: 2,
      template: podTemplateFrom(infrastructure, context),
    },
  };
};

const podTemplateFrom = (infrastructure: Infrastructure, context: GatewayContext): object => {
  const { parameters, namespace, name } = infrastructure;
  const { pod = {} } = parameters;
  return {
    metadata: {
      labels: labelsOf(infrastructure, pod.labels),
      annotations: {
        ...scrapedByPrometheus,
        ...pod.annotations,
        ...infrastructure.annotations,
        [configHashAnnotation]: hashOf(filesFrom(context)),
      },
    },
    spec: {
      serviceAccountName: objectNameOf(infrastructure),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSecondsOf(parameters),
      securityContext: { ...restricted, ...pod.securityContext },
      imagePullSecrets: pod.imagePullSecrets,
      nodeSelector: pod.nodeSelector,
      tolerations: pod.tolerations,
      affinity: pod.affinity,
      topologySpreadConstraints: spreadOf(infrastructure),
      priorityClassName: pod.priorityClassName,
      containers: [
        containerFrom({ gateway: `${namespace}/${name}`, parameters, image: context.image, volumeMounts: volumesOf(context).map(mountOf) }),
      ],
      volumes: volumesOf(context).map((volume) => volumeFrom(volume, infrastructure)),
    },
  };
};

const scrapedByPrometheus = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(probePort),
  'prometheus.io/path': '/stats/prometheus',
} as const;

const hashOf = (files: Readonly<Record<string, string>>): string =>
  fingerprint(JSON.stringify(Object.entries(files).toSorted(([one], [other]) => byCodeUnit(one, other))));

/** Zones and nodes share the Envoys as well as they can; no Envoy stays away for that. */
const spreadOf = (infrastructure: Infrastructure): readonly Verbatim[] => {
  const labelSelector = { matchLabels: selectorOf(infrastructure) };
  const asked = infrastructure.parameters.pod?.topologySpreadConstraints;
  if (asked !== undefined) return asked.map((constraint) => ({ labelSelector, ...constraint }));
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector,
  }));
};

type Volume = 'config' | 'xds';

const volumesOf = ({ tls }: GatewayContext): readonly Volume[] => (tls === undefined ? ['config'] : ['config', 'xds']);

const mountOf = (name: Volume): object => ({
  name,
  mountPath: name === 'config' ? paths.config : paths.certificates,
  readOnly: true,
});

const volumeFrom = (name: Volume, infrastructure: Infrastructure): object =>
  name === 'config'
    ? { name, configMap: { name: objectNameOf(infrastructure), defaultMode: 0o444 } }
    : { name, secret: { secretName: secretNameOf(infrastructure), defaultMode: 0o440 } };
