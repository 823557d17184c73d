import type { TailscaleEndpoints, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import type { Device, KnownTailnet, Observations, VipService } from '../../api/observations.ts';
import type { Objects } from '../../api/objects.ts';
import type { FollowingTable } from '../../lib/readers.ts';
import { localKey } from '../../lib/key.ts';
import { indexBy, memo, type Read, type Table } from '../../lib/memo.ts';
import { nameSelector, type NameSelection } from '../../lib/name-pattern.ts';
import { present } from '../../lib/present.ts';
import { selects } from '../gateways/selector.ts';
import { anywhere, inItsTailnet, joiner } from './joined-tables.ts';
import { type Changes, layeredIndex } from './layered-index.ts';
import { changedKeys, selectionsBuilder } from './selections.ts';
import { standingsBuilder, type TailnetStanding } from './standings.ts';

/**
 * What is known of tailnets, to look up. A tailnet is part of every key, as in `prod/100.64.0.1`: those of several tailnets never meet, though
 * they give out the same addresses. A device that changes changes what is found under its own keys, and nothing else.
 */
export type TailnetTables = {
  /** What is known of a tailnet as a whole, by its name alone; absent until it was heard of. */
  readonly tailnetStandings: ReadonlyMap<string, TailnetStanding>;
  /** Devices by each of their addresses. */
  readonly devicesAt: FollowingTable<readonly Device[]>;
  /** Devices by MagicDNS name. */
  readonly devicesNamed: FollowingTable<readonly Device[]>;
  /** Devices that a selection (`deviceSelection`) takes, by their ids; undefined while the tailnet's devices are not known. */
  readonly devicesSelected: Table<readonly Device[]>;
  /** Tailscale Services by name, as in `prod/svc:web`. */
  readonly vipServicesNamed: FollowingTable<VipService>;
  readonly vipServicesAt: FollowingTable<readonly VipService[]>;
  /** TailscaleEndpoints that a selection (`endpointsSelection`) takes, by name. */
  readonly endpointsSelected: Table<readonly TailscaleEndpoints[]>;
  /** TailscaleEndpoints by the TailscaleProxyGroup they name, as `namespace/name`. */
  readonly endpointsOfGroup: ReadonlyMap<string, readonly TailscaleEndpoints[]>;
  /** TailscaleProxyGroups of type egress by namespace and tailnet, as `namespace/tailnet`. */
  readonly egressGroups: ReadonlyMap<string, readonly TailscaleProxyGroup[]>;
  /** Under `all`: which devices (`proxyDevice`) are proxies of ours. */
  readonly proxyDevices: ReadonlyMap<string, ReadonlySet<string>>;
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
  const ofTailnets = joinedBuilder();
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
    ...ofTailnets(tailnets),
    endpointsSelected: endpointsSelected(TailscaleEndpoints),
    endpointsOfGroup: endpointsOfGroup(TailscaleEndpoints),
    egressGroups: egressGroups(TailscaleProxyGroup),
    proxyDevices: proxyDevices(proxies),
  });
};

type Tailnets = Observations['tailnets'];

/** Those of the tables that are put together from one of each tailnet. */
type Joined = Pick<TailnetTables, 'devicesAt' | 'devicesNamed' | 'devicesSelected' | 'vipServicesNamed' | 'vipServicesAt'>;

/** The tables of one tailnet, by the same keys as those of all. */
const tailnetBuilder = (tailnet: string): ((known: KnownTailnet) => Joined) => {
  const deviceChanges = changesBuilder<Device>();
  const serviceChanges = changesBuilder<VipService>();
  const under = (rest: string): string => tailnetKey(tailnet, rest);
  const devicesAt = layeredIndex<Device>(({ addresses }) => addresses.map(under));
  const devicesNamed = layeredIndex<Device>(({ fqdn }) => [under(fqdn)]);
  const devicesSelected = selectionsBuilder(deviceSelector);
  const servicesNamed = layeredIndex<VipService>(({ name }) => [under(name)]);
  const vipServicesAt = layeredIndex<VipService>(({ addresses }) => addresses.map(under));
  const first = memo(({ get, version }: FollowingTable<readonly VipService[]>): FollowingTable<VipService> =>
    present({ get: (key: string) => get(key)?.[0], version }),
  );
  return ({ devices, services }) => {
    const changedDevices = deviceChanges(devices);
    const changedServices = serviceChanges(services);
    return {
      devicesAt: devicesAt(changedDevices),
      devicesNamed: devicesNamed(changedDevices),
      devicesSelected: devicesSelected(devices, changedDevices.keys),
      vipServicesNamed: first(servicesNamed(changedServices)),
      vipServicesAt: vipServicesAt(changedServices),
    };
  };
};

const changesBuilder = <V>(): ((now: ReadonlyMap<string, V>) => Changes<V>) => {
  let before: ReadonlyMap<string, V> = new Map();
  return (now) => {
    const keys = now === before ? new Set<string>() : changedKeys(before, now);
    const changes = { before, now, keys };
    before = now;
    return changes;
  };
};

const joinedBuilder = (): ((tailnets: Tailnets) => Joined) => {
  let builders: ReadonlyMap<string, (known: KnownTailnet) => Joined> = new Map();
  const devicesAt = joiner<readonly Device[]>(anywhere);
  const devicesNamed = joiner<readonly Device[]>(anywhere);
  const devicesSelected = joiner<readonly Device[]>(inItsTailnet);
  const vipServicesNamed = joiner<VipService>(anywhere);
  const vipServicesAt = joiner<readonly VipService[]>(anywhere);
  return (tailnets) => {
    const heard = [...tailnets].flatMap(([name, { known }]) => (known === undefined ? [] : [[name, known] as const]));
    builders = new Map(heard.map(([name]) => [name, builders.get(name) ?? tailnetBuilder(name)]));
    const tables = heard.flatMap(([name, known]) => builders.get(name)?.(known) ?? []);
    const names = heard.map(([name]) => name);
    return {
      devicesAt: devicesAt(
        names,
        tables.map((one) => one.devicesAt),
      ),
      devicesNamed: devicesNamed(
        names,
        tables.map((one) => one.devicesNamed),
      ),
      devicesSelected: devicesSelected(
        names,
        tables.map((one) => one.devicesSelected),
      ),
      vipServicesNamed: vipServicesNamed(
        names,
        tables.map((one) => one.vipServicesNamed),
      ),
      vipServicesAt: vipServicesAt(
        names,
        tables.map((one) => one.vipServicesAt),
      ),
    };
  };
};

const deviceSelector = (text: string): ((device: Device) => boolean) => {
  const { tags = [], ...names } = JSON.parse(text) as DeviceSelection;
  const hasName = nameSelector(names);
  return (device) => tags.every((tag) => device.tags.includes(tag)) && hasName([device.hostname, device.fqdn]);
};

const endpointsSelector = (text: string): ((endpoints: TailscaleEndpoints) => boolean) => {
  const { namespace, selector } = JSON.parse(text) as { readonly namespace: string; readonly selector: Labels };
  return ({ metadata }) => metadata.namespace === namespace && selects(selector, metadata.labels ?? {});
};

const proxyDevicesBuilder = (): ((proxies: Observations['proxies']) => TailnetTables['proxyDevices']) => {
  let source: Observations['proxies'] | undefined;
  let last: TailnetTables['proxyDevices'] = new Map([['all', new Set<string>()]]);
  return (proxies) => {
    if (proxies === source) return last;
    source = proxies;
    const devices = [...proxies.values()].flatMap(({ pods }) =>
      pods.map(({ nodeId = '', fqdn = '' }) => proxyDevice({ id: nodeId, fqdn })),
    );
    const next = new Set(devices);
    const before = last.get('all');
    if (before?.size !== next.size || [...next].some((device) => !before.has(device))) last = new Map([['all', next]]);
    return last;
  };
};

/** How `proxyDevices` names a device: an id alone might be another device's in another tailnet. */
const proxyDevice = ({ id, fqdn }: Pick<Device, 'id' | 'fqdn'>): string => `${id}/${fqdn}`;

/** What a selection takes, but for proxies of ours: these are no machines for anybody to reach. */
export const machinesSelected = (
  selection: string,
  read: Read<Pick<TailnetTables, 'devicesSelected' | 'proxyDevices'>>,
): readonly Device[] => {
  const proxies = read('proxyDevices', 'all');
  return (read('devicesSelected', selection) ?? []).filter((device) => proxies?.has(proxyDevice(device)) !== true);
};

/** Of several devices that go by one name or address the first that may be sent traffic, else the first. */
export const preferred = (devices: readonly Device[] | undefined): Device | undefined =>
  devices?.find(({ usable }) => usable) ?? devices?.[0];
