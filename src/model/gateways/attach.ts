import type { Gateway } from '../../api/generated/gateway-api.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { RouteKind, RouteNode, Verdict } from '../route-node.ts';
import { hostsOn, intersection } from './hostnames.ts';
import type { JudgedListener } from './judge.ts';
import { byAge } from './precedence.ts';
import { allowsNamespace } from './selector.ts';
import { type AnyRoute, type GatewayTables, parentKeysOf, routeKeyOf, routeTables } from './tables.ts';

/** A route on one listener: `hosts` are the names it answers there, never empty. */
export type Attached = { readonly route: AnyRoute; readonly node: RouteNode; readonly hosts: readonly string[] };

/** What one of a route's parentRefs came to; `refused` says why it attaches to no listener. */
export type RefOutcome = { readonly route: AnyRoute; readonly node: RouteNode; readonly refIndex: number; readonly refused?: Verdict };

export type Attachments = {
  /** Routes of each listener, oldest first. */
  readonly on: ReadonlyMap<JudgedListener, readonly Attached[]>;
  readonly outcomes: readonly RefOutcome[];
};

/** Attaches every route that names the Gateway, or one of its ListenerSets, to the listeners that take it. */
export const attach = (
  gateway: Gateway,
  setKeys: readonly ObjectKey[],
  listeners: readonly JudgedListener[],
  read: Read<GatewayTables>,
): Attachments => {
  const on = new Map<JudgedListener, Attached[]>(listeners.map((listener) => [listener, []]));
  const outcomes: RefOutcome[] = [];
  const parents = new Set<ObjectKey>([keyOf(gateway), ...setKeys]);
  for (const route of routesOf([...parents], read)) {
    const node = read('routeNodes', routeKeyOf(route));
    if (node === undefined) continue;
    for (const [refIndex, ref] of (route.spec.parentRefs ?? []).entries()) {
      const parent = parentKeysOf(route)[refIndex];
      if (parent === undefined || !parents.has(parent)) continue;
      const named = listeners.filter(
        ({ ownerKey, spec }) =>
          ownerKey === parent &&
          (ref.sectionName === undefined || ref.sectionName === spec.name) &&
          (ref.port === undefined || ref.port === spec.port),
      );
      const taken = takenBy(route, node, named, on, read);
      for (const { listener, attached } of taken.by) on.get(listener)?.push(attached);
      outcomes.push({ route, node, refIndex, ...(taken.refused === undefined ? {} : { refused: taken.refused }) });
    }
  }
  return { on, outcomes };
};

const routesOf = (parents: readonly ObjectKey[], read: Read<GatewayTables>): readonly AnyRoute[] =>
  [...new Set(routeTables.flatMap((table) => parents.flatMap((parent) => read(table, parent) ?? [])))].toSorted((one, other) =>
    byAge(one.metadata, other.metadata),
  );

type Taken = { readonly by: readonly { readonly listener: JudgedListener; readonly attached: Attached }[]; readonly refused?: Verdict };

/** Asks the listeners in the order of the specification's reasons: there at all, open to this kind and namespace, by hostname, and not held by another route. */
const takenBy = (
  route: AnyRoute,
  node: RouteNode,
  named: readonly JudgedListener[],
  on: ReadonlyMap<JudgedListener, readonly Attached[]>,
  read: Read<GatewayTables>,
): Taken => {
  const refuse = (reason: string, message: string): Taken => ({ by: [], refused: { reason, message } });
  const rejectedListener = named.find(({ accepted }) => !accepted);
  const accepted = named.filter((listener) => listener.accepted);
  if (accepted.length === 0) {
    return rejectedListener === undefined
      ? refuse('NoMatchingParent', 'the parent has no listener with this sectionName and port')
      : refuse('NoMatchingParent', `listener ${rejectedListener.spec.name} is not accepted: ${rejectedListener.rejected?.message ?? ''}`);
  }
  const allowed = accepted.filter((listener) => allows(listener, node.kind, route, read));
  if (allowed.length === 0)
    return refuse('NotAllowedByListeners', `no listener allows a ${node.kind} of namespace "${route.metadata.namespace ?? ''}"`);
  if (node.rejected !== undefined) return { by: [], refused: node.rejected };
  const matching = allowed
    .map((listener) => ({ listener, attached: { route, node, hosts: hostsOn(listener.host, node.hostnames) } }))
    .filter(({ attached }) => attached.hosts.length > 0);
  if (matching.length === 0)
    return refuse(
      'NoMatchingListenerHostname',
      `no hostname of the route is one of listener ${allowed.map(({ spec }) => spec.name).join(', ')}`,
    );
  let held: Verdict | undefined;
  const by = matching.filter(({ listener, attached }) => {
    const verdict = heldBy(attached, on.get(listener) ?? []);
    held ??= verdict;
    return verdict === undefined;
  });
  return by.length > 0 || held === undefined ? { by } : { by, refused: held };
};

const allows = (listener: JudgedListener, kind: RouteKind, route: AnyRoute, read: Read<GatewayTables>): boolean =>
  listener.kinds.includes(kind) &&
  allowsNamespace(read, listener.spec.allowedRoutes.namespaces, listener.owner.metadata.namespace ?? '', route.metadata.namespace ?? '');

/**
 * Why an older route keeps this one from a listener. A TCP or UDP listener has one route; a hostname is either HTTPRoutes' or GRPCRoutes'
 * (Gateway API v1 `GRPCRouteSpec.hostnames`).
 */
const heldBy = ({ node, hosts }: Attached, before: readonly Attached[]): Verdict | undefined => {
  const single = node.kind === 'TCPRoute' || node.kind === 'UDPRoute';
  const holder = before.find((other) =>
    single
      ? other.node.key !== node.key
      : other.node.kind !== node.kind && other.hosts.some((host) => hosts.some((own) => intersection(host, own) !== undefined)),
  );
  if (holder === undefined) return undefined;
  const what = single ? 'the listener already has' : `a hostname of this ${node.kind} is on this listener already that of`;
  return {
    reason: 'NotAllowedByListeners',
    message: `${what} the older ${holder.node.kind} "${holder.route.metadata.namespace ?? ''}/${holder.route.metadata.name}"`,
  };
};
