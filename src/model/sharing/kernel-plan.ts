/**
 * Services whose proxies are of mode `forward`: rules of their kernels lead the service's addresses to those of one Kubernetes Service, with every
 * port and every protocol. There is no Envoy, and nobody who could tell which peer it was.
 */
import type { Service } from '../../api/core.ts';
import type { ServiceBackend, TailscaleServices, VIPService } from '../../api/generated/tailscale.ts';
import { byCodeUnit, localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { ServiceMapping } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { addressOf } from '../tailnets/machines.ts';
import { portOfBackend } from '../tailnets/members.ts';
import { vipPortsInclude } from '../tailnets/vip-ports.ts';
import { hasReadyEndpoint, serviceOfBackend } from './backend-service.ts';

export type KernelPlan = {
  /** Addresses of the Service in the cluster, one of a family; none where there is a problem. */
  readonly leadsTo: readonly string[];
  /** Ports at which peers reach it, `tcp:53` and `udp:53`, sorted: those of the Service. */
  readonly reached: readonly string[];
  /** Whether anything it leads to may be sent traffic. */
  readonly works: boolean;
  /** What of it is not possible, in words for users. */
  readonly left: readonly string[];
  /** Why nothing of it is. */
  readonly problem?: Verdict;
};

/**
 * What a tailnet is told of ports. It knows a host for nothing that the host's serve configuration does not have, unless it is told not to look;
 * and it takes no port of UDP.
 */
export const kernelPorts: readonly string[] = ['do-not-validate'];

/** What proxies of mode `forward` can make of a TailscaleServices with a `vipService`. */
export const kernelPlanFor = (services: TailscaleServices, { ports = [] }: VIPService, read: Read<ModelTables>): KernelPlan => {
  const targets = (services.spec.backends ?? []).map((backend, index) => targetOf(backend, `spec.backends[${index}]`, services, read));
  const usable = targets.flatMap((one) => (one.ok ? [one.value] : []));
  const unusable = targets.flatMap((one) => (one.ok ? [] : [one.problem]));
  const target = usable.find(({ works }) => works) ?? usable[0];
  if (target === undefined) return { ...nothing, problem: noService(unusable) };
  const others = new Set(usable.map(({ name }) => name).filter((name) => name !== target.name));
  const passedOver = [...others].map((name) => `Service "${name}": proxies of mode forward lead to one Service, which is "${target.name}"`);
  const { problem, left } = portsFor(ports, target);
  if (problem !== undefined) return { ...nothing, left: [...passedOver, ...unusable], problem };
  const { leadsTo, reached, works } = target;
  return { leadsTo, reached, works, left: [...left, ...missingFamilies(target), ...passedOver, ...unusable] };
};

const nothing = { leadsTo: [], reached: [], works: false, left: [] } as const;

const noService = (problems: readonly string[]): Verdict => ({
  reason: 'NoForwardableBackend',
  message: ['Proxies of mode forward lead to a Service of kind kubernetes in `backends`, and none of these is one', ...problems].join('; '),
});

type Target = Pick<KernelPlan, 'leadsTo' | 'reached' | 'works'> & { readonly name: string };

/** The Service of a backend; else, for users, why proxies cannot lead to it. */
const targetOf = (backend: ServiceBackend, field: string, services: TailscaleServices, read: Read<ModelTables>): Result<Target, string> => {
  if (backend.kubernetes === undefined)
    return fail(`${field}: proxies of mode forward lead to Services alone; those of mode connect forward to outside addresses, too`);
  const found = serviceOfBackend(backend.kubernetes, field, services, read);
  if (!found.ok) return found;
  const { metadata, spec } = found.value;
  const name = localKey(metadata.namespace ?? '', metadata.name);
  const unled = (why: string): Result<Target, string> => fail(`${field}: Service "${name}" ${why}`);
  if (spec?.type === 'ExternalName')
    return unled('is of type ExternalName, and proxies of mode forward need an address of the cluster: use proxies of mode connect');
  const { clusterIP, clusterIPs = [clusterIP] } = spec ?? {};
  if (clusterIPs.includes('None'))
    return unled('is headless, and proxies of mode forward need its ClusterIP: use a Service that has one, or proxies of mode connect');
  const leadsTo = clusterIPs.flatMap((written) => (written === undefined ? [] : (addressOf(written) ?? [])));
  if (leadsTo.length === 0) return unled('has no ClusterIP yet, which proxies of mode forward lead to');
  const number = portOfBackend(backend);
  if (!(spec?.ports ?? []).some(({ port }) => port === number)) return unled(`has no port ${number}`);
  return ok({ name, leadsTo, reached: portsOf(found.value), works: hasReadyEndpoint(name, read) });
};

/** A Tailscale Service has addresses of both families. */
const missingFamilies = ({ leadsTo, name }: Target): readonly string[] =>
  (['IPv4', 'IPv6'] as const)
    .filter((family) => !leadsTo.some((ip) => ip.includes(':') === (family === 'IPv6')))
    .map((family) => `${family}: Service "${name}" has no such address, so that nobody answers at the service's own`);

const portsOf = ({ spec }: Service): readonly string[] =>
  [...new Set((spec?.ports ?? []).map(({ port, protocol }) => `${(protocol ?? 'TCP').toLowerCase()}:${port}`))].toSorted(byCodeUnit);

/** All ports go through, so that a service that names its ports has to name all of them: none that others did not mean to is reached. */
const portsFor = (
  written: readonly string[],
  { name, reached }: Target,
): { readonly left: readonly string[]; readonly problem?: Verdict } => {
  if (written.length === 0 || written.includes('do-not-validate')) return { left: [] };
  const names = (text: string, port: string): boolean => {
    const [protocol = '', number] = port.split(':');
    return text.startsWith(`${protocol}:`) && vipPortsInclude([text], Number(number));
  };
  const left = written
    .filter((text) => !reached.some((port) => names(text, port)))
    .map((text) => `${text}: Service "${name}" has no such port, and proxies of mode forward lead to no other number`);
  const more = reached.filter((port) => !written.some((text) => names(text, port)));
  if (more.length === 0) return { left };
  const beyond = `spec.vipService.ports: proxies of mode forward lead to every port of Service "${name}", which has ${more.join(', ')} too: name these as well, or use a Service without them, or proxies of mode connect`;
  return { left, problem: { reason: 'UnsupportedValue', message: [beyond, ...left].join('; ') } };
};

/** Which address leads to which, by family; without what one of the sides has no address for. */
export const mappingFrom = (addresses: readonly string[], leadsTo: readonly string[]): ServiceMapping => {
  const pair = (isOfFamily: (address: string) => boolean): ServiceMapping['ipv4'] => {
    const [from, to] = [addresses.find(isOfFamily), leadsTo.find(isOfFamily)];
    return from === undefined || to === undefined ? undefined : { from, to };
  };
  return present({ ipv4: pair((address) => !address.includes(':')), ipv6: pair((address) => address.includes(':')) });
};
