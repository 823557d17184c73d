/** What there is to do, set by set. */
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { localKey, type LocalKey, type ObjectKey, partsOf } from '../../src/lib/key.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { build } from './build.ts';
import { withoutOurs } from './cluster.ts';
import { type Group, groupFrom, isEmpty, isOf, ownerOfGroup, tailnetOf } from './group.ts';
import { abandonAnnotation } from './objects/metadata.ts';
import { isHeld, type ProxyWorld } from './observe.ts';
import type { OwnedSet } from './prepare.ts';
import { stateIn } from './replica.ts';
import { ownerResources } from './resources.ts';
import { retireSet } from './retire.ts';
import { isGoing, type Tools } from './work.ts';

export type Task =
  | {
      readonly kind: 'set';
      readonly set: ProxySet | undefined;
      readonly group: Group;
      /** Undefined when it is not there, or no longer the one that the set or the group was made for. */
      readonly owner: KubeObject | undefined;
    }
  /** An owner that nothing stands or is wanted for any more. */
  | { readonly kind: 'owner'; readonly owner: KubeObject };

/**
 * Tasks by `namespace/name` of the set, or the owner's key. One for which nothing changed since the last call is the same object as then.
 */
export const roundsBuilder = (): ((world: ProxyWorld, sets: ReadonlyMap<string, ProxySet>) => ReadonlyMap<string, Task>) => {
  let last: ReadonlyMap<string, Task> = new Map();
  return ({ groups, owners }, sets) => {
    const next = new Map<string, Task>();
    const busy = new Set<string>();
    for (const key of new Set([...groups.keys(), ...sets.keys()])) {
      const set = sets.get(key);
      const group = groups.get(key as LocalKey) ?? nothingAt(key);
      const made = ownerOfGroup(group);
      const owner = ownerAt(owners, set?.owner ?? made?.key, set?.uid ?? made?.uid);
      const isWanted = set?.uid !== undefined && !set.going && !isGoing(owner);
      if (isEmpty(group) && !isWanted) continue;
      for (const uid of [made?.uid, isWanted ? set.uid : undefined]) if (uid !== undefined) busy.add(uid);
      next.set(key, sameTask(last.get(key), { kind: 'set', set, group, owner }));
    }
    for (const [key, owner] of owners)
      if (isHeld(owner) && !busy.has(owner.metadata.uid ?? '')) next.set(key, sameTask(last.get(key), { kind: 'owner', owner }));
    last = next;
    return next;
  };
};

const sameTask = (before: Task | undefined, task: Task): Task => {
  if (before?.kind !== task.kind || before.owner !== task.owner) return task;
  if (before.kind === 'owner' || task.kind === 'owner') return before;
  const isSame = before.set === task.set && (before.group === task.group || (isEmpty(before.group) && isEmpty(task.group)));
  return isSame ? before : task;
};

const ownerAt = (owners: ProxyWorld['owners'], key: ObjectKey | undefined, uid: string | undefined): KubeObject | undefined => {
  const owner = key && owners.get(key);
  return owner?.metadata.uid === uid ? owner : undefined;
};

const nothingAt = (key: string): Group => {
  const [namespace = '', name = ''] = key.split('/');
  return groupFrom({ namespace, name }, { objects: [], secrets: [], pods: [] });
};

/** Does it as far as it can be done now; what it tells is wrong until something changes. Safe to break off anywhere, and to do again. */
export const workOn = async (task: Task, tools: Tools): Promise<Verdict | undefined> => {
  if (task.kind === 'owner') {
    const { owner } = task;
    await tools.cluster.setFinalizers(owner, ownerResources[owner.kind as keyof typeof ownerResources], withoutOurs(owner));
    return undefined;
  }
  const { set, group, owner } = task;
  if (set !== undefined && !set.going && isOwned(set) && isOf(group, set)) {
    // An owner that we have not seen yet, or not going yet, will be.
    if (owner === undefined || isGoing(owner)) return isGoing(owner) ? retire(group, owner, tools) : undefined;
    return build(set, group, owner, tools);
  }
  return wantsToStay(task, tools) ?? retire(group, owner, tools);
};

const isOwned = (set: ProxySet): set is OwnedSet => set.uid !== undefined;

const retire = async (group: Group, owner: KubeObject | undefined, tools: Tools): Promise<undefined> => {
  const made = ownerOfGroup(group);
  if (made === undefined) return undefined;
  const { namespace, name } = group;
  await retireSet({ uid: made.uid, namespace, name }, group, owner?.metadata.annotations?.[abandonAnnotation] === 'true', tools);
  tools.limit.forget(localKey(namespace, name));
  tools.hosting.forget(localKey(namespace, name));
  tools.again(localKey(namespace, name), Number.POSITIVE_INFINITY);
  return undefined;
};

/**
 * Proxies of an owner that stays are not taken away because their tailnet is no longer configured: they work on, and could not be removed from
 * it anyway.
 */
const wantsToStay = ({ set, group, owner }: Extract<Task, { readonly kind: 'set' }>, { tailnetExists }: Tools): Verdict | undefined => {
  if ((set !== undefined && !set.going) || owner === undefined || isGoing(owner)) return undefined;
  const secrets = [...group.states.values()].filter((secret) => stateIn(secret).nodeIds.length > 0);
  const missing = secrets.map(tailnetOf).find((tailnet) => tailnet !== undefined && !tailnetExists(tailnet));
  if (missing === undefined) return undefined;
  const { kind, name } = partsOf(`${owner.kind}/${group.namespace}/${owner.metadata.name}`);
  return {
    reason: 'TailnetNotFound',
    message: `There is no TailscaleTailnet ${missing}: create it. The proxies of ${kind} ${name} stay as they are until then`,
  };
};
