import type { ListenerSet } from '../../api/generated/gateway-api.ts';
import type { KindMap } from '../../api/kinds.ts';
import { keyOf, type ObjectKey, objectKey } from '../../lib/key.ts';
import { indexBy, memo, type Table } from '../../lib/memo.ts';
import type { RouteKind, RouteNode } from '../route-node.ts';
import type { PolicyVerdict } from '../routes/backend-tls.ts';
import type { ModelTables } from '../tables.ts';

/** A route object of any kind. */
export type AnyRoute = KindMap[RouteKind];

/** What deriving one Gateway looks things up in, beyond the model's tables. */
export type GatewayTables = ModelTables & {
  /** ListenerSets by the Gateway they name as parent, as `namespace/name`. */
  readonly listenerSetsOf: ReadonlyMap<string, readonly ListenerSet[]>;
  /** Routes by each parent they name, as the parent's ObjectKey; one table a kind, so that a change of one kind keeps the others' groups. */
  readonly httpRoutesOf: ReadonlyMap<string, readonly AnyRoute[]>;
  readonly grpcRoutesOf: ReadonlyMap<string, readonly AnyRoute[]>;
  readonly tlsRoutesOf: ReadonlyMap<string, readonly AnyRoute[]>;
  readonly tcpRoutesOf: ReadonlyMap<string, readonly AnyRoute[]>;
  readonly udpRoutesOf: ReadonlyMap<string, readonly AnyRoute[]>;
  /** Resolved routes by ObjectKey, resolved when asked for. */
  readonly routeNodes: Table<RouteNode>;
  /** What BackendTLSPolicies' status must say, by ObjectKey. */
  readonly policyVerdicts: ReadonlyMap<string, PolicyVerdict>;
  /** For each Gateway, as `namespace/name`, the sockets that an older Gateway holds: `TCP/8080` → that Gateway. Absent where there are none. */
  readonly takenSockets: ReadonlyMap<string, Readonly<Record<string, ObjectKey>>>;
};

export const routeTables = [
  'httpRoutesOf',
  'grpcRoutesOf',
  'tlsRoutesOf',
  'tcpRoutesOf',
  'udpRoutesOf',
] as const satisfies readonly (keyof GatewayTables)[];

export const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const satisfies readonly RouteKind[];

export const routeWith = (key: ObjectKey, tables: ModelTables): AnyRoute | undefined => {
  const slash = key.indexOf('/');
  const table: ReadonlyMap<string, AnyRoute> | undefined = tables[key.slice(0, slash) as RouteKind];
  return table?.get(key.slice(slash + 1));
};

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

type Indexes = Pick<GatewayTables, 'listenerSetsOf' | (typeof routeTables)[number]>;

/** Indexes that keep the identity of unchanged groups from one call to the next. */
export const indexesBuilder = (): ((tables: ModelTables) => Indexes) => {
  const sets = indexBy<ListenerSet>((set) => [
    `${set.spec.parentRef.namespace ?? set.metadata.namespace ?? ''}/${set.spec.parentRef.name}`,
  ]);
  const [http, grpc, tls, tcp, udp] = [indexBy(parentsOf), indexBy(parentsOf), indexBy(parentsOf), indexBy(parentsOf), indexBy(parentsOf)];
  return (tables) => ({
    listenerSetsOf: sets(tables.ListenerSet),
    httpRoutesOf: http(tables.HTTPRoute),
    grpcRoutesOf: grpc(tables.GRPCRoute),
    tlsRoutesOf: tls(tables.TLSRoute),
    tcpRoutesOf: tcp(tables.TCPRoute),
    udpRoutesOf: udp(tables.UDPRoute),
  });
};
