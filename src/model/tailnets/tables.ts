import type { TailscaleEndpoints, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import type { Device, KnownTailnet, Observations, TailnetState, VipService } from '../../api/observations.ts';
import type { Objects } from '../../api/objects.ts';
import { reuse } from '../../lib/equal.ts';
import { localKey } from '../../lib/key.ts';
import { indexBy, type Table } from '../../lib/memo.ts';
import { nameSelector, type NameSelection } from '../../lib/name-pattern.ts';
import { present } from '../../lib/present.ts';
import { selects } from '../gateways/selector.ts';
import { selectionsBuilder } from './selections.ts';

/**
 * What is known of tailnets, to look up. A tailnet is part of every key, as in `prod/100.64.0.1`: those of several tailnets never meet, though
 * they give out the same addresses. A device that changes changes what is found under its own keys, and nothing else.
 */
export type TailnetTables = {
  /** What is known of a tailnet as a whole, by its name alone; absent until it was heard of. */
  readonly tailnetStandings: ReadonlyMap<string, TailnetStanding>;
  /** Devices by each of their addresses. */
  readonly devicesAt: Table<readonly Device[]>;
  /** Devices by MagicDNS name. */
  readonly devicesNamed: Table<readonly Device[]>;
  /** Devices that a selection (`deviceSelection`) takes, by their ids; undefined while the tailnet's devices are not known. */
  readonly devicesSelected: Table<readonly Device[]>;
  /** Tailscale Services by name, as in `prod/svc:web`. */
  readonly vipServicesNamed: Table<VipService>;
  readonly vipServicesAt: Table<readonly VipService[]>;
  /** TailscaleEndpoints that a selection (`endpointsSelection`) takes, by name. */
  readonly endpointsSelected: Table<readonly TailscaleEndpoints[]>;
  /** TailscaleEndpoints by the TailscaleProxyGroup they name, as `namespace/name`. */
  readonly endpointsOfGroup: ReadonlyMap<string, readonly TailscaleEndpoints[]>;
  /** TailscaleProxyGroups of type egress by namespace and tailnet, as `namespace/tailnet`. */
  readonly egressGroups: ReadonlyMap<string, readonly TailscaleProxyGroup[]>;
  /** Whether a device (`proxyDevice`) is a proxy of ours. */
  readonly proxyDevices: Table<true>;
};

export type TailnetStanding = {
  /** Whether its devices and services are known, be it from long ago. */
  readonly heard: boolean;
  /** MagicDNS suffix. */
  readonly suffix?: string;
  /** For users: why what is known is nothing, or old. */
  readonly remark?: string;
};

export const tailnetKey = (tailnet: string, rest: string): string => `${tailnet}/${rest}`;

export type DeviceSelection = NameSelection & {
  /** Devices that have all of these. */
  readonly tags?: readonly string[];
};

/** The key of `devicesSelected`. */
export const deviceSelection = (tailnet: string, { tags, patterns, excludePatterns }: DeviceSelection): string =>
  tailnetKey(tailnet, JSON.stringify({ tags, patterns, excludePatterns }));

type Labels = NonNullable<Parameters<typeof selects>[0]>;

/** The key of `endpointsSelected`: what a LabelSelector takes in one namespace. */
export const endpointsSelection = (namespace: string, selector: Labels): string => JSON.stringify({ namespace, selector });

/** A function from objects and observations to these tables; a table stays the same while nothing in it changes. */
export const tailnetTablesBuilder = (): ((objects: Objects, observations: Observations) => TailnetTables) => {
  const standings = standingsBuilder();
  const devicesAt = perTailnet(() =>
    indexed(
      indexBy<Device>(({ addresses }) => addresses),
      devicesOf,
    ),
  );
  const devicesNamed = perTailnet(() =>
    indexed(
      indexBy<Device>(({ fqdn }) => [fqdn]),
      devicesOf,
    ),
  );
  const devicesSelected = perTailnet(() => indexed(selectionsBuilder(deviceSelector), devicesOf));
  const vipServicesNamed = perTailnet(() => servicesOf);
  const vipServicesAt = perTailnet(() =>
    indexed(
      indexBy<VipService>(({ addresses }) => addresses),
      servicesOf,
    ),
  );
  const endpointsSelected = selectionsBuilder(endpointsSelector);
  const endpointsOfGroup = indexBy<TailscaleEndpoints>(({ metadata, spec }) =>
    spec.proxyGroup === undefined ? [] : [localKey(metadata.namespace ?? '', spec.proxyGroup)],
  );
  const egressGroups = indexBy<TailscaleProxyGroup>(({ metadata, spec }) =>
    spec.type === 'egress' ? [localKey(metadata.namespace ?? '', spec.tailnet)] : [],
  );
  const proxyDevices = proxyDevicesBuilder();
  return ({ TailscaleEndpoints, TailscaleProxyGroup }, { tailnets, proxies }) => ({
    tailnetStandings: standings(tailnets),
    devicesAt: devicesAt(tailnets),
    devicesNamed: devicesNamed(tailnets),
    devicesSelected: devicesSelected(tailnets),
    vipServicesNamed: vipServicesNamed(tailnets),
    vipServicesAt: vipServicesAt(tailnets),
    endpointsSelected: endpointsSelected(TailscaleEndpoints),
    endpointsOfGroup: endpointsOfGroup(TailscaleEndpoints),
    egressGroups: egressGroups(TailscaleProxyGroup),
    proxyDevices: proxyDevices(proxies),
  });
};

type Tailnets = Observations['tailnets'];

const devicesOf = ({ devices }: KnownTailnet): KnownTailnet['devices'] => devices;
const servicesOf = ({ services }: KnownTailnet): KnownTailnet['services'] => services;

const indexed =
  <V, R>(index: (values: ReadonlyMap<string, V>) => Table<R>, valuesOf: (known: KnownTailnet) => ReadonlyMap<string, V>) =>
  (known: KnownTailnet): Table<R> =>
    index(valuesOf(known));

/** One table from a table of each tailnet, by keys that begin with its name. */
const perTailnet = <R>(tableOfOne: () => (known: KnownTailnet) => Table<R>): ((tailnets: Tailnets) => Table<R>) => {
  let builders = new Map<string, (known: KnownTailnet) => Table<R>>();
  let last: ReadonlyMap<string, Table<R>> = new Map();
  let table = joined(last);
  return (tailnets) => {
    const current = new Map<string, (known: KnownTailnet) => Table<R>>();
    const tables = new Map<string, Table<R>>();
    for (const [name, { known }] of tailnets) {
      if (known === undefined) continue;
      const build = builders.get(name) ?? tableOfOne();
      current.set(name, build);
      tables.set(name, build(known));
    }
    builders = current;
    if (tables.size === last.size && [...tables].every(([name, one]) => last.get(name) === one)) return table;
    last = tables;
    table = joined(tables);
    return table;
  };
};

const joined = <R>(tables: ReadonlyMap<string, Table<R>>): Table<R> => ({
  get: (key) => {
    const slash = key.indexOf('/');
    return tables.get(key.slice(0, slash))?.get(key.slice(slash + 1));
  },
});

const deviceSelector = (text: string): ((device: Device) => boolean) => {
  const { tags = [], ...names } = JSON.parse(text) as DeviceSelection;
  const hasName = nameSelector(names);
  return (device) => tags.every((tag) => device.tags.includes(tag)) && hasName([device.hostname, device.fqdn]);
};

const endpointsSelector = (text: string): ((endpoints: TailscaleEndpoints) => boolean) => {
  const { namespace, selector } = JSON.parse(text) as { readonly namespace: string; readonly selector: Labels };
  return ({ metadata }) => metadata.namespace === namespace && selects(selector, metadata.labels ?? {});
};

const standingsBuilder = (): ((tailnets: Tailnets) => ReadonlyMap<string, TailnetStanding>) => {
  let source: Tailnets = new Map();
  let last: ReadonlyMap<string, TailnetStanding> = new Map();
  return (tailnets) => {
    if (tailnets === source) return last;
    source = tailnets;
    const next = new Map([...tailnets].map(([name, state]) => [name, standingOf(state)] as const));
    last = next.size === last.size ? reuseStandings(last, next) : next;
    return last;
  };
};

const reuseStandings = (
  last: ReadonlyMap<string, TailnetStanding>,
  next: ReadonlyMap<string, TailnetStanding>,
): ReadonlyMap<string, TailnetStanding> => {
  const settled = new Map([...next].map(([name, standing]) => [name, reuse(last.get(name) ?? standing, standing)] as const));
  return [...settled].every(([name, standing]) => last.get(name) === standing) ? last : settled;
};

const standingOf = ({ name, known, trouble }: TailnetState): TailnetStanding =>
  present({
    heard: known !== undefined,
    suffix: known?.suffix,
    remark:
      trouble === undefined
        ? undefined
        : `tailnet "${name}" cannot be asked since ${trouble.since}${known === undefined ? '' : ', and what was known then still counts'} (see the status of its TailscaleTailnet)`,
  });

/** Which devices are proxies of ours: no machine for anybody to reach, whatever selects it. */
const proxyDevicesBuilder = (): ((proxies: Observations['proxies']) => Table<true>) => {
  let source: Observations['proxies'] = new Map();
  let last: ReadonlyMap<string, true> = new Map();
  return (proxies) => {
    if (proxies === source) return last;
    source = proxies;
    const devices = [...proxies.values()].flatMap(({ pods }) =>
      pods.map(({ nodeId = '', fqdn = '' }) => proxyDevice({ id: nodeId, fqdn })),
    );
    const next = new Map(devices.map((device) => [device, true as const]));
    if (next.size !== last.size || [...next.keys()].some((device) => !last.has(device))) last = next;
    return last;
  };
};

/** The key of `proxyDevices`: an id alone might be another device's in another tailnet. */
export const proxyDevice = ({ id, fqdn }: Pick<Device, 'id' | 'fqdn'>): string => `${id}/${fqdn}`;

/** Of several devices that go by one name or address the first that may be sent traffic, else the first. */
export const preferred = (devices: readonly Device[] | undefined): Device | undefined =>
  devices?.find(({ usable }) => usable) ?? devices?.[0];
