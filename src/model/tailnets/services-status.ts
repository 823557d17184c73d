import type { ServiceBackend, TailscaleEndpoints, TailscaleServices } from '../../api/generated/tailscale.ts';
import { tailscaleGroup } from '../../api/kinds.ts';
import { localKey, localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { present } from '../../lib/present.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import { isGranted } from '../grants.ts';
import type { Verdict } from '../route-node.ts';
import type { Condition, Status } from '../status.ts';
import { permittedMachines } from './endpoints-status.ts';
import { addressOf, namedMachine } from './machines.ts';
import { tailnetFor } from './permission.ts';
import { selectedBy, vipServiceName } from './selected.ts';
import { serviceUsers } from './service-users.ts';
import type { StatusTables } from './status-tables.ts';
import { deviceSelection, machinesSelected, tailnetKey } from './tables.ts';

type ServicesStatus = Extract<Status, { readonly kind: 'TailscaleServices' }>;
type Fields = ServicesStatus['fields'];
type Selected = NonNullable<Fields['selectedEndpoints']>[number];

/** Of the CRD. */
const most = { selected: 512, machines: 1024 } as const;

/** What users are told of a service: what its selector finds, and whether there is anything to send traffic to. */
export const servicesStatusOf = memoByChanges<StatusTables, TailscaleServices, ServicesStatus>((services, read) => {
  const selected = selectedBy(services, read);
  const selectedEndpoints = selected.map((endpoints) => selectedFrom(endpoints, read));
  const count = countOf(services, selected, selectedEndpoints, read);
  const conditions = conditionsOf(services.metadata.generation);
  const unselected = unselectedBy(services, selected, read);
  return {
    kind: 'TailscaleServices',
    conditions: [
      ...(services.spec.selector === undefined
        ? []
        : [conditions.unless(unselected, 'EndpointsSelected', `Selected TailscaleEndpoints: ${selected.length}`)]),
      ...vipServiceReady(services, selected, conditions, read),
      conditions.unless(notReady(count, unselected), 'Ready', 'There are backends that may be sent traffic'),
    ],
    fields: {
      selectedEndpoints: selectedEndpoints.slice(0, most.selected),
      ...vipServiceStatus(services, selected, count, read),
      totalBackends: count.total,
      healthyBackends: count.healthy,
    },
  };
});

/** Why the selector finds nothing, by what users wrote. */
export const unselectedBy = (
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  read: Read<StatusTables>,
): Verdict | undefined => {
  if (services.spec.selector === undefined) return undefined;
  const problem = read('templateProblems', localKeyOf(services));
  if (problem !== undefined) return problem;
  if (selected.length > 0) return undefined;
  return services.spec.endpointTemplate === undefined
    ? {
        reason: 'NoneSelected',
        message: 'The selector matches the labels of no TailscaleEndpoints in this namespace, and there is no endpointTemplate',
      }
    : {
        reason: 'Provisioning',
        message: 'The selector matches the labels of no TailscaleEndpoints yet: one is made from endpointTemplate',
      };
};

const selectedFrom = (endpoints: TailscaleEndpoints, read: Read<StatusTables>): Selected => {
  const machines = permittedMachines(endpoints, read);
  const healthy = machines.filter((machine) => machine.healthy).length;
  return {
    name: endpoints.metadata.name,
    namespace: endpoints.metadata.namespace ?? '',
    machines: [...new Set(machines.map(({ name }) => name))].slice(0, most.machines),
    status: statusWord(healthy, machines.length),
    healthStatus: { healthyMachines: healthy, unhealthyMachines: machines.length - healthy },
  };
};

const statusWord = (healthy: number, total: number): string => {
  if (total === 0) return 'Empty';
  if (healthy === 0) return 'Unhealthy';
  return healthy === total ? 'Healthy' : 'Degraded';
};

type Count = { readonly total: number; readonly healthy: number };

const countOf = (
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  shown: readonly Selected[],
  read: Read<StatusTables>,
): Count => {
  const backends = services.spec.backends ?? [];
  const found = discoveredIn(services, selected, read);
  const healthy = shown.reduce((sum, { healthStatus }) => sum + (healthStatus?.healthyMachines ?? 0), 0);
  const unhealthy = shown.reduce((sum, { healthStatus }) => sum + (healthStatus?.unhealthyMachines ?? 0), 0);
  return {
    total: healthy + unhealthy + found.total + backends.length,
    healthy: healthy + found.healthy + backends.filter((backend) => isUsable(backend, services, selected, read)).length,
  };
};

/** Where a service's own discovery looks: in the tailnet of the first it selects, else in that of its template. */
const tailnetOf = ({ spec }: TailscaleServices, selected: readonly TailscaleEndpoints[]): string | undefined =>
  selected[0]?.spec.tailnet ?? spec.endpointTemplate?.tailnet;

const mayUse = ({ metadata }: TailscaleServices, tailnet: string, read: Read<StatusTables>): boolean =>
  tailnetFor(tailnet, metadata.namespace ?? '', read).ok;

const discoveredIn = (services: TailscaleServices, selected: readonly TailscaleEndpoints[], read: Read<StatusTables>): Count => {
  const { serviceDiscovery } = services.spec;
  const tailnet = tailnetOf(services, selected);
  if (serviceDiscovery?.enabled !== true || tailnet === undefined || !mayUse(services, tailnet, read)) return { total: 0, healthy: 0 };
  const { patterns, excludePatterns } = serviceDiscovery;
  const devices = machinesSelected(deviceSelection(tailnet, present({ patterns, excludePatterns })), read);
  return { total: devices.length, healthy: devices.filter(({ usable }) => usable).length };
};

/** Whether one of `backends` may be sent traffic, as far as anything but Envoy can tell. */
const isUsable = (
  { kubernetes, tailscale }: ServiceBackend,
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  read: Read<StatusTables>,
): boolean => {
  const own = services.metadata.namespace ?? '';
  if (kubernetes !== undefined) {
    const { name, namespace = own } = kubernetes;
    const from = { group: tailscaleGroup, kind: 'TailscaleServices', namespace: own };
    return (
      isGranted(read, from, { group: '', kind: 'Service', namespace, name }) && read('Service', localKey(namespace, name)) !== undefined
    );
  }
  if (tailscale === undefined) return true;
  const { address, tailnet = tailnetOf(services, selected), port } = tailscale;
  if (tailnet === undefined || !mayUse(services, tailnet, read)) return false;
  if (address.startsWith('svc:')) return read('vipServicesNamed', tailnetKey(tailnet, address)) !== undefined;
  const written = addressOf(address) === undefined ? { tailscaleFQDN: address } : { tailscaleIP: address };
  return namedMachine(written, { name: address, port, protocol: 'TCP', weight: 1 }, tailnet, read).healthy;
};

const notReady = ({ total, healthy }: Count, unselected: Verdict | undefined): Verdict | undefined => {
  if (healthy > 0) return undefined;
  if (total > 0) return { reason: 'NoHealthyBackends', message: `Backends that may be sent traffic: none of ${total}` };
  return unselected ?? { reason: 'NoBackends', message: 'What is selected has no machines, and there are no other backends' };
};

/** The service as the first tailnet that knows it tells. */
const vipServiceIn = (services: TailscaleServices, selected: readonly TailscaleEndpoints[], read: Read<StatusTables>) => {
  const tailnets = new Set([
    ...selected.map(({ spec }) => spec.tailnet),
    ...(services.spec.endpointTemplate ? [services.spec.endpointTemplate.tailnet] : []),
  ]);
  for (const tailnet of tailnets) {
    if (!mayUse(services, tailnet, read)) continue;
    const service = read('vipServicesNamed', tailnetKey(tailnet, vipServiceName(services)));
    if (service !== undefined) return { service, suffix: read('tailnetStandings', tailnet)?.suffix };
  }
  return undefined;
};

const vipServiceReady = (
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  { no, unless, yes }: ConditionsOf,
  read: Read<StatusTables>,
): readonly Condition[] => {
  if (services.spec.vipService === undefined) return [];
  const name = vipServiceName(services);
  const hosted = read('vipFindings', localKeyOf(services));
  if (hosted !== undefined) {
    const left = hosted.left.length === 0 ? '' : `; not possible: ${hosted.left.join('; ')}`;
    const more = hosted.remarks.map((remark) => `; ${remark}`).join('');
    const failure = hosted.failure && { ...hosted.failure, message: `${hosted.failure.message}${more}` };
    return [unless(failure, 'VIPServiceReady', `Peers of the tailnet reach ${name}${left}${more}`)];
  }
  if (vipServiceIn(services, selected, read) !== undefined) return [yes('VIPServiceReady', 'Found', `The tailnet has a service ${name}`)];
  const message = `No tailnet has a service ${name}, and nothing here hosts it: select a TailscaleEndpoints with proxy.connectionType ingress or bidirectional`;
  return [no('VIPServiceReady', 'NoIngressProxies', message)];
};

const mostConsumers = 256;

const vipServiceStatus = (
  services: TailscaleServices,
  selected: readonly TailscaleEndpoints[],
  count: Count,
  read: Read<StatusTables>,
): Pick<Fields, 'vipServiceStatus'> => {
  if (services.spec.vipService === undefined) return {};
  const serviceName = vipServiceName(services);
  const backends = { backendCount: count.total, healthyBackendCount: count.healthy };
  const hosted = read('vipFindings', localKeyOf(services));
  if (hosted !== undefined) {
    const { addresses, ports, dnsName, owner, consumers } = hosted;
    const known = present({ dnsName, ownerOperator: owner });
    const isThere = addresses.length > 0;
    return {
      vipServiceStatus: {
        created: isThere,
        serviceName,
        ...(isThere ? { addresses: addresses.slice(0, mostAddresses) } : {}),
        ...known,
        ports: ports.slice(0, mostPorts),
        ...backends,
        consumers: consumers.slice(0, mostConsumers),
      },
    };
  }
  const found = vipServiceIn(services, selected, read);
  if (found === undefined) return { vipServiceStatus: { created: false, serviceName, ...backends } };
  const { owner, consumers } = serviceUsers(found.service);
  const dnsName = found.suffix === undefined ? undefined : `${serviceName.slice('svc:'.length)}.${found.suffix}`;
  return {
    vipServiceStatus: {
      created: true,
      serviceName,
      addresses: found.service.addresses.slice(0, mostAddresses),
      ...present({ dnsName, ownerOperator: owner }),
      ports: [...new Set(found.service.ports)].slice(0, mostPorts),
      ...backends,
      consumers: consumers.slice(0, mostConsumers),
    },
  };
};

const mostAddresses = 8;
const mostPorts = 64;
