import type { OwnerReference } from '../../src/api/core.ts';
import type { KubeMetadata, KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import { managedByLabel } from '../runtime/labels.ts';
import { labelValueOf, objectNameOf } from './names.ts';

type Labels = Readonly<Record<string, string>>;

/** Labels that tell a Gateway's pods from all others. A Deployment can never change them. */
export const selectorOf = (infrastructure: Infrastructure): Labels => ({
  'app.kubernetes.io/name': 'envoy',
  'app.kubernetes.io/instance': objectNameOf(infrastructure),
  'gateway.networking.k8s.io/gateway-name': labelValueOf(infrastructure.name),
});

/** The Gateway's own labels with `more`, and ours, which win. */
export const labelsOf = (infrastructure: Infrastructure, more: Labels = {}): Labels => ({
  ...more,
  ...infrastructure.labels,
  ...managedByLabel,
  ...selectorOf(infrastructure),
  'app.kubernetes.io/component': 'proxy',
  'gateway.networking.k8s.io/gateway-class-name': labelValueOf(infrastructure.className),
});

/** Metadata of an object that goes when its Gateway goes. `uid` is the Gateway's. */
export const metadataOf = (
  infrastructure: Infrastructure,
  uid: string,
  {
    name = objectNameOf(infrastructure),
    labels = {},
    annotations = {},
  }: Partial<Pick<KubeMetadata, 'name' | 'labels' | 'annotations'>> = {},
): KubeMetadata => ({
  name,
  namespace: infrastructure.namespace,
  labels: labelsOf(infrastructure, labels),
  annotations: { ...annotations, ...infrastructure.annotations },
  ownerReferences: [ownerOf(infrastructure, uid)],
});

const ownerOf = ({ name }: Infrastructure, uid: string): OwnerReference => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** Whether the Gateway with `uid` is what `object` was made for. */
export const belongsTo = (object: KubeObject, uid: string): boolean =>
  object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller === true) === true;
