import type { ObjectKey } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import type { Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import type { DerivedGateway } from './derive.ts';
import { missingParentStatus } from './route-status.ts';
import { type AnyRoute, parentKeysOf, routeKeyOf, routeKinds } from './tables.ts';

/** Objects by key whose status may be another than before; undefined where nobody answers for them any more. */
export type StatusChanges = ReadonlyMap<ObjectKey, Status | undefined>;

type World = {
  readonly tables: ModelTables;
  readonly derived: readonly DerivedGateway[];
  /** Derived Gateways by the key of the Gateway, or ListenerSet, that a route may name. */
  readonly owners: ReadonlyMap<ObjectKey, DerivedGateway>;
};

/**
 * What changed in the status of routes since the last call. A route's status has, for each of its parentRefs in their order, what its Gateway
 * says, or, where nobody else could answer, that there is none. Only routes that changed, or whose Gateway did, are looked at.
 */
export const routeStatusChanges = (controllerName: string, onCluster: boolean): ((world: World) => StatusChanges) => {
  const missing = memo((route: AnyRoute) => (route.spec.parentRefs ?? []).map((ref) => missingParentStatus(route, ref, controllerName)));
  let last: World | undefined;

  const statusOf = (route: AnyRoute, { tables, owners }: World): Status | undefined => {
    const parents = parentKeysOf(route).flatMap((parent, index) => {
      if (parent === undefined) return [];
      const owner = owners.get(parent);
      if (owner === undefined) return onCluster || exists(parent, tables) ? [] : (missing(route)[index] ?? []);
      return owner.parents.get(route)?.find(([refIndex]) => refIndex === index)?.[1] ?? [];
    });
    return parents.length === 0 ? undefined : { kind: route.kind, parents };
  };

  return (world) => {
    const changes = new Map<ObjectKey, Status | undefined>();
    for (const route of affectedRoutes(last, world)) changes.set(routeKeyOf(route), statusOf(route, world));
    for (const kind of routeKinds) {
      const before: ReadonlyMap<string, AnyRoute> = last?.tables[kind] ?? new Map();
      if (before === world.tables[kind]) continue;
      for (const [key, route] of before) if (!world.tables[kind].has(key)) changes.set(routeKeyOf(route), undefined);
    }
    last = world;
    return changes;
  };
};

const exists = (parent: ObjectKey, tables: ModelTables): boolean => {
  const slash = parent.indexOf('/');
  return (parent.slice(0, slash) === 'ListenerSet' ? tables.ListenerSet : tables.Gateway).has(parent.slice(slash + 1));
};

/** Once each; those of the last round first, for some may have become other objects, which then come after them. */
const affectedRoutes = (last: World | undefined, { tables, derived }: World): ReadonlySet<AnyRoute> => {
  const before = new Set(last?.derived);
  const after = new Set(derived);
  const gone = [...before].filter((gateway) => !after.has(gateway));
  const come = derived.filter((gateway) => !before.has(gateway));
  const routes = new Set([...gone, ...come].flatMap(({ parents }) => [...parents.keys()]));
  const parentsAsBefore =
    last !== undefined && sameKeys(last.tables.Gateway, tables.Gateway) && sameKeys(last.tables.ListenerSet, tables.ListenerSet);
  for (const kind of routeKinds) {
    const known: ReadonlyMap<string, AnyRoute> | undefined = last?.tables[kind];
    if (parentsAsBefore && known === tables[kind]) continue;
    for (const [key, route] of tables[kind]) {
      if (parentsAsBefore && known?.get(key) === route) continue;
      routes.delete(route);
      routes.add(route);
    }
  }
  return routes;
};

const sameKeys = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean =>
  one === other || (one.size === other.size && [...one.keys()].every((key) => other.has(key)));
