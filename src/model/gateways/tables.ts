import type { ListenerSet } from '../../api/generated/gateway-api.ts';
import type { KindMap } from '../../api/kinds.ts';
import { commonEnds, withMiddle } from '../../lib/changes.ts';
import { keyOf, type ObjectKey, objectKey } from '../../lib/key.ts';
import { indexBy, memo, sameElements, type Table } from '../../lib/memo.ts';
import type { RouteKind, RouteNode } from '../route-node.ts';
import type { PolicyVerdict } from '../routes/backend-tls.ts';
import { routeNodeOf } from '../routes/route-node.ts';
import type { ModelTables } from '../tables.ts';

/** A route object of any kind. */
export type AnyRoute = KindMap[RouteKind];

/** A route and what it means. The same object while neither changes. */
export type Candidate = { readonly route: AnyRoute; readonly node: RouteNode };

/** What deriving one Gateway looks things up in, beyond the model's tables. */
export type GatewayTables = ModelTables & {
  /** ListenerSets by the Gateway they name as parent, as `namespace/name`. */
  readonly listenerSetsOf: ReadonlyMap<string, readonly ListenerSet[]>;
  /** Routes by each parent they name, as the parent's ObjectKey, resolved when asked for. */
  readonly candidatesOf: Table<readonly Candidate[]>;
  /** What BackendTLSPolicies' status must say, by ObjectKey. */
  readonly policyVerdicts: ReadonlyMap<string, PolicyVerdict>;
  /** For each Gateway, as `namespace/name`, the sockets that an older Gateway holds: `TCP/8080` → that Gateway. Absent where there are none. */
  readonly takenSockets: ReadonlyMap<string, Readonly<Record<string, ObjectKey>>>;
};

export const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const satisfies readonly RouteKind[];

type ParentRef = NonNullable<AnyRoute['spec']['parentRefs']>[number];

/** The object a parentRef names, defaults applied; undefined for what is neither a Gateway nor a ListenerSet. */
const parentKeyOf = (route: AnyRoute, ref: ParentRef): ObjectKey | undefined =>
  ref.group === 'gateway.networking.k8s.io' && (ref.kind === 'Gateway' || ref.kind === 'ListenerSet')
    ? objectKey(ref.kind, ref.namespace ?? route.metadata.namespace ?? '', ref.name)
    : undefined;

/** What each of a route's parentRefs names, in their order. */
export const parentKeysOf = memo((route: AnyRoute): readonly (ObjectKey | undefined)[] =>
  (route.spec.parentRefs ?? []).map((ref) => parentKeyOf(route, ref)),
);

/** A route's key, made once. */
export const routeKeyOf = memo((route: AnyRoute): ObjectKey => keyOf(route));

const parentsOf = (route: AnyRoute): readonly string[] => [...new Set(parentKeysOf(route).filter((key) => key !== undefined))];

/** Indexes that keep the identity of unchanged groups from one call to the next. */
export const indexesBuilder = (): ((tables: ModelTables) => Pick<GatewayTables, 'listenerSetsOf' | 'candidatesOf'>) => {
  const setsOf = indexBy<ListenerSet>((set) => [
    `${set.spec.parentRef.namespace ?? set.metadata.namespace ?? ''}/${set.spec.parentRef.name}`,
  ]);
  const routesOf = routeKinds.map(() => indexBy<AnyRoute>(parentsOf));
  const candidatesOf = candidatesBuilder();
  return (tables) => {
    const indexes = routeKinds.map((kind, index) => routesOf[index]?.(tables[kind]) ?? new Map<string, readonly AnyRoute[]>());
    return { listenerSetsOf: setsOf(tables.ListenerSet), candidatesOf: candidatesOf(indexes, tables) };
  };
};

type RouteIndex = ReadonlyMap<string, readonly AnyRoute[]>;

type Asked = { readonly routes: readonly AnyRoute[]; readonly candidates: readonly Candidate[] };

const candidatesBuilder = (): ((indexes: readonly RouteIndex[], tables: ModelTables) => Table<readonly Candidate[]>) => {
  const known = new WeakMap<AnyRoute, Candidate>();
  let last = new Map<string, Asked>();
  let lastTables: ModelTables | undefined;

  const candidateOf = (route: AnyRoute, tables: ModelTables, sameWorld: boolean): Candidate => {
    const before = known.get(route);
    if (before !== undefined && sameWorld) return before;
    const node = routeNodeOf(route, tables);
    if (before?.node === node) return before;
    const candidate = { route, node };
    known.set(route, candidate);
    return candidate;
  };

  return (indexes, tables) => {
    // Whoever asks for the first time does so because something else than a route has changed.
    const sameWorld = lastTables !== undefined && differOnlyInRoutes(lastTables, tables);
    lastTables = tables;
    const before = last;
    const now = new Map<string, Asked>();
    last = now;
    return {
      get: (parent) => {
        const asked = now.get(parent);
        if (asked !== undefined) return asked.candidates;
        const former = before.get(parent);
        const [first = [], ...others] = indexes.map((index) => index.get(parent) ?? []).filter(({ length }) => length > 0);
        const routes = others.length === 0 ? first : [first, ...others].flat();
        const resolve = (route: AnyRoute): Candidate => candidateOf(route, tables, sameWorld);
        const candidates = sameWorld && former !== undefined ? patched(former, routes, resolve) : routes.map(resolve);
        const asking = { routes, candidates: sameElements(former?.candidates, candidates) };
        now.set(parent, asking);
        return asking.candidates;
      },
    };
  };
};

/** Of thousands of routes only those between the first and the last that is another object are looked at. */
const patched = (former: Asked, routes: readonly AnyRoute[], resolve: (route: AnyRoute) => Candidate): readonly Candidate[] => {
  const { start, end } = commonEnds(former.routes, routes);
  return withMiddle(former.candidates, start, end, routes.slice(start, routes.length - end).map(resolve));
};

/** Whether two generations of tables differ, if at all, in routes: what other routes mean then stays as it is, for no route looks at another. */
const differOnlyInRoutes = (one: ModelTables, other: ModelTables): boolean => {
  const names = Object.keys(other) as (keyof ModelTables)[];
  return names.every((name) => one[name] === other[name] || routeKinds.some((kind) => kind === name));
};
