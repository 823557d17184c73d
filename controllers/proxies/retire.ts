/** Takes replicas away, and whole sets: what runs first, then its devices, then what knows of them. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { managedResources } from '../runtime/kinds.ts';
import { applyAll } from '../runtime/apply.ts';
import { plan } from '../runtime/plan.ts';
import { Hindrance, TailnetError } from './failure.ts';
import { type Group, groupFrom, ownerIn, type StatefulSetFields, tailnetOf } from './group.ts';
import { abandonAnnotation, setLabel } from './objects/metadata.ts';
import { configNameOf, stateNameOf } from './objects/secrets.ts';
import { podResource } from './resources.ts';
import { configIn, stateIn } from './replica.ts';
import type { Marked } from './tailnet.ts';
import type { ReplicaSecrets } from './prepare.ts';
import { callsFor, isGoing, type Tools } from './work.ts';

/**
 * Takes away a replica that a smaller set has no more. Does nothing while its pod may still run, or come back: asked of the API server as it is
 * now, since a pod that keeps running would log in anew. Its end is observed, which is when this is tried again.
 */
export const retireReplica = async (set: Marked, ordinal: number, tools: Tools): Promise<void> => {
  const { cluster } = tools;
  const { namespace } = set;
  const statefulSet = await cluster.read(managedResources.StatefulSet, { namespace, name: set.name });
  if (statefulSet !== undefined && mayRun(statefulSet, ordinal)) return;
  const pod = await cluster.read(podResource, { namespace, name: stateNameOf(set, ordinal) });
  if (pod?.metadata.labels?.[setLabel] === set.name) return;
  const [state, config] = await Promise.all([
    cluster.secret(namespace, stateNameOf(set, ordinal)),
    cluster.secret(namespace, configNameOf(set, ordinal)),
  ]);
  const secrets = { state: ours(state), config: ours(config) };
  await leaveTailnet(set, [[ordinal, secrets]], false, tools);
  await removeSecrets(secrets, tools);
};

/** Until its controller has seen that it has fewer, it may just be making the pod. */
const mayRun = ({ metadata, ...rest }: KubeObject, ordinal: number): boolean => {
  const { spec = {}, status = {} } = rest as StatefulSetFields;
  if (metadata.deletionTimestamp !== undefined) return true;
  return (spec.replicas ?? 1) > ordinal || (status.observedGeneration ?? 0) < (metadata.generation ?? 0);
};

/**
 * Takes away all of a set. Does nothing after the StatefulSet is deleted until it and its pods are gone. `mayAbandon`: its owner says that devices
 * may be left where their tailnet cannot be asked. The state Secrets are last: they are how we, or whoever follows us, know that work is left.
 */
export const retireSet = async (set: Marked, group: Group, mayAbandon: boolean, tools: Tools): Promise<void> => {
  const { api, cluster, signal } = tools;
  const { namespace, name } = set;
  const statefulSet = ours(await cluster.read(managedResources.StatefulSet, { namespace, name }));
  if (statefulSet !== undefined) {
    if (!isGoing(statefulSet)) await cluster.delete(statefulSet, 'Foreground');
    return;
  }
  if ((await cluster.pods(namespace, name)).length > 0) return;
  const { states, configs, certificates } = groupFrom(set, { objects: [], secrets: await cluster.secrets(namespace, name), pods: [] });
  const replicas = [...new Set([...states.keys(), ...configs.keys()])].map(
    (ordinal) => [ordinal, { state: states.get(ordinal), config: configs.get(ordinal) }] as const,
  );
  await leaveTailnet(set, replicas, mayAbandon, tools);
  const rest = group.objects.filter(({ kind }) => kind !== 'StatefulSet');
  await applyAll(plan([], rest), { api, isOurs: (object) => ownerIn(object) !== undefined, signal });
  for (const secret of certificates) await cluster.delete(secret);
  for (const [, secrets] of replicas) await removeSecrets(secrets, tools);
};

type Leaving = readonly (readonly [ordinal: number, secrets: ReplicaSecrets])[];

/** Deletes devices, and revokes keys that nobody has used; nothing in a tailnet that cannot be asked, where that may be. */
const leaveTailnet = async (set: Marked, replicas: Leaving, mayAbandon: boolean, tools: Tools): Promise<void> => {
  for (const [tailnet, leaving] of byTailnet(replicas)) {
    const nodeIds = leaving.flatMap(([, { state }]) => stateIn(state).nodeIds);
    const keys = leaving.filter(([, { state, config }]) => configIn(config).authKey !== undefined && stateIn(state).deviceId === undefined);
    const hasNothing = nodeIds.length === 0 && keys.length === 0;
    try {
      const calls = callsFor(tools, tailnet, {});
      await calls.deleteDevices(nodeIds);
      // Also those that were made just before a crash, of which no Secret knows.
      await calls.revokeAll(
        set,
        leaving.map(([ordinal]) => ordinal),
      );
    } catch (error) {
      if (hasNothing && isLasting(error)) continue;
      const isAbandoned = mayAbandon || leaving.some(([, { state }]) => state?.metadata.annotations?.[abandonAnnotation] === 'true');
      if (!isAbandoned) throw error instanceof Hindrance ? stuck(error, tailnet, nodeIds) : error;
      tools.told(
        { set: `${set.namespace}/${set.name}`, tailnet, devices: nodeIds, error },
        'devices are left on a tailnet, as was asked for',
      );
    }
  }
};

/** Waiting would help nobody: no tailnet to ask, or none that we may ask. */
const isLasting = (error: unknown): boolean => error instanceof Hindrance || (error instanceof TailnetError && !error.error.retryable);

const byTailnet = (replicas: Leaving): ReadonlyMap<string, Leaving> => {
  const tailnets = new Map<string, (readonly [number, ReplicaSecrets])[]>();
  for (const replica of replicas) {
    const [, { state, config }] = replica;
    const tailnet = (state && tailnetOf(state)) ?? (config && tailnetOf(config));
    if (tailnet !== undefined) tailnets.set(tailnet, [...(tailnets.get(tailnet) ?? []), replica]);
  }
  return tailnets;
};

const stuck = ({ reason, message }: Hindrance, tailnet: string, nodeIds: readonly string[]): Hindrance =>
  new Hindrance({
    reason,
    message: `${message}. Until then devices ${nodeIds.join(', ') || '(none)'} and unused auth keys cannot be removed from ${tailnet}; to leave them there, set the annotation ${abandonAnnotation}: "true"`,
  });

const removeSecrets = async ({ state, config }: ReplicaSecrets, { cluster }: Tools): Promise<void> => {
  if (config !== undefined) await cluster.delete(config);
  if (state !== undefined) await cluster.release(state);
};

const ours = (object: KubeObject | undefined): KubeObject | undefined =>
  object !== undefined && ownerIn(object) !== undefined ? object : undefined;
