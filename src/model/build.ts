import type { Objects } from '../api/objects.ts';
import { noObservations, type Observations } from '../api/observations.ts';
import { byCodeUnit, keyOf, localKeyOf, type ObjectKey } from '../lib/key.ts';
import { endpointsBuilder } from './endpoints.ts';
import { callingOf, classStatuses } from './gateways/class-status.ts';
import { boundPorts } from './gateways/declared.ts';
import { type DerivedGateway, type GatewayOptions, gatewayDeriver } from './gateways/derive.ts';
import { orphanStatusOf } from './gateways/listener-set-status.ts';
import { gatewaysSettler, infrastructuresSettler } from './gateways/reuse.ts';
import { routeStatusChanges } from './gateways/route-statuses.ts';
import { classMissingStatusOf, classRefusedStatusOf, policyStatusesOf, statusesBuilder } from './gateways/statuses.ts';
import { type GatewayTables, indexesBuilder } from './gateways/tables.ts';
import { takenSocketsBuilder } from './gateways/taken-sockets.ts';
import type { Graph } from './graph.ts';
import { policyVerdictOf } from './routes/backend-tls.ts';
import type { Status } from './status.ts';
import { differOnlyInPlaces, type ModelTables, tablesBuilder } from './tables.ts';

export const controllerName = 'gateway.tailscale.com/tailplane';

export type ModelOptions = Omit<GatewayOptions, 'controllerName' | 'boundPort'> & {
  /** Whether Envoy may bind ports below 1024 as they are. */
  readonly privilegedPorts: boolean;
  /** TCP and UDP ports that Envoys need for themselves. */
  readonly reservedPorts?: readonly number[];
  /** Whether Gateways share the machine's ports, as in a directory's; on a cluster each has its own. */
  readonly exclusivePorts: boolean;
};

/**
 * A function from all objects to the graph. Pure in what it gives; what it remembers makes a rebuild walk what is unchanged and derive only
 * what is not, and gives unchanged Gateways and statuses back as the same objects. A change of EndpointSlices, or of a tailnet's
 * machines, touches no configuration.
 */
export const graphBuilder = (options: ModelOptions): ((objects: Objects, observations?: Observations) => Graph) => {
  const tablesOf = tablesBuilder();
  const configurationOf = configurationBuilder(options);
  const endpointsOf = endpointsBuilder();
  let last: { readonly tables: ModelTables; readonly configuration: Configuration } | undefined;
  return (objects, observations = noObservations) => {
    const tables = tablesOf(objects, observations);
    const configuration = last !== undefined && differOnlyInPlaces(last.tables, tables) ? last.configuration : configurationOf(tables);
    last = { tables, configuration };
    return {
      ...configuration,
      endpoints: endpointsOf(configuration.gateways, tables),
      proxySets: new Map(),
      provisioned: { wanted: new Map(), unwanted: [] },
    };
  };
};

/** What the graph holds besides endpoints. */
type Configuration = Omit<Graph, 'endpoints' | 'proxySets' | 'provisioned'>;

const configurationBuilder = ({
  exclusivePorts,
  onCluster = false,
  privilegedPorts,
  reservedPorts,
  ...options
}: ModelOptions): ((tables: ModelTables) => Configuration) => {
  const boundPort = boundPorts(privilegedPorts, reservedPorts);
  const indexesOf = indexesBuilder();
  const takenSocketsOf = takenSocketsBuilder(boundPort);
  const derive = gatewayDeriver({ controllerName, onCluster, boundPort, ...options });
  const classStatusesOf = classStatuses(controllerName, onCluster);
  const infrastructuresOf = infrastructuresSettler();
  const routeChangesOf = routeStatusChanges(controllerName, onCluster);
  const settled = gatewaysSettler();
  const statusesOf = statusesBuilder();
  return (tables) => {
    const ours = [...tables.Gateway.values()]
      .filter((gateway) => callingOf(gateway, tables, controllerName) === 'ours')
      .toSorted((one, other) => byCodeUnit(localKeyOf(one), localKeyOf(other)));
    const indexed = { ...tables, ...indexesOf(tables) };
    const full: GatewayTables = {
      ...indexed,
      policyVerdicts: new Map([...tables.BackendTLSPolicy.values()].map((policy) => [keyOf(policy), policyVerdictOf(policy, tables)])),
      takenSockets: exclusivePorts ? takenSocketsOf(ours, indexed) : new Map(),
    };
    const derived = ours.map((gateway) => derive(gateway, full));
    const owners = new Map<ObjectKey, DerivedGateway>(
      derived.flatMap((gateway) => [...gateway.statuses.keys()].map((key) => [key, gateway] as const)),
    );
    const few = [
      ...classStatusesOf(tables),
      ...unservedStatuses(tables, onCluster),
      ...derived.flatMap(({ statuses }) => [...statuses]),
      ...policyStatusesOf(derived),
    ];
    return {
      gateways: settled(derived),
      infrastructures: infrastructuresOf(derived),
      statuses: statusesOf(few, routeChangesOf({ tables, derived, owners })),
    };
  };
};

/** Of Gateways that wait for their class, and, where nobody else could answer, of what names a class or Gateway that does not exist. */
const unservedStatuses = (tables: ModelTables, onCluster: boolean): readonly (readonly [ObjectKey, Status])[] => [
  ...[...tables.Gateway.values()].flatMap((gateway) => {
    const calling = callingOf(gateway, tables, controllerName);
    if (calling === 'missing' && !onCluster) return [[keyOf(gateway), classMissingStatusOf(gateway)] as const];
    return calling === 'refused' ? [[keyOf(gateway), classRefusedStatusOf(gateway)] as const] : [];
  }),
  ...[...tables.ListenerSet.values()]
    .filter(
      ({ metadata, spec }) =>
        !onCluster && !tables.Gateway.has(`${spec.parentRef.namespace ?? metadata.namespace ?? ''}/${spec.parentRef.name}`),
    )
    .map((set) => [keyOf(set), orphanStatusOf(set)] as const),
];
