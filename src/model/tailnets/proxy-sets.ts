import type { ProxyPod, ProxySettings, TailscaleEndpoints, TailscaleGateway, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import { equal } from '../../lib/equal.ts';
import { fingerprint } from '../../lib/fingerprint.ts';
import { byCodeUnit, keyOf, localKey, localKeyOf, type ObjectKey } from '../../lib/key.ts';
import { memo, type Read, sameElements } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { present } from '../../lib/present.ts';
import type { Gateway } from '../graph.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { Hosting } from '../sharing/hosting.ts';
import { defaultTags, type Share, sharingSetName } from '../sharing/share.ts';
import type { ModelTables } from '../tables.ts';
import { proxySetName } from './names.ts';
import { tailnetFor } from './permission.ts';
import { type ProxyUses, proxyUsesBuilder } from './proxy-uses.ts';
import { wantedForwards } from './wanted-forwards.ts';

export type ProxySets = {
  /** By `namespace/name`, in code-unit order. */
  readonly all: ReadonlyMap<string, ProxySet>;
  /** By the ObjectKey of their TailscaleEndpoints, TailscaleProxyGroup or TailscaleGateway, egress before ingress. */
  readonly of: ReadonlyMap<string, readonly ProxySet[]>;
};

type Owner = TailscaleEndpoints | TailscaleProxyGroup | TailscaleGateway;
type Tables = ModelTables & {
  readonly proxyUses: ProxyUses;
  /** Of ingress proxies. */
  readonly hostedServices: Hosting['services'];
  readonly sharedGateways: Hosting['gateways'];
  /** By their TailscaleGateway, `namespace/name`. */
  readonly shares: ReadonlyMap<string, readonly Share[]>;
};

/** Device names are DNS labels, and have a hyphen and up to three digits after this. */
const longestPrefix = 58;

export type ProxyWork = {
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly hosting: Hosting;
  /** By their TailscaleGateway, `namespace/name`. */
  readonly shares: ReadonlyMap<string, readonly Share[]>;
};

/** A function that gives the proxies that must exist for some tables and what is built of them. What says the same is the same object. */
export const proxySetsBuilder = (): ((tables: ModelTables, work: ProxyWork) => ProxySets) => {
  const usesOf = proxyUsesBuilder();
  const setsOf = memoByChanges<Tables, Owner, readonly ProxySet[]>((owner, read) => setsFor(owner, read));
  const known = new WeakMap<readonly ProxySet[], readonly ProxySet[]>();
  let last: ProxySets = { all: new Map(), of: new Map() };
  return (tables, { gateways, hosting, shares }) => {
    const uses = { proxyUses: usesOf(tables, gateways), hostedServices: hosting.services, sharedGateways: hosting.gateways, shares };
    const full: Tables = { ...tables, ...uses };
    const of = new Map<ObjectKey, readonly ProxySet[]>();
    const sharing = [...tables.TailscaleGateway.values()].filter((gateway) => shares.has(localKeyOf(gateway)));
    for (const owner of [...tables.TailscaleEndpoints.values(), ...tables.TailscaleProxyGroup.values(), ...sharing]) {
      const sets = setsOf(owner, full);
      if (sets.length === 0) continue;
      const key = ownerKeyOf(owner);
      const settled = known.get(sets) ?? reused(last.of.get(key) ?? [], sets);
      known.set(sets, settled);
      of.set(key, settled);
    }
    if (of.size === last.of.size && [...of].every(([key, sets]) => last.of.get(key) === sets)) return last;
    const all = [...of.values()].flatMap((sets) => sets.map((set) => [localKey(set.namespace, set.name), set] as const));
    last = { all: new Map(all.toSorted(([one], [other]) => byCodeUnit(one, other))), of };
    return last;
  };
};

const ownerKeyOf = memo((owner: Owner): ObjectKey => keyOf(owner));

const reused = (before: readonly ProxySet[], sets: readonly ProxySet[]): readonly ProxySet[] =>
  sameElements(
    before,
    sets.map((set) => before.find((other) => isSame(other, set)) ?? set),
  );

const isSame = (one: ProxySet, other: ProxySet): boolean =>
  one.services === other.services &&
  equal({ ...one, forwards: [...one.forwards], services: [] }, { ...other, forwards: [...other.forwards], services: [] });

const setsFor = (owner: Owner, read: Read<Tables>): readonly ProxySet[] => {
  if (owner.kind === 'TailscaleGateway') return sharingSetsFor(owner, read);
  if (owner.kind === 'TailscaleProxyGroup') {
    const { hostnamePrefix, mode, pod = {}, replicas, type } = owner.spec;
    const { tags, tailnet } = owner.spec;
    const wanted = { name: proxySetName(keyOf(owner)), direction: type, mode, replicas, hostnamePrefix, pod, tags, tailnet };
    return [setFrom(owner, wanted, read)];
  }
  const { proxy } = owner.spec;
  if (proxy === undefined || proxy.mode === 'direct') return [];
  const { mode, replicas } = proxy;
  const { tags, tailnet } = owner.spec;
  return directionsOf(proxy).map((direction) => {
    const name = proxySetName(keyOf(owner), direction);
    return setFrom(owner, { name, direction, mode, replicas, hostnamePrefix: undefined, pod: proxy, tags, tailnet }, read);
  });
};

/** One for each tailnet that a TailscaleGateway shares its Gateway with by proxies of its own. */
const sharingSetsFor = (owner: TailscaleGateway, read: Read<Tables>): readonly ProxySet[] => {
  const { replicas = 2, tags, ...pod } = owner.spec.proxy ?? {};
  return (read('shares', localKeyOf(owner)) ?? [])
    .filter(({ hosts, unhosted }) => hosts === 'own' && unhosted === undefined)
    .map(({ entry, tailnet }) => {
      const common = { name: sharingSetName(owner, entry), direction: 'ingress', mode: 'connect', hostnamePrefix: undefined } as const;
      return setFrom(owner, { ...common, replicas, pod, tags, tailnet }, read);
    });
};

const directionsOf = ({ connectionType }: ProxySettings): readonly ProxySet['direction'][] =>
  connectionType === 'bidirectional' ? ['egress', 'ingress'] : [connectionType];

type Wanted = Pick<ProxySet, 'name' | 'direction' | 'mode' | 'replicas' | 'tailnet'> & {
  readonly hostnamePrefix: string | undefined;
  readonly pod: ProxyPod;
  readonly tags: readonly string[] | undefined;
};

/** Those of an owner that may not use its tailnet, or whose tailnet is gone, are going too: they are machines of that tailnet. */
const setFrom = (owner: Owner, wanted: Wanted, read: Read<Tables>): ProxySet => {
  const { name, direction, mode, replicas, hostnamePrefix, pod, tailnet } = wanted;
  const { namespace = '', uid, deletionTimestamp } = owner.metadata;
  const permitted = tailnetFor(tailnet, namespace, read);
  const spec = permitted.ok ? permitted.value.spec : undefined;
  const forwards = direction === 'egress' && mode === 'forward';
  const key = localKey(namespace, name);
  return {
    owner: keyOf(owner),
    ...present({ uid }),
    namespace,
    name,
    direction,
    mode,
    replicas,
    tailnet,
    controlURL: spec?.controlURL ?? '',
    tags: [wanted.tags, spec?.tags, defaultTags].find((tags) => tags !== undefined && tags.length > 0) ?? defaultTags,
    hostnamePrefix: hostnamePrefix ?? (owner.kind === 'TailscaleProxyGroup' ? name : prefixOf(namespace, name)),
    pod: podFrom(pod),
    forwards: forwards && owner.kind !== 'TailscaleGateway' ? wantedForwards(owner, read) : new Map(),
    gateways: read(direction === 'egress' ? 'proxyUses' : 'sharedGateways', key) ?? [],
    services: (direction === 'ingress' ? read('hostedServices', key) : undefined) ?? noServices,
    going: deletionTimestamp !== undefined || !permitted.ok,
  };
};

const noServices: ProxySet['services'] = new Map();

const prefixOf = (namespace: string, name: string): string => {
  const full = `${namespace}-${name}`;
  if (full.length <= longestPrefix) return full;
  const end = `-${fingerprint(full)}`;
  return full.slice(0, longestPrefix - end.length).replace(/-+$/, '') + end;
};

const podFrom = ({ image, resources, nodeSelector, tolerations, affinity, topologySpreadConstraints }: ProxyPod): ProxySet['pod'] =>
  present({ image, resources, nodeSelector, tolerations, affinity, topologySpreadConstraints });
