/** What stands on the cluster for one set of proxies. */
import type { OwnerReference } from '../../src/api/core.ts';
import { certificateSecret } from '../../src/api/labels.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { type ObjectKey, objectKey } from '../../src/lib/key.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { secretLabel, tailnetAnnotation } from './objects/metadata.ts';
import { ordinalOf } from './objects/secrets.ts';
import { ingressConfigFile, type Mappings, readMappings } from './objects/ingress-config.ts';
import { readServeConfig, serveConfigFile, type Serving } from './objects/serve-config.ts';
import { sharedConfigNameOf } from './objects/shared-config.ts';
import { ownerResources } from './resources.ts';

export type Group = {
  readonly namespace: string;
  /** Of the set. */
  readonly name: string;
  /** What `objectsFor` made, or another version of us did; the StatefulSet among them. */
  readonly objects: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  /** By ordinal. */
  readonly states: ReadonlyMap<number, KubeObject>;
  readonly configs: ReadonlyMap<number, KubeObject>;
  /** Secrets for certificates of services. */
  readonly certificates: readonly KubeObject[];
};

/** What bears the label of a set and is not a pod counts only if one of our owners controls it: others may use the label, and keep what they have. */
export const groupFrom = (
  { namespace, name }: Pick<Group, 'namespace' | 'name'>,
  { objects, secrets, pods }: Readonly<Record<'objects' | 'secrets' | 'pods', readonly KubeObject[]>>,
): Group => {
  const owned = secrets.filter((secret) => ownerIn(secret) !== undefined);
  const byOrdinal = (label: string): ReadonlyMap<number, KubeObject> =>
    new Map(
      owned
        .filter(({ metadata }) => metadata.labels?.[secretLabel] === label)
        .flatMap((secret) => {
          const ordinal = ordinalOf(secret, name);
          return ordinal === undefined ? [] : [[ordinal, secret] as const];
        })
        .toSorted(([one], [other]) => one - other),
    );
  return {
    namespace,
    name,
    objects: objects.filter((object) => ownerIn(object) !== undefined),
    pods,
    states: byOrdinal('state'),
    configs: byOrdinal('config'),
    certificates: owned.filter(({ metadata }) => metadata.labels?.[secretLabel] === certificateSecret),
  };
};

/** The TailscaleEndpoints or TailscaleProxyGroup that controls an object. */
export const ownerIn = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(
    ({ apiVersion, kind, controller }) => controller === true && apiVersion.startsWith('gateway.tailscale.com/') && kind in ownerResources,
  );

export const membersOf = ({ objects, states, configs, certificates }: Group): readonly KubeObject[] => [
  ...objects,
  ...certificates,
  ...configs.values(),
  ...states.values(),
];

export const isEmpty = (group: Group): boolean => membersOf(group).length === 0;

/** Whom a group was made for, by its first member. */
export const ownerOfGroup = (group: Group): { readonly key: ObjectKey; readonly uid: string } | undefined => {
  const [member] = membersOf(group);
  const owner = member && ownerIn(member);
  return owner && { key: objectKey(owner.kind, group.namespace, owner.name), uid: owner.uid };
};

/** Whether all of it was made for `set` as it is: an owner of the same name, or another tailnet, cannot take over devices. */
export const isOf = (group: Group, { uid, tailnet }: ProxySet): boolean =>
  membersOf(group).every((member) => ownerIn(member)?.uid === uid) &&
  [...group.states.values(), ...group.configs.values()].every((secret) => (tailnetOf(secret) ?? tailnet) === tailnet);

export const tailnetOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[tailnetAnnotation];

export const statefulSetIn = ({ objects, name }: Group): KubeObject | undefined =>
  objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === name);

/** What ingress proxies are told to serve; undefined where nothing tells them, as with egress proxies. */
export const servedIn = (group: Group): Serving | undefined => {
  const text = toldIn(group, serveConfigFile);
  return text === undefined ? undefined : readServeConfig(text);
};

/** Which addresses ingress proxies are told to lead where; undefined where nothing tells them. */
export const ledIn = (group: Group): Mappings | undefined => {
  const text = toldIn(group, ingressConfigFile);
  return text === undefined ? undefined : readMappings(text);
};

/** A file of all ingress proxies of a set; empty where others are there without it. */
const toldIn = ({ objects, name }: Group, file: string): string | undefined => {
  const shared = sharedConfigNameOf({ name, direction: 'ingress' });
  const config = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === shared);
  if (config === undefined) return undefined;
  const { [file]: base64 = '' } = (config['binaryData'] ?? {}) as Readonly<Record<string, string>>;
  return Buffer.from(base64, 'base64').toString('utf8');
};

export type StatefulSetFields = {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly readyReplicas?: number };
};
