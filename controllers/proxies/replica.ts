/** What the two Secrets of a replica say. Whatever cannot be read counts as absent: proxies and hands write there too. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { ObservedProxy } from '../../src/api/observations.ts';
import { readConfigFile } from './objects/config-file.ts';
import { configFile } from './objects/layout.ts';
import { ingressConfigFile, type IngressStatus, readIngressStatus } from './objects/ingress-config.ts';
import { fields, parsed } from './objects/json.ts';
import { readServeConfig, type Serving } from './objects/serve-config.ts';
import { keyIdAnnotation, tagsAnnotation } from './objects/metadata.ts';

export type ReplicaState = {
  /** Logged in, and told so by containerboot; kept from a former pod. */
  readonly deviceId?: string;
  /** Every device the Secret knows of, also one that logged in a moment ago: that only the tailscaled profile tells. */
  readonly nodeIds: readonly string[];
  readonly fqdn?: string;
  readonly addresses: readonly string[];
  /** Of the pod that wrote all this. */
  readonly podUid?: string;
  /** The auth key that was refused, empty where there was none: the proxy waits for another. */
  readonly refusedKey?: string;
  readonly egress?: EgressStatus;
  readonly ingress?: IngressStatus;
  /** What tailscaled serves, and offers to host, by its own account; absent where it does not say. */
  readonly serving?: Serving;
  readonly advertising?: readonly string[];
};

export type EgressStatus = { readonly podIPs: readonly string[]; readonly forwards: NonNullable<ObservedProxy['forwards']> };

export type ReplicaConfig = {
  readonly authKey?: string;
  readonly keyId?: string;
  readonly advertise?: readonly string[];
  /** As `tagsTextOf` writes them. */
  readonly tags?: string;
};

/** What a state Secret says; nothing where there is none. */
export const stateIn = (secret: KubeObject | undefined): ReplicaState => {
  const read = (key: string): string | undefined => textIn(secret, key);
  const deviceId = filled(read('device_id'));
  const profiles = Object.keys(dataOf(secret)).filter((key) => key.startsWith('profile-'));
  const nodeIds = [deviceId, ...profiles.map((key) => nodeIdIn(read(key)))].filter((id) => id !== undefined);
  const fqdn = filled(read('device_fqdn')?.replace(/\.$/, ''));
  const podUid = filled(read('pod_uid'));
  const refusedKey = read('reissue_authkey');
  const egress = egressIn(read('egress-services'));
  const ingress = readIngressStatus(read(ingressConfigFile) ?? '');
  const profile = filled(read('_current-profile'));
  const serving = profile === undefined ? undefined : read(`_serve_${profile.replace(/^profile-/, '')}`);
  const preferences = profile === undefined ? undefined : parsed(read(profile));
  return {
    nodeIds: [...new Set(nodeIds)],
    addresses: strings(parsed(read('device_ips'))),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(fqdn === undefined ? {} : { fqdn }),
    ...(podUid === undefined ? {} : { podUid }),
    ...(refusedKey === undefined ? {} : { refusedKey }),
    ...(egress === undefined ? {} : { egress }),
    ...(ingress === undefined ? {} : { ingress }),
    ...(serving === undefined ? {} : { serving: readServeConfig(serving) }),
    ...(preferences === undefined ? {} : { advertising: strings(fields(preferences)['AdvertiseServices']) }),
  };
};

/** What a config Secret says; nothing where there is none. */
export const configIn = (secret: KubeObject | undefined): ReplicaConfig => {
  const text = textIn(secret, configFile);
  const { [keyIdAnnotation]: keyId, [tagsAnnotation]: tags } = secret?.metadata.annotations ?? {};
  return {
    ...(text === undefined ? {} : readConfigFile(text)),
    ...(keyId === undefined ? {} : { keyId }),
    ...(tags === undefined ? {} : { tags }),
  };
};

/**
 * What is to be done about the auth key of a replica that shall have devices with `tags`.
 * - `mint`: it has no device and no key, or one that would give it other tags.
 * - `replace`: its key was refused, or its state lost: whatever device it had is of no use any more.
 * - `retag`: it has its device, with other tags.
 * - `drop`: it has its device, and needs no key.
 * - `keep`: it has yet to use its key, or to notice that it has another one.
 */
export type KeyNeed = 'mint' | 'replace' | 'retag' | 'drop' | 'keep';

export const keyNeedOf = (state: ReplicaState, config: ReplicaConfig, tags: string): KeyNeed => {
  if (state.refusedKey !== undefined) return config.authKey === undefined || config.authKey === state.refusedKey ? 'replace' : 'keep';
  if (state.deviceId !== undefined) return (config.tags ?? tags) === tags ? 'drop' : 'retag';
  if (config.authKey !== undefined) return (config.tags ?? tags) === tags ? 'keep' : 'mint';
  // It is in the tailnet, and about to say so.
  return state.nodeIds.length > 0 ? 'keep' : 'mint';
};

const dataOf = (secret: KubeObject | undefined): Readonly<Record<string, unknown>> => fields(secret?.['data']);

const textIn = (secret: KubeObject | undefined, key: string): string | undefined => {
  const value = dataOf(secret)[key];
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
};

const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((element) => typeof element === 'string') : []);

/** From the preferences that tailscaled keeps. */
const nodeIdIn = (profile: string | undefined): string | undefined => {
  const { NodeID } = fields(fields(parsed(profile))['Config']);
  return typeof NodeID === 'string' ? filled(NodeID) : undefined;
};

const egressIn = (text: string | undefined): EgressStatus | undefined => {
  const status = parsed(text);
  if (typeof status !== 'object' || status === null) return undefined;
  const { podIPv4, podIPv6, services } = fields(status);
  const forwards = Object.entries(fields(services)).map(([name, service]) => {
    const { ports } = fields(service);
    return [name, (Array.isArray(ports) ? ports : []).flatMap(portIn)] as const;
  });
  return { podIPs: strings([podIPv4, podIPv6]).filter((ip) => ip !== ''), forwards: new Map(forwards) };
};

const portIn = (value: unknown) => {
  const { protocol, matchPort, targetPort } = fields(value);
  if ((protocol !== 'TCP' && protocol !== 'UDP') || typeof matchPort !== 'number' || typeof targetPort !== 'number') return [];
  return [{ protocol, matchPort, targetPort } as const];
};
