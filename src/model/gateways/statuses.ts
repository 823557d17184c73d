import type { Gateway } from '../../api/generated/gateway-api.ts';
import { byCodeUnit, keyOf, type ObjectKey, partsOf } from '../../lib/key.ts';
import { memo } from '../../lib/memo.ts';
import { conditionsOf } from '../conditions.ts';
import type { AncestorStatus, Status } from '../status.ts';
import type { DerivedGateway } from './derive.ts';
import { missingParentStatus } from './route-status.ts';
import { type AnyRoute, parentKeyOf } from './tables.ts';

/** At most so many ancestors fit into a policy's status (Gateway API `PolicyStatus.ancestors`). */
const maxAncestors = 16;

/** Status of a Gateway whose class does not exist: with a class of another controller it is none of our business. */
export const classlessStatusOf = memo((gateway: Gateway): Status => ({
  kind: 'Gateway',
  conditions: [
    conditionsOf(gateway.metadata.generation).unknown('Accepted', 'Pending', `GatewayClass "${gateway.spec.gatewayClassName}" not found`),
    conditionsOf(gateway.metadata.generation).unknown('Programmed', 'Pending', `GatewayClass "${gateway.spec.gatewayClassName}" not found`),
  ],
  addresses: [],
  listeners: [],
  attachedListenerSets: 0,
}));

type RouteKinds = Extract<Status, { readonly parents: unknown }>['kind'];

/**
 * Status of every route, by key: for each of its parentRefs, in their order, what its Gateway says, or that there is none.
 * `owners` are the derived Gateways by the key of the Gateway, or ListenerSet, that a route may name; `exists` tells parents that are not ours
 * from those that are not there. A status whose parts did not change keeps its identity.
 */
export const routeStatusesBuilder = (
  controllerName: string,
): ((
  routes: Iterable<AnyRoute>,
  owners: ReadonlyMap<ObjectKey, DerivedGateway>,
  exists: (key: ObjectKey) => boolean,
) => readonly (readonly [ObjectKey, Status])[]) => {
  const known = new WeakMap<AnyRoute, { readonly from: readonly unknown[]; readonly status: Status }>();
  const missing = memo((route: AnyRoute) => (route.spec.parentRefs ?? []).map((ref) => missingParentStatus(route, ref, controllerName)));
  return (routes, owners, exists) => {
    const statuses: (readonly [ObjectKey, Status])[] = [];
    for (const route of routes) {
      const key = keyOf(route);
      const from = (route.spec.parentRefs ?? []).map((ref, index) => {
        const parent = parentKeyOf(route, ref);
        if (parent === undefined) return undefined;
        const owner = owners.get(parent);
        if (owner !== undefined) return owner.parents.get(key)?.find(([refIndex]) => refIndex === index)?.[1];
        return exists(parent) ? undefined : missing(route)[index];
      });
      const last = known.get(route);
      if (last !== undefined && last.from.every((part, index) => part === from[index] || same(part, from[index]))) {
        statuses.push([key, last.status]);
        continue;
      }
      const status: Status = { kind: route.kind satisfies RouteKinds, parents: from.filter((part) => part !== undefined) };
      known.set(route, { from, status });
      statuses.push([key, status]);
    }
    return statuses.filter(([, status]) => 'parents' in status && status.parents.length > 0);
  };
};

/** Gateways are derived as a whole, so an equal verdict may come as another object. */
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

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

/** Orders statuses by kind, namespace and name, as they are listed. */
export const sorted = (statuses: Iterable<readonly [ObjectKey, Status]>): ReadonlyMap<ObjectKey, Status> =>
  new Map([...statuses].toSorted(([one], [other]) => byCodeUnit(partsOf(one).kind, partsOf(other).kind) || byCodeUnit(one, other)));
