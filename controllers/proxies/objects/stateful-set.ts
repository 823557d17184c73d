import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import type { Verbatim } from '../../../src/model/infrastructure.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { containerFrom, forwardingContainerFrom, sharedVolumeOf } from './container.ts';
import { mountedConfigs, paths, userId } from './layout.ts';
import { labelsOf, metadataOf, selectorOf } from './metadata.ts';
import { configNameOf, stateNameOf } from './secrets.ts';
import { isForwarding, isKernel } from './shared-config.ts';

/** Proxies that need no rights get none. */
const unprivileged = {
  runAsNonRoot: true,
  runAsUser: userId,
  runAsGroup: userId,
  fsGroup: userId,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** For an ingress proxy that is new to be told what to advertise, and for its tailnet to send it peers: before that, the others are needed. */
const settlingSeconds = 60;

/**
 * The proxies, `replicas` of them. One is replaced at a time, and the next when it has been ready for a while, so that Envoys have heard of it.
 * A set that waits for an auth key may have fewer than it is to have.
 */
export const statefulSetFrom = (set: ProxySet, uid: string, image: string, replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: metadataOf(set, uid),
  spec: {
    serviceName: set.name,
    replicas,
    selector: { matchLabels: selectorOf(set) },
    podManagementPolicy: 'Parallel',
    updateStrategy: { type: 'RollingUpdate' },
    minReadySeconds: set.direction === 'ingress' ? settlingSeconds : 5,
    revisionHistoryLimit: 2,
    template: { metadata: { labels: labelsOf(set) }, spec: podSpecFrom(set, image) },
  },
});

const podSpecFrom = (set: ProxySet, image: string): object => {
  const { nodeSelector, tolerations, affinity } = set.pod;
  const volumes = volumesOf(set);
  return {
    serviceAccountName: set.name,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: isForwarding(set) ? 360 : 60,
    ...(isKernel(set) ? { initContainers: [forwardingContainerFrom(image)] } : { securityContext: unprivileged }),
    nodeSelector,
    tolerations,
    affinity,
    topologySpreadConstraints: spreadOf(set),
    containers: [
      containerFrom(
        set,
        image,
        volumes.map(({ mount }) => mount),
      ),
    ],
    volumes: volumes.map(({ volume }) => volume),
  };
};

type MountedVolume = { readonly volume: object; readonly mount: object };

const volumesOf = (set: ProxySet): readonly MountedVolume[] => {
  const shared = sharedVolumeOf(set);
  return [
    ...Array.from({ length: mountedConfigs(set.replicas) }, (_, ordinal) => configVolumeOf(set, ordinal)),
    ...(shared === undefined ? [] : [{ volume: shared, mount: { name: 'shared', mountPath: paths.shared, readOnly: true } }]),
    ...(isKernel(set) ? [] : [{ volume: { name: 'scratch', emptyDir: {} }, mount: { name: 'scratch', mountPath: paths.scratch } }]),
  ];
};

/** Of its own, not part of one for all: containerboot sees a new file by the link that a volume's root has. */
const configVolumeOf = (set: ProxySet, ordinal: number): MountedVolume => {
  const name = `tailscaledconfig-${ordinal}`;
  return {
    volume: { name, secret: { secretName: configNameOf(set, ordinal), optional: true, defaultMode: 0o440 } },
    mount: { name, mountPath: `${paths.configs}/${stateNameOf(set, ordinal)}`, readOnly: true },
  };
};

/** Zones and nodes share the proxies as well as they can; no proxy stays away for that. */
const spreadOf = (set: ProxySet): readonly Verbatim[] => {
  const labelSelector = { matchLabels: selectorOf(set) };
  const asked = set.pod.topologySpreadConstraints;
  if (asked !== undefined) return asked.map((constraint) => ({ labelSelector, ...constraint }));
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector,
  }));
};
