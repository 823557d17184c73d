import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { sameElements } from '../../src/lib/memo.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { GatewayContext } from './context.ts';
import type { Entrances } from './entrances.ts';
import { desiredFor } from './desired.ts';
import { managedByLabel } from '../runtime/labels.ts';
import { handingOverReplicas } from './replicas.ts';

/** What there is to do for one Gateway: its uid, what must exist for it, and what does. */
export type Wanted = { readonly uid: string; readonly desired: readonly KubeObject[]; readonly standing: readonly KubeObject[] };

type World = {
  readonly infrastructures: ReadonlyMap<string, Infrastructure>;
  readonly contextOf: (infrastructure: Infrastructure) => GatewayContext;
  readonly entrances?: ReadonlyMap<string, Entrances>;
  readonly observed: readonly KubeObject[];
};

type Remembered = {
  readonly infrastructure: Infrastructure;
  readonly context: GatewayContext;
  readonly entrances: Entrances | undefined;
  readonly desired: readonly KubeObject[];
  readonly wanted: Wanted;
};

/**
 * What is wanted for each Gateway that wants anything, by `namespace/name`. One for which nothing changed since the last call has the same
 * object as then.
 */
export const roundsBuilder = (): ((world: World) => ReadonlyMap<string, Wanted>) => {
  let last: ReadonlyMap<string, Remembered> = new Map();
  return ({ infrastructures, contextOf, entrances: all, observed }) => {
    const owned = byOwner(observed);
    const next = new Map<string, Remembered>();
    for (const [gateway, infrastructure] of infrastructures) {
      const { uid } = infrastructure;
      if (uid === undefined) continue;
      const context = contextOf(infrastructure);
      const before = last.get(gateway);
      const entrances = all?.get(gateway);
      const isSame = before?.infrastructure === infrastructure && before.context === context && before.entrances === entrances;
      const desired = isSame ? before.desired : desiredFor(infrastructure, context, entrances);
      const standing = sameElements(before?.wanted.standing, owned.get(uid) ?? []);
      const wanted =
        isSame && standing === before.wanted.standing ? before.wanted : { uid, desired: handingOverReplicas(desired, standing), standing };
      next.set(gateway, { infrastructure, context, entrances, desired, wanted });
    }
    last = next;
    return new Map([...next].filter(([, { wanted }]) => wanted.desired.length > 0).map(([gateway, { wanted }]) => [gateway, wanted]));
  };
};

/** Objects with our label by the uid of their controller. */
const byOwner = (observed: readonly KubeObject[]): ReadonlyMap<string, readonly KubeObject[]> => {
  const [[label, value] = ['', '']] = Object.entries(managedByLabel);
  const owned = new Map<string, KubeObject[]>();
  for (const object of observed) {
    const uid = object.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
    if (uid === undefined || object.metadata.labels?.[label] !== value) continue;
    const siblings = owned.get(uid);
    if (siblings === undefined) owned.set(uid, [object]);
    else siblings.push(object);
  }
  return owned;
};
