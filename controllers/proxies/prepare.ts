/** Gives a replica its two Secrets, and a way into the tailnet. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { localKey } from '../../src/lib/key.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { belongsTo } from './objects/metadata.ts';
import { configNameOf, configSecretFrom, stateNameOf, stateSecretFrom, tagsTextOf } from './objects/secrets.ts';
import { ForeignObjectError } from '../runtime/errors.ts';
import { Hindrance } from './failure.ts';
import { configIn, keyNeedOf, type ReplicaConfig, stateIn } from './replica.ts';
import { callsFor, isGoing, type Tools } from './work.ts';

export type OwnedSet = ProxySet & { readonly uid: string };

export type ReplicaSecrets = { readonly state: KubeObject | undefined; readonly config: KubeObject | undefined };

/** `advertise`: services that it offers to host; those of its file when absent. */
type PrepareTools = Tools & { readonly advertise?: readonly string[] };

/**
 * Sees to the Secrets of replica `ordinal`, as observed in `seen`; whether it can start then. The state Secret comes before any key: by it
 * whoever follows us knows that there may be one. A key is made only after another look at both as they stand now, and is then written over
 * nothing that has changed since: what was observed may be old, and two keys for one replica are one too many. A state Secret that somebody
 * deleted takes its device with it, and is made anew when it is gone.
 */
export const prepare = async (
  set: OwnedSet,
  ordinal: number,
  seen: ReplicaSecrets,
  { advertise, ...tools }: PrepareTools,
): Promise<boolean> => {
  const { cluster } = tools;
  if (seen.state !== undefined && isGoing(seen.state)) {
    const { nodeIds } = stateIn(seen.state);
    if (nodeIds.length > 0) await callsFor(tools, set.tailnet, set).deleteDevices(nodeIds);
    await cluster.release(seen.state);
    return isPrepared(seen);
  }
  const isQuick = seen.state !== undefined && seen.config !== undefined && !asksTailnet(set, seen);
  const secrets = isQuick ? seen : await lookAgain(set, ordinal, tools);
  const state = await cluster.applyOver(stateSecretFrom(set, set.uid, ordinal), secrets.state, set.uid);
  const wanted = configSecretFrom(set, set.uid, {
    ordinal,
    ...(await configFor(set, ordinal, secrets, tools)),
    ...(advertise === undefined ? {} : { advertise }),
  });
  const config = await cluster.applyOver(wanted, secrets.config, set.uid);
  return isPrepared({ state, config });
};

/** Whether a replica can start: it has a key, or has been in the tailnet. */
export const isPrepared = ({ state, config }: ReplicaSecrets): boolean =>
  config !== undefined && (configIn(config).authKey !== undefined || stateIn(state).nodeIds.length > 0);

const asksTailnet = (set: ProxySet, { state, config }: ReplicaSecrets): boolean =>
  ['mint', 'replace', 'retag'].includes(keyNeedOf(stateIn(state), configIn(config), tagsTextOf(set)));

const lookAgain = async (set: OwnedSet, ordinal: number, { cluster }: Tools): Promise<ReplicaSecrets> => {
  const [state, config] = await Promise.all(
    [stateNameOf(set, ordinal), configNameOf(set, ordinal)].map((name) => cluster.secret(set.namespace, name)),
  );
  // Not after a key was made for it.
  for (const secret of [state, config]) if (secret !== undefined && !belongsTo(secret, set.uid)) throw new ForeignObjectError(secret);
  return { state, config };
};

/** What the config Secret is to say, with whatever that takes done in the tailnet. */
const configFor = async (set: OwnedSet, ordinal: number, secrets: ReplicaSecrets, tools: Tools): Promise<ReplicaConfig> => {
  const state = stateIn(secrets.state);
  const config = configIn(secrets.config);
  const { authKey: _, keyId: __, ...plain } = config;
  const tags = tagsTextOf(set);
  const calls = () => callsFor(tools, set.tailnet, set);
  switch (keyNeedOf(state, config, tags)) {
    case 'keep':
      return config;
    case 'drop':
      return { ...plain, tags };
    case 'retag':
      await calls().retag(state.nodeIds, set.tags);
      return { ...plain, tags };
    case 'replace':
      await replaceable(set, ordinal, state.nodeIds, tools);
      break;
    case 'mint':
  }
  const { id, key } = await calls().mint(set, ordinal);
  tools.told({ set: localKey(set.namespace, set.name), ordinal }, 'made an auth key for a proxy');
  return { ...plain, tags, authKey: key, keyId: id };
};

/** The device goes before its successor comes, so that it can have its name. */
const replaceable = async (set: OwnedSet, ordinal: number, nodeIds: readonly string[], tools: Tools): Promise<void> => {
  const calls = callsFor(tools, set.tailnet, set);
  const waitMs = tools.limit.take(localKey(set.namespace, set.name), set.replicas);
  if (waitMs !== undefined)
    throw new Hindrance({
      reason: 'KeysRefused',
      message: `Proxy ${stateNameOf(set, ordinal)} is refused by the tailnet with one auth key after another: see its log; another key follows in ${Math.ceil(waitMs / 1000)} s`,
    });
  await calls.deleteDevices(nodeIds);
};
