import { differingKeys } from '../../lib/changed-map.ts';
import type { ObjectKey } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import type { Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';
import type { DerivedGateway, Said } from './derive.ts';
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
      return owner.said(route).find(([refIndex]) => refIndex === index)?.[1] ?? [];
    });
    return parents.length === 0 ? undefined : { kind: route.kind, parents };
  };

  return (world) => {
    const changes = new Map<ObjectKey, Status | undefined>();
    for (const route of affectedRoutes(last, world)) changes.set(routeKeyOf(route), statusOf(route, world));
    for (const kind of routeKinds) {
      const before: ReadonlyMap<string, AnyRoute> = last?.tables[kind] ?? noRoutes;
      for (const key of differingKeys(before, world.tables[kind])) {
        const route = before.get(key);
        if (route !== undefined && !world.tables[kind].has(key)) changes.set(routeKeyOf(route), undefined);
      }
    }
    last = world;
    return changes;
  };
};

const noRoutes: ReadonlyMap<string, AnyRoute> = new Map();
const noOutcomes: DerivedGateway['outcomes'] = new Map();

const exists = (parent: ObjectKey, tables: ModelTables): boolean => {
  const slash = parent.indexOf('/');
  return (parent.slice(0, slash) === 'ListenerSet' ? tables.ListenerSet : tables.Gateway).has(parent.slice(slash + 1));
};

/** Once each; those of the last round first, for some may have become other objects, which then come after them. */
const affectedRoutes = (last: World | undefined, { tables, derived, owners }: World): ReadonlySet<AnyRoute> => {
  const routes = new Set(differences(last, { derived, owners }));
  const parentsAsBefore =
    last !== undefined && sameKeys(last.tables.Gateway, tables.Gateway) && sameKeys(last.tables.ListenerSet, tables.ListenerSet);
  for (const kind of routeKinds) {
    const known: ReadonlyMap<string, AnyRoute> = last?.tables[kind] ?? noRoutes;
    for (const key of parentsAsBefore ? differingKeys(known, tables[kind]) : tables[kind].keys()) {
      const route = tables[kind].get(key);
      if (route === undefined) continue;
      routes.delete(route);
      routes.add(route);
    }
  }
  return routes;
};

/**
 * Routes of which some Gateway says something else than it did: first what was said before, then what is said now. Which Gateway is compared with
 * which decides on nothing but the cost: what a Gateway says of a parentRef is said by no other.
 */
const differences = (last: World | undefined, { derived, owners }: Pick<World, 'derived' | 'owners'>): readonly AnyRoute[] => {
  const formerOf = new Map<DerivedGateway, DerivedGateway>();
  const latterOf = new Map<DerivedGateway, DerivedGateway>();
  for (const [key, latter] of owners) {
    const former = last?.owners.get(key);
    if (former === undefined || former === latter) continue;
    formerOf.set(latter, former);
    latterOf.set(former, latter);
  }
  const [before, after] = [new Set(last?.derived), new Set(derived)];
  return [
    ...[...before].filter((gateway) => !after.has(gateway)).flatMap((gateway) => routesOnlySaidBy(gateway, latterOf.get(gateway))),
    ...derived.filter((gateway) => !before.has(gateway)).flatMap((gateway) => routesOnlySaidBy(gateway, formerOf.get(gateway))),
  ];
};

const routesOnlySaidBy = (gateway: DerivedGateway, other: DerivedGateway | undefined): readonly AnyRoute[] =>
  differingKeys(other?.outcomes ?? noOutcomes, gateway.outcomes).filter(
    (route) => gateway.outcomes.has(route) && !saysTheSame(gateway.said(route), other?.said(route) ?? []),
  );

const saysTheSame = (one: Said, other: Said): boolean =>
  one === other || (one.length === other.length && one.every(([index, status], at) => index === other[at]?.[0] && status === other[at][1]));

const sameKeys = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean =>
  one === other || (one.size === other.size && [...one.keys()].every((key) => other.has(key)));
