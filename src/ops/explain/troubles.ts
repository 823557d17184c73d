import type { ObjectKey } from '../../lib/key.ts';
import { isTrouble } from '../../model/cluster-status.ts';
import type { Graph } from '../../model/graph.ts';
import type { Step } from './explanation.ts';

/** Why a route is served nowhere, as its conditions say. */
export const troubleSteps = ({ statuses }: Graph, route: ObjectKey): readonly Step[] => {
  const status = statuses.get(route);
  if (status === undefined || !('parents' in status))
    return [{ at: 'route', name: route, detail: 'there is no such route, or none of its parents is a Gateway of ours', object: route }];
  const said = status.parents.flatMap(({ parentRef, conditions }) =>
    conditions.filter(isTrouble).map(({ type, reason, message }): Step => ({
      at: 'route',
      name: route,
      detail: `${parentRef.kind} ${parentRef.name}: ${type} ${reason}: ${message}`,
      object: route,
    })),
  );
  return said.length > 0 ? said : [{ at: 'route', name: route, detail: 'is attached nowhere', object: route }];
};

/** What a route's conditions say of references that do not resolve, each thing once. */
export const refusals = ({ statuses }: Graph, route: ObjectKey): readonly string[] => {
  const status = statuses.get(route);
  if (status === undefined || !('parents' in status)) return [];
  const conditions = status.parents.flatMap((parent) => parent.conditions);
  return [...new Set(conditions.filter((one) => one.type === 'ResolvedRefs' && isTrouble(one)).map(({ message }) => message))];
};
