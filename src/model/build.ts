import type { HTTPRoute } from '../api/generated/gateway-api.ts';
import type { Objects } from '../api/objects.ts';
import { noObservations, type Observations } from '../api/observations.ts';
import { byCodeUnit, keyOf, localKeyOf, type ObjectKey } from '../lib/key.ts';
import { sameElements } from '../lib/memo.ts';
import { present } from '../lib/present.ts';
import { endpointsBuilder } from './endpoints.ts';
import { callingOf, classStatuses } from './gateways/class-status.ts';
import { boundPorts } from './gateways/declared.ts';
import { type DerivedGateway, type GatewayOptions, gatewayDeriver } from './gateways/derive.ts';
import { orphanStatusOf } from './gateways/listener-set-status.ts';
import { gatewaysSettler, infrastructuresSettler } from './gateways/reuse.ts';
import { routeStatusChanges, type StatusChanges } from './gateways/route-statuses.ts';
import {
  classMissingStatusOf,
  classRefusedStatusOf,
  policyStatusesOf as backendTlsStatusesOf,
  statusesBuilder,
} from './gateways/statuses.ts';
import { type GatewayTables, indexesBuilder, parentKeysOf } from './gateways/tables.ts';
import { takenSocketsBuilder } from './gateways/taken-sockets.ts';
import type { Graph } from './graph.ts';
import { peersBuilder } from './peers.ts';
import { policiesBuilder } from './policies/governing.ts';
import { grouplessBuilder } from './policies/groupless.ts';
import { policer } from './policies/police.ts';
import { policyStatusesBuilder } from './policies/statuses.ts';
import type { Verdict } from './route-node.ts';
import { policyVerdictOf } from './routes/backend-tls.ts';
import { fencesBuilder } from './sharing/fences.ts';
import { addressesAdder } from './sharing/gateway-addresses.ts';
import { type EntranceHost, hostingBuilder } from './sharing/hosting.ts';
import { sharesByOwner } from './sharing/share.ts';
import { sharingBuilder } from './sharing/sharing.ts';
import { wishesBuilder } from './sharing/wishes.ts';
import type { Status } from './status.ts';
import { differOnlyInPlaces, type ModelTables, tablesBuilder } from './tables.ts';
import { isGenerated } from './tailnets/generated.ts';
import { generatedAdder, generatedRoutesBuilder } from './tailnets/generated-routes.ts';
import { ownStatusesFor } from './tailnets/own-statuses.ts';
import { proxySetsBuilder } from './tailnets/proxy-sets.ts';
import { templatesBuilder, withWanted } from './tailnets/templates.ts';

export const controllerName = 'gateway.tailscale.com/tailplane';

export type ModelOptions = Omit<GatewayOptions, 'controllerName' | 'boundPort'> & {
  /** Whether Envoy may bind ports below 1024 as they are. */
  readonly privilegedPorts: boolean;
  /** TCP and UDP ports that Envoys need for themselves. */
  readonly reservedPorts?: readonly number[];
  /** Whether Gateways share the machine's ports, as in a directory's; on a cluster each has its own. */
  readonly exclusivePorts: boolean;
  /** Tells this cluster from others that share services of a tailnet. */
  readonly clusterName?: string;
  /** On a cluster: by which name ingress proxies reach a Gateway's Envoys. */
  readonly entranceHost?: EntranceHost;
  /** CIDRs that ingress proxies connect from, beside those that are known. */
  readonly ingressProxyRanges?: readonly string[];
};

/**
 * A function from all objects to the graph. Pure in what it gives; what it remembers makes a rebuild walk what is unchanged and derive only
 * what is not, and gives unchanged Gateways and statuses back as the same objects. A change of EndpointSlices, or of a tailnet's
 * machines, touches no configuration. Without observations nobody looks at tailnets, and nothing is said of how they are.
 */
export const graphBuilder = (options: ModelOptions): ((objects: Objects, observations?: Observations) => Graph) => {
  const { onCluster = false, exclusivePorts, clusterName = 'standalone', entranceHost, ingressProxyRanges = [] } = options;
  const templatesOf = templatesBuilder();
  const tablesOf = tablesBuilder();
  const generatedOf = generatedRoutesBuilder();
  const withGenerated = generatedAdder();
  const configurationOf = configurationBuilder(options);
  const endpointsOf = endpointsBuilder();
  const sharingOf = sharingBuilder({ clusterName, exclusivePorts });
  const hostingOf = hostingBuilder(onCluster ? entranceHost : undefined);
  const wishesOf = wishesBuilder(onCluster);
  const fencesOf = fencesBuilder(ingressProxyRanges);
  const withAddresses = addressesAdder();
  const proxySetsOf = proxySetsBuilder();
  const own = ownStatusesFor(onCluster);
  const statusesOf = statusesBuilder();
  const peersOf = peersBuilder();
  const policiesOf = policiesBuilder();
  const grouplessOf = grouplessBuilder();
  const withPolicies = policer();
  const policyStatusesOf = policyStatusesBuilder(controllerName);
  let last: { readonly tables: ModelTables; readonly configuration: Configuration } | undefined;
  return onceFor((objects, observations) => {
    const templates = templatesOf(objects);
    const made = onCluster ? objects : { ...objects, TailscaleEndpoints: withWanted(objects.TailscaleEndpoints, templates) };
    const plain = tablesOf(made, observations);
    const generated = generatedOf(plain);
    const tables = withGenerated(plain, generated);
    const isStill = last !== undefined && differOnlyInPlaces(last.tables, tables);
    const configuration = last !== undefined && isStill ? last.configuration : configurationOf(tables);
    last = { tables, configuration };
    const { derived, infrastructures, few, routeChanges, refusalOf } = configuration;
    const policies = policiesOf(tables);
    const sharing = sharingOf(tables, derived, configuration.gateways);
    const { gateways, untold } = withPolicies(sharing.entrances.gateways, policies, grouplessOf(tables.tailnets));
    const endpoints = endpointsOf(gateways, tables);
    const hosting = hostingOf(sharing, { gateways, infrastructures, endpoints, tables });
    const proxySets = proxySetsOf(tables, { gateways, hosting, shares: sharesByOwner(sharing.shares) });
    const timed = present({ hour: observations.hour });
    const findings = { tables, templates, proxySets, generated, gateways, refusalOf, sharing, hosting, ...timed };
    const ownStatuses = observations === noObservations ? own.unobserved(findings) : own.observed(findings);
    return {
      gateways,
      infrastructures,
      endpoints,
      proxySets: onCluster ? proxySets.all : noProxySets,
      provisioned: templates,
      vipServices: wishesOf(sharing.services, sharing.vips),
      peers: peersOf(gateways, tables.tailnets),
      fences: fencesOf(sharing.shares, tables.slicesOf),
      statuses: statusesOf(
        [
          ...withAddresses(few, sharing, tables.sharedServices),
          ...ownStatuses,
          ...policyStatusesOf({ policies, gateways, untold, tables }),
        ],
        isStill ? noChanges : routeChanges,
      ),
    };
  });
};

type Build = (objects: Objects, observations: Observations) => Graph;

/** The same graph for the same objects and observations as last time: sources have other news than these. */
const onceFor = (build: Build): ((objects: Objects, observations?: Observations) => Graph) => {
  let last: { readonly objects: Objects; readonly observations: Observations; readonly graph: Graph } | undefined;
  return (objects, observations = noObservations) => {
    if (last?.objects !== objects || last.observations !== observations) {
      last = { objects, observations, graph: build(objects, observations) };
    }
    return last.graph;
  };
};

const noProxySets: Graph['proxySets'] = new Map();
const noChanges: StatusChanges = new Map();

/** What does not depend on where things are, or whether they run. */
type Configuration = Pick<Graph, 'gateways' | 'infrastructures'> & {
  /** The same list while each of it is the same. */
  readonly derived: readonly DerivedGateway[];
  /** Statuses of what is not thousands, in full. */
  readonly few: readonly (readonly [ObjectKey, Status])[];
  /** Since the configuration before this one. */
  readonly routeChanges: StatusChanges;
  /** Why a route is on no listener of the first parent it names. */
  readonly refusalOf: (route: HTTPRoute) => Verdict | undefined;
};

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
  let lastDerived: readonly DerivedGateway[] = [];
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
      ...backendTlsStatusesOf(derived),
    ];
    lastDerived = sameElements(lastDerived, derived);
    return {
      derived: lastDerived,
      gateways: settled(derived),
      infrastructures: infrastructuresOf(derived),
      few,
      routeChanges: withoutGenerated(routeChangesOf({ tables, derived, owners })),
      refusalOf: (route) => refusalIn(owners, route),
    };
  };
};

const withoutGenerated = (changes: StatusChanges): StatusChanges => new Map([...changes].filter(([key]) => !isGenerated(key)));

const refusalIn = (owners: ReadonlyMap<ObjectKey, DerivedGateway>, route: HTTPRoute): Verdict | undefined => {
  const [parent] = parentKeysOf(route);
  const said = parent && owners.get(parent)?.said(route)[0]?.[1];
  const refusal = said?.conditions.find(({ type, status }) => type === 'Accepted' && status !== 'True');
  return refusal && { reason: refusal.reason, message: refusal.message };
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
