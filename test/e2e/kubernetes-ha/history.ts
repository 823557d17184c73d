import { Subject } from 'rxjs';
import type { ApiServer } from '../../../src/kubernetes/api-server.ts';
import { reflect } from '../../../src/kubernetes/reflector.ts';
import type { KubeObject } from '../../../src/kubernetes/kube-object.ts';
import type { Resource } from '../../../src/kubernetes/resource.ts';
import { kinds } from '../../../src/api/kinds.ts';

/** One state of one object, as somebody saw it who was looking all the time. */
export type Sight = {
  readonly object: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** `Accepted=True` and so on, of the object, its listeners and its parents, in order. */
  readonly conditions: readonly string[];
};

export type History = {
  /** States seen since the last call, oldest first. */
  readonly take: () => readonly Sight[];
  /** The last state seen of an object, `Kind/name`. Throws before there is one. */
  readonly now: (object: string) => Sight;
  /** After the API server was away: looks again, and is true once nothing can be missed any more. */
  readonly looks: () => boolean;
  readonly stop: () => void;
};

type Status = {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
  readonly parents?: readonly { readonly conditions: readonly Condition[] }[];
};
type Condition = { readonly type: string; readonly status: string; readonly observedGeneration?: number };

/** Watches GatewayClasses, Gateways and HTTPRoutes on a connection of its own. */
export const startHistory = (api: ApiServer): History => {
  const last = new Map<string, Sight>();
  let seen: Sight[] = [];
  const blind = new Set<string>();
  const again = new Subject<void>();
  const watches = (['GatewayClass', 'Gateway', 'HTTPRoute'] as const).map((kind) => {
    const { group, versions, plural, scope } = kinds[kind];
    const resource: Resource = { group, version: versions[0], kind, plural, scope };
    return reflect({ api, resource, gatherMs: 0, answers$: again }).subscribe(({ objects, health }) => {
      if (health.failure === undefined) blind.delete(kind);
      else blind.add(kind);
      for (const object of objects.values()) {
        const sight = sightOf(object);
        if (last.get(sight.object)?.resourceVersion === sight.resourceVersion) continue;
        last.set(sight.object, sight);
        seen.push(sight);
      }
    });
  });
  return {
    take: () => seen.splice(0),
    now: (object) => {
      const sight = last.get(object);
      if (sight === undefined) throw new Error(`${object} was not seen yet`);
      return sight;
    },
    looks: () => {
      if (blind.size > 0) again.next();
      return blind.size === 0;
    },
    stop: () => {
      for (const watch of watches) watch.unsubscribe();
    },
  };
};

const sightOf = (object: KubeObject): Sight => {
  const { conditions = [], listeners = [], parents = [] } = (object['status'] ?? {}) as Status;
  const all = [...conditions, ...listeners.flatMap((one) => one.conditions), ...parents.flatMap((one) => one.conditions)];
  return {
    object: `${object.kind}/${object.metadata.name}`,
    resourceVersion: object.metadata.resourceVersion ?? '',
    generation: object.metadata.generation ?? 0,
    conditions: all.map(({ type, status, observedGeneration }) => `${type}=${status}@${observedGeneration ?? 0}`),
  };
};
