/** The two Secrets of a replica. Both are named after its pod, as containerboot expects. */
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { byCodeUnit } from '../../../src/lib/key.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { configFileFrom, type ConfigOptions } from './config-file.ts';
import { configFile } from './layout.ts';
import { finalizer, keyIdAnnotation, metadataOf, secretLabel, tagsAnnotation, tailnetAnnotation } from './metadata.ts';

export const stateNameOf = ({ name }: Pick<ProxySet, 'name'>, ordinal: number): string => `${name}-${ordinal}`;
export const configNameOf = (set: Pick<ProxySet, 'name'>, ordinal: number): string => `${stateNameOf(set, ordinal)}-config`;

/** Which replica of the set `name` a Secret or pod is of; undefined for what is named otherwise. */
export const ordinalOf = (object: KubeObject, name: string): number | undefined => {
  const [, digits] = /^-(0|[1-9]\d{0,8})(?:-config)?$/.exec(object.metadata.name.slice(name.length)) ?? [];
  return digits === undefined || !object.metadata.name.startsWith(name) ? undefined : Number(digits);
};

export const tagsTextOf = ({ tags }: Pick<ProxySet, 'tags'>): string => tags.toSorted(byCodeUnit).join(',');

/** What a proxy starts from. `keyId` names the auth key in it; `tags` are those of its device where that has not got the set's yet. */
export const configSecretFrom = (
  set: ProxySet,
  uid: string,
  { keyId, tags = tagsTextOf(set), ...options }: ConfigOptions & { readonly keyId?: string; readonly tags?: string },
): KubeObject => {
  const metadata = metadataOf(set, uid, configNameOf(set, options.ordinal));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [secretLabel]: 'config' },
      annotations: {
        [tailnetAnnotation]: set.tailnet,
        [tagsAnnotation]: tags,
        ...(keyId === undefined ? {} : { [keyIdAnnotation]: keyId }),
      },
    },
    type: 'Opaque',
    data: { [configFile]: Buffer.from(configFileFrom(set, options)).toString('base64') },
  };
};

/**
 * Where a proxy keeps its identity. Made before the pod, which may not create it, and then written by the pod alone: we say nothing of its
 * data, so that applying this again leaves a proxy what it is.
 */
export const stateSecretFrom = (set: ProxySet, uid: string, ordinal: number): KubeObject => {
  const metadata = metadataOf(set, uid, stateNameOf(set, ordinal));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [secretLabel]: 'state' },
      annotations: { [tailnetAnnotation]: set.tailnet },
      finalizers: [finalizer],
    },
    type: 'Opaque',
  };
};
