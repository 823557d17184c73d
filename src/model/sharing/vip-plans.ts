import type {
  ServiceBackend,
  TailscaleEndpoints,
  TailscaleProxyGroup,
  TailscaleServices,
  VIPService,
} from '../../api/generated/tailscale.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import type { HostPort } from '../../lib/host-port.ts';
import { byCodeUnit, keyOf, localKey, localKeyOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { proxySetName } from '../tailnets/names.ts';
import { tailnetFor } from '../tailnets/permission.ts';
import { selectedBy, vipServiceName } from '../tailnets/selected.ts';
import { portOfBackend } from '../tailnets/members.ts';
import { vipPortsInclude } from '../tailnets/vip-ports.ts';
import { hasReadyEndpoint, serviceOfBackend } from './backend-service.ts';
import { kernelPlanFor, kernelPorts } from './kernel-plan.ts';
import { defaultTags } from './share.ts';

/** What a TailscaleServices wants on one tailnet: its proxies forward to its backends without an Envoy. */
export type VipPlan = {
  readonly services: TailscaleServices;
  readonly tailnet: string;
  /** `svc:web`. */
  readonly name: string;
  /** StatefulSets of the proxies that host it, `namespace/name`, sorted. */
  readonly sets: readonly string[];
  /** Where its ports lead; empty where there is `leadsTo`. */
  readonly ports: ReadonlyMap<number, HostPort>;
  /** Proxies of mode `forward`: addresses of the Kubernetes Service that its own lead to, with every port; one of a family. */
  readonly leadsTo?: readonly string[];
  /** As the tailnet is to have them, sorted. */
  readonly wished: readonly string[];
  /** Ports at which peers reach it, in the same form. */
  readonly reached: readonly string[];
  readonly tags: readonly string[];
  readonly comment?: string;
  readonly autoApprove: boolean;
  /** Whether anything it leads to may be sent traffic. */
  readonly works: boolean;
  /** What of it is not possible, in words for users. */
  readonly left: readonly string[];
  /** Why nothing of it is. */
  readonly problem?: Verdict;
};

/** A function that gives the plans of each TailscaleServices with a `vipService` and proxies that can host it, one for each tailnet, by `namespace/name`. */
export const vipPlansBuilder = (): ((tables: ModelTables) => ReadonlyMap<string, readonly VipPlan[]>) => {
  const plansOf = memoByChanges<ModelTables, TailscaleServices, readonly VipPlan[]>(plansFor);
  const withVip = lastCall((all: ModelTables['TailscaleServices']) =>
    [...all.values()].filter(({ spec }) => spec.vipService !== undefined),
  );
  let last: ReadonlyMap<string, readonly VipPlan[]> = new Map();
  return (tables) => {
    last = sameMap(
      last,
      new Map(withVip(tables.TailscaleServices).map((services) => [localKeyOf(services), plansOf(services, tables)] as const)),
    );
    return last;
  };
};

const plansFor = (services: TailscaleServices, read: Read<ModelTables>): readonly VipPlan[] => {
  const { metadata, spec } = services;
  if (spec.vipService === undefined || metadata.deletionTimestamp !== undefined) return [];
  const { vipService } = spec;
  return hostsOf(services, read).map(([tailnet, hosts]) => {
    const [mode, ...others] = new Set(hosts.map((host) => host.mode));
    const way = mode === 'forward' ? kernelWay(services, vipService, read) : servedWay(services, vipService, read);
    return {
      services,
      tailnet,
      name: vipServiceName(services),
      sets: hosts.map(({ set }) => set),
      tags: tagsOf(vipService, tailnet, read),
      ...present({ comment: vipService.comment }),
      autoApprove: vipService.autoApprove,
      ...way,
      ...(others.length === 0 ? {} : { problem: modesDiffer(hosts) }),
    };
  });
};

/** How proxies lead a service to its backends. */
type Way = Pick<VipPlan, 'ports' | 'leadsTo' | 'wished' | 'reached' | 'works' | 'left' | 'problem'>;

const servedWay = (services: TailscaleServices, vipService: VIPService, read: Read<ModelTables>): Way => {
  const backends = (services.spec.backends ?? []).map((backend, index) => forwardTo(backend, `spec.backends[${index}]`, services, read));
  const usable = backends.flatMap((one) => (one.ok ? [one.value] : []));
  const { ports, left } = portsFor(vipService, usable);
  const problems = backends.flatMap((one) => (one.ok ? [] : [one.problem]));
  const wished = wishedFor(vipService, [...ports.keys()]);
  return {
    ports: new Map([...ports].map(([port, { to }]) => [port, to])),
    wished,
    reached: wished,
    works: [...ports.values()].some(({ works }) => works),
    left: [...left, ...problems],
    ...present({ problem: ports.size === 0 ? noBackend(problems) : undefined }),
  };
};

const kernelWay = (services: TailscaleServices, vipService: VIPService, read: Read<ModelTables>): Way => ({
  ...kernelPlanFor(services, vipService, read),
  ports: new Map(),
  wished: kernelPorts,
});

const modesDiffer = (hosts: readonly Host[]): Verdict => ({
  reason: 'ModesDiffer',
  message: `Its proxies are of different modes, ${hosts.map(({ set, mode }) => `"${set}" of ${mode}`).join(', ')}, which lead to backends in different ways: select those of one mode`,
});

const noBackend = (problems: readonly string[]): Verdict => ({
  reason: 'NoForwardableBackend',
  message: [
    'Proxies forward a service to `backends` of kind kubernetes or external, and none of these is usable for its ports',
    ...problems,
  ].join('; '),
});

const tagsOf = ({ tags }: VIPService, tailnet: string, read: Read<ModelTables>): readonly string[] =>
  [tags, read('TailscaleTailnet', localKey('', tailnet))?.spec.tags].find((some) => some !== undefined && some.length > 0) ?? defaultTags;

type Host = Pick<ProxySet, 'mode'> & {
  /** The StatefulSet, `namespace/name`. */
  readonly set: string;
};

/** Ingress proxies of what it selects, by tailnet. */
const hostsOf = (services: TailscaleServices, read: Read<ModelTables>): readonly (readonly [tailnet: string, hosts: readonly Host[]])[] => {
  const namespace = services.metadata.namespace ?? '';
  const hosts = new Map<string, Map<string, Host>>();
  for (const endpoints of selectedBy(services, read)) {
    const { tailnet, proxyGroup } = endpoints.spec;
    const group = proxyGroup === undefined ? undefined : read('TailscaleProxyGroup', localKey(namespace, proxyGroup));
    const host = hostOf(endpoints, group);
    if (host === undefined || !tailnetFor(tailnet, namespace, read).ok) continue;
    hosts.set(tailnet, (hosts.get(tailnet) ?? new Map<string, Host>()).set(host.set, host));
  }
  return [...hosts]
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .map(([tailnet, known]) => [tailnet, [...known.values()].toSorted((one, other) => byCodeUnit(one.set, other.set))] as const);
};

/** Its ingress proxies; undefined where it has none. */
const hostOf = (endpoints: TailscaleEndpoints, group: TailscaleProxyGroup | undefined): Host | undefined => {
  const { proxy, proxyGroup, tailnet } = endpoints.spec;
  const namespace = endpoints.metadata.namespace ?? '';
  if (proxyGroup !== undefined)
    return group?.spec.type === 'ingress' && group.spec.tailnet === tailnet
      ? { set: localKey(namespace, proxySetName(keyOf(group))), mode: group.spec.mode }
      : undefined;
  if (proxy === undefined || proxy.connectionType === 'egress' || proxy.mode === 'direct') return undefined;
  return { set: localKey(namespace, proxySetName(keyOf(endpoints), 'ingress')), mode: proxy.mode };
};

type Target = { readonly number: number; readonly to: HostPort; readonly works: boolean };

/** Where proxies reach a backend; else, for users, why they do not. */
const forwardTo = (
  backend: ServiceBackend,
  field: string,
  services: TailscaleServices,
  read: Read<ModelTables>,
): Result<Target, string> => {
  const number = portOfBackend(backend);
  if (backend.external !== undefined) return ok({ number, to: { host: backend.external.address, port: number }, works: true });
  if (backend.kubernetes === undefined) return fail(`${field}: proxies that host a service forward to nothing on a tailnet`);
  const found = serviceOfBackend(backend.kubernetes, field, services, read);
  if (!found.ok) return found;
  const { metadata, spec } = found.value;
  const { name, namespace = '' } = metadata;
  if (!(spec?.ports ?? []).some(({ port, protocol }) => port === number && (protocol ?? 'TCP') === 'TCP'))
    return fail(`${field}: Service "${namespace}/${name}" has no TCP port ${number}`);
  return ok({
    number,
    to: { host: `${name}.${namespace}.svc`, port: number },
    works: spec?.type === 'ExternalName' || hasReadyEndpoint(localKey(namespace, name), read),
  });
};

type Ports = { readonly ports: ReadonlyMap<number, Target>; readonly left: readonly string[] };

/** Each port leads to the first backend of that port that works, or to the first if none does; the only one, wherever its only backend's port is. */
const portsFor = ({ ports: written = [] }: VIPService, targets: readonly Target[]): Ports => {
  const isOpen = written.length === 0 || written.includes('do-not-validate');
  const tcp = written.filter((text) => text.startsWith('tcp:'));
  const ports = new Map<number, Target>();
  for (const target of targets.toSorted((one, other) => Number(other.works) - Number(one.works)))
    if (!ports.has(target.number) && (isOpen || vipPortsInclude(tcp, target.number))) ports.set(target.number, target);
  const [only, ...others] = new Set(targets.map(({ number }) => number));
  const single = /^tcp:(\d+)$/.exec(written.length === 1 ? (written[0] ?? '') : '')?.[1];
  const target = targets.find(({ number }) => number === only);
  if (ports.size === 0 && single !== undefined && target !== undefined && others.length === 0) ports.set(Number(single), target);
  const left = written.flatMap((text) => {
    if (text.startsWith('udp:')) return [`${text}: proxies of mode connect carry no UDP, those of mode forward do`];
    if (text === 'do-not-validate' || [...ports.keys()].some((port) => vipPortsInclude([text], port))) return [];
    return [`${text}: no backend has this port`];
  });
  return { ports, left };
};

/** Those that proxies serve, whatever more was written: a tailnet knows a host for nothing that does not serve all of them. */
const wishedFor = ({ ports = [] }: VIPService, hosted: readonly number[]): readonly string[] =>
  ports.includes('do-not-validate') ? ['do-not-validate'] : hosted.map((port) => `tcp:${port}`).toSorted(byCodeUnit);
