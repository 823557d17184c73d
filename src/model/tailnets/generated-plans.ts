import type { HTTPRoute } from '../../api/generated/gateway-api.ts';
import type {
  GeneratedNames,
  SharedTailnet,
  TailscaleEndpoint,
  TailscaleEndpoints,
  TailscaleGateway,
} from '../../api/generated/tailscale.ts';
import { gatewayGroup, kinds, tailscaleGroup } from '../../api/kinds.ts';
import type { Observations, VipService } from '../../api/observations.ts';
import { byCodeUnit, localKey } from '../../lib/key.ts';
import { memo, memoByReads, type Read, type Table } from '../../lib/memo.ts';
import { nameSelector } from '../../lib/name-pattern.ts';
import { present } from '../../lib/present.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { gatewayNamedBy, gatewayRefusal } from './gateway-ref.ts';
import { generatedName } from './generated.ts';
import { hostFrom, pathFrom, servicePortOf } from './generated-names.ts';
import { tailnetFor } from './permission.ts';

/** One host and path of a Gateway, and what it leads to. */
export type Candidate = {
  /** `web.tailscale.local/tailscale/web`: only one of a Gateway may have it. */
  readonly claim: string;
  /** By the name that the TailscaleGateway gives it. */
  readonly tailnet: string;
  readonly route: HTTPRoute;
  readonly endpoints: TailscaleEndpoints;
};

/** One tailnet of a TailscaleGateway. */
export type TailnetPlan = {
  readonly name: string;
  /** The TailscaleTailnet. */
  readonly ref: string;
  /** Why it may not be used. */
  readonly refused?: Verdict;
  /** Services that its `serviceDiscovery` takes. */
  readonly discovered: number;
  /** For want of proxies, Envoys have to stand in the tailnet themselves. */
  readonly isDirect: boolean;
  /** Services that become nothing, and why. */
  readonly left: readonly string[];
};

/** What one TailscaleGateway asks for, whatever others do. */
export type Plan = {
  /** The Gateway, as `namespace/name`. */
  readonly gateway: string;
  /** Why it gets nothing. */
  readonly refused?: Verdict;
  readonly tailnets: readonly TailnetPlan[];
  readonly candidates: readonly Candidate[];
};

type Tables = ModelTables & {
  /** Tailscale Services by their names, by name of the TailscaleTailnet. */
  readonly vipServices: Table<ReadonlyMap<string, VipService>>;
};

/** A function that tells what a TailscaleGateway asks for; the same object while what it looked up is the same. */
export const plansBuilder = (): ((gateway: TailscaleGateway, tables: ModelTables) => Plan) => {
  const planOf = memoByReads<Tables, TailscaleGateway, Plan>(planFor);
  return (gateway, tables) => planOf(gateway, withVipServices(tables));
};

const withVipServices = memo((tables: ModelTables): Tables => ({ ...tables, vipServices: vipServicesOf(tables.tailnets) }));

const vipServicesOf = memo((tailnets: Observations['tailnets']): Tables['vipServices'] => ({
  get: (name) => tailnets.get(name)?.known?.services,
}));

const planFor = (gateway: TailscaleGateway, read: Read<Tables>): Plan => {
  const { tailnets = [] } = gateway.spec;
  const { deletionTimestamp } = gateway.metadata;
  const key = gatewayNamedBy(gateway);
  const refused = gatewayRefusal(gateway, read);
  if (refused !== undefined || deletionTimestamp !== undefined) return present({ gateway: key, refused, tailnets: [], candidates: [] });
  const planned = tailnets.map((tailnet) => tailnetPlanFor(tailnet, gateway, read));
  return {
    gateway: key,
    tailnets: planned.map(({ plan }) => plan),
    candidates: planned.flatMap(({ candidates }) => candidates),
  };
};

type Planned = { readonly plan: TailnetPlan; readonly candidates: readonly Candidate[] };

const tailnetPlanFor = (tailnet: SharedTailnet, gateway: TailscaleGateway, read: Read<Tables>): Planned => {
  const { name, tailscaleTailnetRef, serviceDiscovery, routeGeneration } = tailnet;
  const namespace = gateway.metadata.namespace ?? '';
  const ref = tailscaleTailnetRef.name;
  const permitted = tailnetFor(ref, namespace, read);
  const plan = { name, ref, discovered: 0, isDirect: false, left: [] };
  if (!permitted.ok) return { plan: { ...plan, refused: permitted.problem }, candidates: [] };
  const isTaken = nameSelector(present({ patterns: serviceDiscovery?.patterns, excludePatterns: serviceDiscovery?.excludePatterns }));
  const known = serviceDiscovery?.enabled === false ? [] : [...(read('vipServices', ref) ?? new Map<string, VipService>()).values()];
  const services = known
    .filter((service) => isTaken([service.name, labelOf(service)]))
    .toSorted((one, other) => byCodeUnit(one.name, other.name));
  const egress = routeGeneration?.egress;
  if (egress?.enabled !== true) return { plan: { ...plan, discovered: services.length }, candidates: [] };
  const [group] = read('egressGroups', localKey(namespace, ref)) ?? [];
  const { suffix } = read('tailnetStandings', ref) ?? {};
  const context = { gateway, tailnet, egress, ...present({ group: group?.metadata.name, suffix }) };
  const made = services.map((service) => candidateFrom(service, context));
  const candidates = made.flatMap((one) => (one.ok ? [one.value] : []));
  return {
    plan: {
      ...plan,
      discovered: services.length,
      isDirect: group === undefined && candidates.length > 0,
      left: made.flatMap((one) => (one.ok ? [] : [one.problem])),
    },
    candidates,
  };
};

const labelOf = ({ name }: VipService): string => name.replace(/^svc:/, '').toLowerCase();

type Context = {
  readonly gateway: TailscaleGateway;
  readonly tailnet: SharedTailnet;
  readonly egress: GeneratedNames;
  /** A TailscaleProxyGroup of the same namespace. */
  readonly group?: string;
  readonly suffix?: string;
};

/** What a service becomes; else, for users, why it becomes nothing. */
const candidateFrom = (service: VipService, context: Context): Result<Candidate, string> => {
  const { gateway, tailnet, egress, suffix } = context;
  const label = labelOf(service);
  const variables = present({ service: label, tailnet: tailnet.name, namespace: gateway.metadata.namespace ?? '', domain: suffix });
  const host = hostFrom(egress.hostPattern, variables);
  if (host === undefined) return fail(`${service.name}: hostPattern "${egress.hostPattern}" makes no DNS name of it`);
  const path = pathFrom(egress.pathPrefix, variables);
  if (path === undefined) return fail(`${service.name}: pathPrefix "${egress.pathPrefix}" needs the tailnet's domain, which is not known`);
  const port = servicePortOf(service.ports, egress.protocol);
  if (port === undefined) return fail(`${service.name}: it takes no TCP`);
  const [address] = service.addresses;
  const target = suffix === undefined ? address && { tailscaleIP: address } : { tailscaleFQDN: `${label}.${suffix}` };
  if (!target) return fail(`${service.name}: it has no address`);
  const name = generatedName(gateway.metadata.name, tailnet.name, label);
  return ok({
    claim: `${host}${path}`,
    tailnet: tailnet.name,
    route: routeFrom(name, { host, path, port }, gateway),
    endpoints: endpointsFrom(name, { name: 'service', ...target, port, protocol: egress.protocol, weight: 1 }, context),
  });
};

/** Routes of users are always older, so that they win where the API goes by age. */
const youngest = '9999-12-31T23:59:59Z';

type At = { readonly host: string; readonly path: string; readonly port: number };

/** Of the TailscaleGateway's namespace: a Gateway elsewhere has to admit routes of it. */
const routeFrom = (name: string, { host, path, port }: At, { metadata, spec: { gatewayRef } }: TailscaleGateway): HTTPRoute => ({
  apiVersion: `${gatewayGroup}/${kinds.HTTPRoute.versions[0]}`,
  kind: 'HTTPRoute',
  metadata: { name, namespace: metadata.namespace ?? '', generation: 1, creationTimestamp: youngest },
  spec: {
    parentRefs: [
      {
        group: gatewayRef.group,
        kind: gatewayRef.kind,
        namespace: gatewayRef.namespace ?? metadata.namespace ?? '',
        name: gatewayRef.name,
      },
    ],
    hostnames: [host],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: path } }],
        ...(path === '/'
          ? {}
          : { filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }] }),
        backendRefs: [{ group: tailscaleGroup, kind: 'TailscaleEndpoints', name, port, weight: 1 }],
      },
    ],
  },
});

const endpointsFrom = (name: string, endpoint: TailscaleEndpoint, { gateway, tailnet, group }: Context): TailscaleEndpoints => ({
  apiVersion: `${tailscaleGroup}/${kinds.TailscaleEndpoints.versions[0]}`,
  kind: 'TailscaleEndpoints',
  metadata: { name, namespace: gateway.metadata.namespace ?? '', generation: 1, creationTimestamp: youngest },
  spec: { tailnet: tailnet.tailscaleTailnetRef.name, ...present({ proxyGroup: group }), endpoints: [endpoint] },
});
