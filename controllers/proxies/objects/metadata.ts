import type { OwnerReference } from '../../../src/api/core.ts';
import { proxySecretLabel } from '../../../src/api/labels.ts';
import type { KubeMetadata, KubeObject } from '../../../src/kubernetes/kube-object.ts';
import { partsOf } from '../../../src/lib/key.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';
import { managedByLabel, proxySetLabel } from '../../runtime/labels.ts';

type Labels = Readonly<Record<string, string>>;

/** On everything of a set, the pods too: its name. Of our own group: objects under the labels of Tailscale's operator are its to delete. */
export const setLabel = proxySetLabel;

/** Tells the two Secrets of a replica apart, and those for certificates from them. */
export const secretLabel = proxySecretLabel;

/** On an owner until its devices are gone from the tailnet, and on a state Secret for the same reason: without it nobody knows the device. */
export const finalizer = 'gateway.tailscale.com/proxies';

/** On both Secrets of a replica: which tailnet its device and its key are in. The set they were made for may be gone by then. */
export const tailnetAnnotation = 'gateway.tailscale.com/tailnet';

/** Of the auth key in a config Secret, to revoke it by when nobody has used it. */
export const keyIdAnnotation = 'gateway.tailscale.com/auth-key-id';

/** On a config Secret: which tags its auth key gives a device, or the device has. */
export const tagsAnnotation = 'gateway.tailscale.com/tags';

/** Set to `true` on an owner, or on a state Secret that has none left: devices may stay on a tailnet that cannot be asked any more. */
export const abandonAnnotation = 'gateway.tailscale.com/abandon-devices';

/** Tells the pods of a set from all others. A StatefulSet can never change them. */
export const selectorOf = ({ name }: ProxySet): Labels => ({ 'app.kubernetes.io/name': 'tailscale-proxy', [setLabel]: name });

export const labelsOf = (set: ProxySet): Labels => ({
  ...managedByLabel,
  ...selectorOf(set),
  'app.kubernetes.io/instance': set.name,
  'app.kubernetes.io/component': set.direction,
});

/** Metadata of an object that goes when the owner of its set goes. */
export const metadataOf = (set: ProxySet, uid: string, name: string = set.name): KubeMetadata => ({
  name,
  namespace: set.namespace,
  labels: labelsOf(set),
  ownerReferences: [ownerOf(set, uid)],
});

const ownerOf = ({ owner }: ProxySet, uid: string): OwnerReference => {
  const { kind, name } = partsOf(owner);
  return { apiVersion: 'gateway.tailscale.com/v1alpha1', kind, name, uid, controller: true, blockOwnerDeletion: true };
};

/** Whether the owner with `uid` is what `object` was made for. */
export const belongsTo = (object: KubeObject, uid: string): boolean =>
  object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller === true) === true;
