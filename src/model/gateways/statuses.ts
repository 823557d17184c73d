import type { Gateway } from '../../api/generated/gateway-api.ts';
import { reuse } from '../../lib/equal.ts';
import { byCodeUnit, type ObjectKey } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { AncestorStatus, Status } from '../status.ts';
import type { DerivedGateway } from './derive.ts';
import { missingParentStatus } from './route-status.ts';
import { type AnyRoute, parentKeysOf, routeKeyOf } from './tables.ts';

/** At most so many ancestors fit into a policy's status (Gateway API `PolicyStatus.ancestors`). */
const maxAncestors = 16;

/** Status of a Gateway that nobody serves for the sake of its class: it waits, as on a cluster, but is told what for. */
const pendingStatus =
  (why: string) =>
  ({ metadata, spec }: Gateway): Status => {
    const conditions = conditionsOf(metadata.generation);
    const message = `GatewayClass "${spec.gatewayClassName}" ${why}`;
    return {
      kind: 'Gateway',
      conditions: [conditions.unknown('Accepted', 'Pending', message), conditions.unknown('Programmed', 'Pending', message)],
      addresses: [],
      listeners: [],
      attachedListenerSets: 0,
    };
  };

export const classMissingStatusOf = memo(pendingStatus('not found'));

export const classRefusedStatusOf = memo(pendingStatus('is not accepted: see its own status'));

type Known = {
  readonly owners: readonly unknown[];
  readonly entry: readonly [ObjectKey, Status];
};

/**
 * Status of every route that some parentRef of is answered for: for each of its parentRefs, in their order, what its Gateway says, or that
 * there is none. `owners` are the derived Gateways by the key of the Gateway, or ListenerSet, that a route may name; `exists` tells parents
 * that are not ours from those that are not there. A status whose parts did not change keeps its identity.
 */
export const routeStatusesBuilder = (
  controllerName: string,
): ((
  routes: Iterable<AnyRoute>,
  owners: ReadonlyMap<ObjectKey, DerivedGateway>,
  exists: (key: ObjectKey) => boolean,
) => readonly (readonly [ObjectKey, Status])[]) => {
  const known = new WeakMap<AnyRoute, Known>();
  const missing = memo((route: AnyRoute) => (route.spec.parentRefs ?? []).map((ref) => missingParentStatus(route, ref, controllerName)));

  const deriveFor = (route: AnyRoute, from: readonly unknown[], owners: ReadonlyMap<ObjectKey, DerivedGateway>): Known => {
    const key = routeKeyOf(route);
    const parts = parentKeysOf(route).map((parent, index) => {
      const owner = parent && owners.get(parent);
      if (owner !== undefined) return owner.parents.get(key)?.find(([refIndex]) => refIndex === index)?.[1];
      return from[index] === false ? missing(route)[index] : undefined;
    });
    const status: Status = { kind: route.kind, parents: parts.filter((part) => part !== undefined) };
    return { owners: from, entry: [key, status] };
  };

  return (routes, owners, exists) => {
    const statuses: (readonly [ObjectKey, Status])[] = [];
    for (const route of routes) {
      const from = parentKeysOf(route).map((parent) => parent && (owners.get(parent) ?? exists(parent)));
      const last = known.get(route);
      const now = last !== undefined && last.owners.every((owner, index) => owner === from[index]) ? last : deriveFor(route, from, owners);
      if (now !== last) known.set(route, now);
      if ('parents' in now.entry[1] && now.entry[1].parents.length > 0) statuses.push(now.entry);
    }
    return statuses;
  };
};

/** Status of every policy that some of our Gateways uses. */
export const policyStatusesOf = (derived: readonly DerivedGateway[]): readonly (readonly [ObjectKey, Status])[] => {
  const ancestors = new Map<ObjectKey, AncestorStatus[]>();
  for (const gateway of derived) {
    for (const [policy, ancestor] of gateway.ancestors) {
      const known = ancestors.get(policy);
      if (known === undefined) ancestors.set(policy, [ancestor]);
      else known.push(ancestor);
    }
  }
  return [...ancestors].map(([policy, list]) => [policy, { kind: 'BackendTLSPolicy', ancestors: list.slice(0, maxAncestors) }] as const);
};

/**
 * Statuses by kind, namespace and name, as they are listed, each the same object as last time where it says the same. The order is found again only when an object came or went: sorting some
 * thousands of keys costs more than the rest of a rebuild.
 */
export const statusSorter = (): ((statuses: readonly (readonly [ObjectKey, Status])[]) => ReadonlyMap<ObjectKey, Status>) => {
  let keys: readonly ObjectKey[] = [];
  let order: readonly number[] = [];
  let last: ReadonlyMap<ObjectKey, Status> = new Map();
  return (statuses) => {
    if (statuses.length !== keys.length || statuses.some(([key], index) => key !== keys[index])) {
      keys = statuses.map(([key]) => key);
      order = keys.map((_, index) => index).toSorted((one, other) => byCodeUnit(keys[one] ?? '', keys[other] ?? ''));
    }
    const sorted = new Map<ObjectKey, Status>();
    for (const index of order) {
      const entry = statuses[index];
      if (entry !== undefined) sorted.set(entry[0], reuse(last.get(entry[0]) ?? entry[1], entry[1]));
    }
    last = sorted;
    return sorted;
  };
};
