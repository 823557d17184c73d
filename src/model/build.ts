import type { Gateway } from '../api/generated/gateway-api.ts';
import type { Objects } from '../api/objects.ts';
import { byCodeUnit, keyOf, localKeyOf, type ObjectKey } from '../lib/key.ts';
import { classStatusOf } from './gateways/class-status.ts';
import { type DerivedGateway, type GatewayOptions, gatewayDeriver } from './gateways/derive.ts';
import { orphanStatusOf } from './gateways/listener-set-status.ts';
import { reuseGateway } from './gateways/reuse.ts';
import { classMissingStatusOf, classRefusedStatusOf, policyStatusesOf, routeStatusesBuilder, statusSorter } from './gateways/statuses.ts';
import { type AnyRoute, type GatewayTables, indexesBuilder, routeKeyOf } from './gateways/tables.ts';
import { takenSocketsBuilder } from './gateways/taken-sockets.ts';
import type { Graph, Gateway as GatewayNode, Locality } from './graph.ts';
import { policyVerdictOf } from './routes/backend-tls.ts';
import { localitiesOf } from './routes/endpoints.ts';
import { routeNodeOf } from './routes/route-node.ts';
import type { Status } from './status.ts';
import { type ModelTables, tablesBuilder } from './tables.ts';

export const controllerName = 'gateway.tailscale.com/tailplane';

export type ModelOptions = Omit<GatewayOptions, 'controllerName'> & {
  /** Whether Gateways share the machine's ports, as in a directory's; on a cluster each has its own. */
  readonly exclusivePorts: boolean;
};

/**
 * A function from all objects to the graph. Pure in what it gives; what it remembers makes a rebuild walk what is unchanged and derive only
 * what is not, and gives unchanged Gateways and statuses back as the same objects. A change of nothing but EndpointSlices costs a look at each backend.
 */
export const graphBuilder = (options: ModelOptions): ((objects: Objects) => Graph) => {
  const tablesOf = tablesBuilder();
  const configurationOf = configurationBuilder(options);
  let last: { readonly objects: Objects; readonly configuration: Configuration } | undefined;
  return (objects) => {
    const tables = tablesOf(objects);
    const configuration = last !== undefined && differOnlyInSlices(last.objects, objects) ? last.configuration : configurationOf(tables);
    last = { objects, configuration };
    return { ...configuration, endpoints: endpointsOf(configuration.gateways, tables) };
  };
};

/** What the graph holds besides endpoints. */
type Configuration = Omit<Graph, 'endpoints'>;

const differOnlyInSlices = (one: Objects, other: Objects): boolean => {
  const kinds = Object.keys(other) as (keyof Objects)[];
  return kinds.every((kind) => kind === 'EndpointSlice' || one[kind] === other[kind]);
};

const configurationBuilder = ({ exclusivePorts, ...options }: ModelOptions): ((tables: ModelTables) => Configuration) => {
  const indexesOf = indexesBuilder();
  const takenSocketsOf = takenSocketsBuilder(options.privilegedPorts);
  const derive = gatewayDeriver({ controllerName, ...options });
  const routeStatusesOf = routeStatusesBuilder(controllerName);
  const sorted = statusSorter();
  const settled = gatewaysSettler();
  return (tables) => {
    const routes = routesOf(tables);
    const indexes = indexesOf(tables);
    const ours = gatewaysOf(tables);
    const full: GatewayTables = {
      ...tables,
      ...indexes,
      routeNodes: new Map(routes.map((route) => [routeKeyOf(route), routeNodeOf(route, tables)])),
      policyVerdicts: new Map([...tables.BackendTLSPolicy.values()].map((policy) => [keyOf(policy), policyVerdictOf(policy, tables)])),
      takenSockets: exclusivePorts ? takenSocketsOf(ours, (table, key) => ({ ...tables, ...indexes })[table].get(key) as never) : new Map(),
    };
    const derived = ours.map((gateway) => derive(gateway, full));
    const owners = new Map<ObjectKey, DerivedGateway>(
      derived.flatMap((gateway) => [...gateway.statuses.keys()].map((key) => [key, gateway] as const)),
    );
    const exists = (key: ObjectKey): boolean => existsIn(tables, key);
    return {
      gateways: settled(derived),
      statuses: sorted([
        ...classStatuses(tables),
        ...orphanStatuses(tables),
        ...derived.flatMap(({ statuses }) => [...statuses]),
        ...routeStatusesOf(routes, owners, exists),
        ...policyStatusesOf(derived),
      ]),
    };
  };
};

const routesOf = (tables: ModelTables): readonly AnyRoute[] => [
  ...tables.HTTPRoute.values(),
  ...tables.GRPCRoute.values(),
  ...tables.TLSRoute.values(),
  ...tables.TCPRoute.values(),
  ...tables.UDPRoute.values(),
];

/** What the class of a Gateway makes of it: only `ours` are derived. */
const callingOf = ({ spec }: Gateway, tables: ModelTables): 'ours' | 'refused' | 'foreign' | 'missing' => {
  const gatewayClass = tables.GatewayClass.get(`/${spec.gatewayClassName}`);
  if (gatewayClass === undefined) return 'missing';
  if (gatewayClass.spec.controllerName !== controllerName) return 'foreign';
  return gatewayClass.spec.parametersRef === undefined ? 'ours' : 'refused';
};

/** Gateways of our classes, by `namespace/name`. */
const gatewaysOf = (tables: ModelTables): readonly Gateway[] =>
  [...tables.Gateway.values()]
    .filter((gateway) => callingOf(gateway, tables) === 'ours')
    .toSorted((one, other) => byCodeUnit(localKeyOf(one), localKeyOf(other)));

/** Gives the nodes of derived Gateways, and in a Gateway that was derived anew the parts that mean what they meant. */
const gatewaysSettler = (): ((derived: readonly DerivedGateway[]) => ReadonlyMap<string, GatewayNode>) => {
  const known = new WeakMap<GatewayNode, GatewayNode>();
  let last: ReadonlyMap<string, GatewayNode> = new Map();
  return (derived) => {
    const gateways = new Map<string, GatewayNode>();
    for (const { node } of derived) {
      if (node === undefined) continue;
      const key = `${node.namespace}/${node.name}`;
      const settled = known.get(node) ?? reuseGateway(last.get(key) ?? node, node);
      known.set(node, settled);
      gateways.set(key, settled);
    }
    last = gateways;
    return gateways;
  };
};

const existsIn = (tables: ModelTables, key: ObjectKey): boolean => {
  const slash = key.indexOf('/');
  const table = key.slice(0, slash) === 'ListenerSet' ? tables.ListenerSet : tables.Gateway;
  return table.has(key.slice(slash + 1));
};

const classStatuses = (tables: ModelTables): readonly (readonly [ObjectKey, Status])[] => [
  ...[...tables.GatewayClass.values()]
    .filter(({ spec }) => spec.controllerName === controllerName)
    .map((gatewayClass) => [keyOf(gatewayClass), classStatusOf(gatewayClass)] as const),
  ...[...tables.Gateway.values()].flatMap((gateway) => {
    const calling = callingOf(gateway, tables);
    if (calling === 'missing') return [[keyOf(gateway), classMissingStatusOf(gateway)] as const];
    return calling === 'refused' ? [[keyOf(gateway), classRefusedStatusOf(gateway)] as const] : [];
  }),
];

/** Of ListenerSets whose Gateway does not exist. */
const orphanStatuses = (tables: ModelTables): readonly (readonly [ObjectKey, Status])[] =>
  [...tables.ListenerSet.values()]
    .filter(({ metadata, spec }) => !tables.Gateway.has(`${spec.parentRef.namespace ?? metadata.namespace ?? ''}/${spec.parentRef.name}`))
    .map((set) => [keyOf(set), orphanStatusOf(set)] as const);

const endpointsOf = (gateways: ReadonlyMap<string, GatewayNode>, tables: ModelTables): ReadonlyMap<string, readonly Locality[]> => {
  const endpoints = new Map<string, readonly Locality[]>();
  for (const { backends } of gateways.values())
    for (const backend of backends) if (!endpoints.has(backend.id)) endpoints.set(backend.id, localitiesOf(backend, tables));
  return endpoints;
};
