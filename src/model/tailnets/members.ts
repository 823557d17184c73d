import type { ServicePort } from '../../api/core.ts';
import type { ServiceBackend, TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { tailscaleGroup } from '../../api/kinds.ts';
import { hostPortText } from '../../lib/host-port.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import { endpointsOfService } from '../routes/endpoints.ts';
import type { ModelTables } from '../tables.ts';
import { type Carrier, carrierOf, groupCarrierOf } from './carriers.ts';
import { type Destination, destinationsOf, type Reachable } from './destinations.ts';
import { addressOf, namedMachine } from './machines.ts';
import { destinationsIn, type Part, permission } from './parts.ts';
import type { Transport, Written } from './ports.ts';
import type { Path } from './reach.ts';
import { vipServiceName } from './selected.ts';
import { deviceSelection, machinesSelected, tailnetKey } from './tables.ts';
import { vipPortFor } from './vip-ports.ts';

/** One of the things that a TailscaleServices consists of. */
export type Member = {
  readonly priority: number;
  /** Whether its unhealthy machines are used when nothing else is left. */
  readonly local: boolean;
  readonly path: Path;
  /** The tailnet it is in, if it is in one. */
  readonly tailnet?: string;
  /** Where it is now; undefined while some of it cannot be told. */
  readonly destinations: (read: Read<ModelTables>) => readonly Destination[] | undefined;
};

export type MemberContext = {
  readonly services: TailscaleServices;
  readonly namespace: string;
  readonly port: number;
  readonly transport: Transport;
  /** Whether weights count; otherwise everything gets its turn. */
  readonly isWeighted: boolean;
  /** Tailnets of the selected TailscaleEndpoints, in the order of these, and the way into each. */
  readonly carriers: ReadonlyMap<string, Carrier>;
};

type At = { readonly port: number; readonly transport: Transport };

export const memberContext = (
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  { port, transport }: At,
  read: Read<ModelTables>,
): MemberContext => {
  const { strategy } = services.spec.loadBalancing ?? {};
  const namespace = services.metadata.namespace ?? '';
  const carriers = new Map<string, Carrier>();
  for (const endpoints of selected) {
    const { tailnet } = endpoints.spec;
    const carrier = carrierOf(endpoints, read);
    if (carriers.has(tailnet) || !carrier.ok || permission(tailnet, namespace, '', read) !== undefined) continue;
    carriers.set(tailnet, carrier.value);
  }
  return { services, namespace, port, transport, isWeighted: strategy === 'weighted' || strategy === 'failover', carriers };
};

/** The machines of a selected TailscaleEndpoints. */
export const ownMember = (part: Part, priority: number, context: MemberContext): Member => ({
  priority,
  local: true,
  path: part,
  tailnet: part.endpoints.spec.tailnet,
  destinations: (read) => evened(destinationsIn(part, read), context),
});

/** Machines that `serviceDiscovery` finds in the tailnet of the selected TailscaleEndpoints, or in that of the template. */
export const discoveredMembers = (context: MemberContext, read: Read<ModelTables>): readonly Member[] => {
  const { serviceDiscovery, endpointTemplate } = context.services.spec;
  const tailnet = [...context.carriers.keys()][0] ?? endpointTemplate?.tailnet;
  if (serviceDiscovery?.enabled !== true || tailnet === undefined) return [];
  if (permission(tailnet, context.namespace, '', read) !== undefined) return [];
  const carrier = wayInto(tailnet, context, read);
  const { port, transport } = context;
  if (!carries(carrier, transport)) return [];
  const selection = deviceSelection(tailnet, serviceDiscovery);
  return [
    {
      priority: 0,
      local: true,
      path: { carrier, written: [] },
      tailnet,
      destinations: (look) => {
        if (look('tailnetStandings', tailnet)?.heard !== true) return undefined;
        const machines = machinesSelected(selection, look).flatMap(({ addresses: [ip], usable }): readonly Reachable[] =>
          ip === undefined ? [] : [{ target: { ip }, port, protocol: transport, weight: 1, healthy: usable }],
        );
        return destinationsOf(machines, carrier, look);
      },
    },
  ];
};

/** Its own address in each tailnet of its machines, which other clusters may answer. */
export const vipMembers = (context: MemberContext, priority: number, read: Read<ModelTables>): readonly Member[] => {
  const { services, port, transport } = context;
  if (services.spec.vipService === undefined) return [];
  return [...context.carriers.keys()].flatMap((tailnet): readonly Member[] => {
    const carrier = wayInto(tailnet, context, read);
    if (!carries(carrier, transport)) return [];
    const address = vipServiceName(services);
    const at = vipPortFor(services.spec.vipService?.ports ?? [], port);
    const destinations: Member['destinations'] = (look) =>
      destinationsOf(reachableIn(tailnet, { address, port: at, weight: 1, transport }, look), carrier, look);
    return [{ priority, local: false, path: { carrier, written: [] }, tailnet, destinations }];
  });
};

export const portOfBackend = ({ kubernetes, external, tailscale }: ServiceBackend): number =>
  (kubernetes ?? external ?? tailscale)?.port ?? 0;

/** One of `backends`; fails where it may not be used or is nothing. */
export const backendMember = (
  backend: ServiceBackend,
  field: string,
  context: MemberContext,
  read: Read<ModelTables>,
): Result<Member, Verdict> => {
  if (backend.kubernetes !== undefined) return kubernetesMember(backend, field, context, read);
  if (backend.external !== undefined) return externalMember(backend, field, context);
  return tailnetMember(backend, field, context, read);
};

const kubernetesMember = (
  { kubernetes, weight, priority }: ServiceBackend,
  field: string,
  context: MemberContext,
  read: Read<ModelTables>,
): Result<Member, Verdict> => {
  const { name = '', namespace = context.namespace, port: number } = kubernetes ?? {};
  const from = { group: tailscaleGroup, kind: 'TailscaleServices', namespace: context.namespace };
  if (!isGranted(read, from, { group: '', kind: 'Service', namespace, name })) {
    const message = `${field}: Service "${namespace}/${name}" is in another namespace, and no ReferenceGrant there permits this`;
    return fail({ reason: 'RefNotPermitted', message });
  }
  const service = read('Service', localKey(namespace, name));
  const ports = service?.spec.type === 'ExternalName' ? [] : (service?.spec.ports ?? []);
  const port = ports.find((one) => one.port === number && one.protocol === context.transport);
  if (service === undefined || port === undefined) {
    const what = service === undefined ? 'not found' : `has no ${context.transport} port ${number ?? ''}`;
    return fail({ reason: 'BackendNotFound', message: `${field}: Service "${namespace}/${name}" ${what}` });
  }
  const destinations: Member['destinations'] = (look) => {
    const endpoints = endpointsNow(localKey(namespace, name), port, look);
    if (context.isWeighted) return [{ weight, healthy: true, endpoints }];
    return endpoints.map((place) => ({ weight: Math.min(1, weight), healthy: true, endpoints: [place] }));
  };
  return ok({ priority, local: false, path: { carrier: direct, written: [] }, destinations });
};

const endpointsNow = (key: string, port: ServicePort, read: Read<ModelTables>): Destination['endpoints'] => {
  const service = read('Service', key);
  return service === undefined ? [] : endpointsOfService(service, port, read).map(({ address, port: at }) => ({ address, port: at }));
};

const direct: Carrier = { mode: 'direct' };

const externalMember = ({ external, weight, priority }: ServiceBackend, field: string, context: MemberContext): Result<Member, Verdict> => {
  const { address = '', port = 0 } = external ?? {};
  const ip = addressOf(address);
  if (ip === undefined && address.includes(':'))
    return fail({ reason: 'BackendNotFound', message: `${field}: "${address}" is no address` });
  if (ip === undefined && context.transport === 'UDP') {
    return fail({ reason: 'UnsupportedProtocol', message: `${field}: UDP needs an address, not the name "${address}"` });
  }
  const at = { host: ip ?? address.toLowerCase(), port };
  const target = ip === undefined ? { name: at.host } : { ip };
  const written: Written = { protocol: context.transport, externalTarget: hostPortText(at) };
  const reachable: Reachable = { target, port, protocol: context.transport, weight, healthy: true, external: at };
  return ok({
    priority,
    local: false,
    path: { carrier: direct, written: [written] },
    destinations: (read) => evened(destinationsOf([reachable], direct, read), context),
  });
};

const tailnetMember = (
  { tailscale, weight, priority }: ServiceBackend,
  field: string,
  context: MemberContext,
  read: Read<ModelTables>,
): Result<Member, Verdict> => {
  const {
    address = '',
    port = 0,
    tailnet = [...context.carriers.keys()][0] ?? context.services.spec.endpointTemplate?.tailnet,
  } = tailscale ?? {};
  if (tailnet === undefined)
    return fail({ reason: 'BackendNotFound', message: `${field}: it names no tailnet, and no endpoints are selected` });
  const refused = permission(tailnet, context.namespace, field, read);
  if (refused !== undefined) return fail(refused);
  const carrier = wayInto(tailnet, context, read);
  if (!carries(carrier, context.transport)) {
    return fail({ reason: 'UnsupportedProtocol', message: `${field}: the proxies into tailnet "${tailnet}" do not carry this` });
  }
  const isName = !address.startsWith('svc:') && addressOf(address) === undefined;
  const written: readonly Written[] = isName ? [{ protocol: context.transport, tailscaleFQDN: address }] : [];
  const asked = { address, port, weight, transport: context.transport };
  return ok({
    priority,
    local: false,
    path: { carrier, written },
    tailnet,
    destinations: (look) => evened(destinationsOf(reachableIn(tailnet, asked, look), carrier, look), context),
  });
};

type Asked = { readonly address: string; readonly port: number; readonly weight: number; readonly transport: Transport };

/** What an address, a MagicDNS name, or the name of a Tailscale Service stands for now, if anything. */
const reachableIn = (tailnet: string, { address, port, weight, transport }: Asked, read: Read<ModelTables>): readonly Reachable[] => {
  const common = { port, protocol: transport, weight };
  if (address.startsWith('svc:')) {
    const ip = read('vipServicesNamed', tailnetKey(tailnet, address))?.addresses[0];
    return ip === undefined ? [] : [{ ...common, target: { ip }, healthy: true }];
  }
  const written = addressOf(address) === undefined ? { tailscaleFQDN: address } : { tailscaleIP: address };
  return [namedMachine(written, { ...common, name: address }, tailnet, read)];
};

/** The way of the selected TailscaleEndpoints into a tailnet, else that of the first TailscaleProxyGroup of the namespace, else the Envoys' own. */
const wayInto = (tailnet: string, { carriers, namespace }: MemberContext, read: Read<ModelTables>): Carrier => {
  const [group] = read('egressGroups', localKey(namespace, tailnet)) ?? [];
  return carriers.get(tailnet) ?? (group === undefined ? direct : groupCarrierOf(group));
};

/** Proxies that forward do so for machines of TailscaleEndpoints alone, and those that connect do not take packets. */
const carries = ({ mode }: Carrier, transport: Transport): boolean => mode === 'direct' || (mode === 'connect' && transport === 'TCP');

const evened = (destinations: readonly Destination[] | undefined, { isWeighted }: MemberContext): readonly Destination[] | undefined =>
  isWeighted ? destinations : destinations?.map((one) => ({ ...one, weight: Math.min(1, one.weight) }));
