import type { ProxyPod, ProxySettings, TailscaleEndpoints, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import { equal } from '../../lib/equal.ts';
import { fingerprint } from '../../lib/fingerprint.ts';
import { byCodeUnit, keyOf, localKey, type ObjectKey } from '../../lib/key.ts';
import { memo, type Read, sameElements } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import { present } from '../../lib/present.ts';
import type { Gateway } from '../graph.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { ModelTables } from '../tables.ts';
import { proxySetName } from './names.ts';
import { tailnetFor } from './permission.ts';
import { type ProxyUses, proxyUsesBuilder } from './proxy-uses.ts';
import { wantedForwards } from './wanted-forwards.ts';

export type ProxySets = {
  /** By `namespace/name`, in code-unit order. */
  readonly all: ReadonlyMap<string, ProxySet>;
  /** By the ObjectKey of their TailscaleEndpoints or TailscaleProxyGroup, egress before ingress. */
  readonly of: ReadonlyMap<string, readonly ProxySet[]>;
};

type Owner = TailscaleEndpoints | TailscaleProxyGroup;
type Tables = ModelTables & { readonly proxyUses: ProxyUses };

/** The tag of proxies for which nobody says one: that of Tailscale's own operator. */
const defaultTags = ['tag:k8s'];

/** Device names are DNS labels, and have a hyphen and up to three digits after this. */
const longestPrefix = 58;

/** A function that gives the proxies that must exist for some tables and the Gateways built of them. What says the same is the same object. */
export const proxySetsBuilder = (): ((tables: ModelTables, gateways: ReadonlyMap<string, Gateway>) => ProxySets) => {
  const usesOf = proxyUsesBuilder();
  const setsOf = memoByChanges<Tables, Owner, readonly ProxySet[]>((owner, read) => setsFor(owner, read));
  const known = new WeakMap<readonly ProxySet[], readonly ProxySet[]>();
  let last: ProxySets = { all: new Map(), of: new Map() };
  return (tables, gateways) => {
    const full: Tables = { ...tables, proxyUses: usesOf(tables, gateways) };
    const of = new Map<ObjectKey, readonly ProxySet[]>();
    for (const owner of [...tables.TailscaleEndpoints.values(), ...tables.TailscaleProxyGroup.values()]) {
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
  equal({ ...one, forwards: [...one.forwards] }, { ...other, forwards: [...other.forwards] });

const setsFor = (owner: Owner, read: Read<Tables>): readonly ProxySet[] => {
  if (owner.kind === 'TailscaleProxyGroup') {
    const { hostnamePrefix, mode, pod = {}, replicas, type } = owner.spec;
    return [setFrom(owner, { name: proxySetName(keyOf(owner)), direction: type, mode, replicas, hostnamePrefix, pod }, read)];
  }
  const { proxy } = owner.spec;
  if (proxy === undefined || proxy.mode === 'direct') return [];
  const { mode, replicas } = proxy;
  return directionsOf(proxy).map((direction) =>
    setFrom(owner, { name: proxySetName(keyOf(owner), direction), direction, mode, replicas, hostnamePrefix: undefined, pod: proxy }, read),
  );
};

const directionsOf = ({ connectionType }: ProxySettings): readonly ProxySet['direction'][] =>
  connectionType === 'bidirectional' ? ['egress', 'ingress'] : [connectionType];

type Wanted = Pick<ProxySet, 'name' | 'direction' | 'mode' | 'replicas'> & {
  readonly hostnamePrefix: string | undefined;
  readonly pod: ProxyPod;
};

/**
 * Those of an owner that may not use its tailnet, or whose tailnet is gone, are going too: they are machines of that tailnet. Ingress proxies are
 * userspace ones whatever the mode, which says how Envoys reach the tailnet.
 */
const setFrom = (owner: Owner, { name, direction, mode, replicas, hostnamePrefix, pod }: Wanted, read: Read<Tables>): ProxySet => {
  const { namespace = '', uid, deletionTimestamp } = owner.metadata;
  const permitted = tailnetFor(owner.spec.tailnet, namespace, read);
  const tailnet = permitted.ok ? permitted.value.spec : undefined;
  const forwards = direction === 'egress' && mode === 'forward';
  return {
    owner: keyOf(owner),
    ...present({ uid }),
    namespace,
    name,
    direction,
    mode: forwards ? 'forward' : 'connect',
    replicas,
    tailnet: owner.spec.tailnet,
    controlURL: tailnet?.controlURL ?? '',
    tags: [owner.spec.tags, tailnet?.tags, defaultTags].find((tags) => tags !== undefined && tags.length > 0) ?? defaultTags,
    hostnamePrefix: hostnamePrefix ?? (owner.kind === 'TailscaleProxyGroup' ? name : prefixOf(namespace, name)),
    pod: podFrom(pod),
    forwards: forwards ? wantedForwards(owner, read) : new Map(),
    gateways: direction === 'egress' ? (read('proxyUses', localKey(namespace, name)) ?? []) : [],
    services: new Map(),
    going: deletionTimestamp !== undefined || !permitted.ok,
  };
};

const prefixOf = (namespace: string, name: string): string => {
  const full = `${namespace}-${name}`;
  if (full.length <= longestPrefix) return full;
  const end = `-${fingerprint(full)}`;
  return full.slice(0, longestPrefix - end.length).replace(/-+$/, '') + end;
};

const podFrom = ({ image, resources, nodeSelector, tolerations, affinity, topologySpreadConstraints }: ProxyPod): ProxySet['pod'] =>
  present({ image, resources, nodeSelector, tolerations, affinity, topologySpreadConstraints });
