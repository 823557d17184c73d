import { byCodeUnit, localKey, partsOf } from '../../lib/key.ts';
import { memo, type Read, sameElements } from '../../lib/memo.ts';
import { memoByChanges } from '../../lib/readers.ts';
import type { Backend, Gateway } from '../graph.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { ModelTables } from '../tables.ts';
import { type Carrier, carrierOf } from './carriers.ts';
import { membersOf } from './services.ts';

export type GatewayName = ProxySet['gateways'][number];

/** Gateways, by `namespace/name` of the proxies that their backends are reached through, in code-unit order. */
export type ProxyUses = ReadonlyMap<string, readonly GatewayName[]>;

/** A function that tells which Gateways use which proxies; what did not change is the same object, and so is the whole. */
export const proxyUsesBuilder = (): ((tables: ModelTables, gateways: ReadonlyMap<string, Gateway>) => ProxyUses) => {
  const setsOf = memoByChanges<ModelTables, Backend, readonly string[]>(setsOfBackend);
  const names = new Map<string, GatewayName>();
  let last: ProxyUses = new Map();
  return (tables, gateways) => {
    const users = new Map<string, Set<string>>();
    for (const [key, gateway] of gateways) {
      if (!names.has(key)) names.set(key, { namespace: gateway.namespace, name: gateway.name });
      for (const backend of ofTailnets(gateway.backends))
        for (const set of setsOf(backend, tables)) users.set(set, (users.get(set) ?? new Set<string>()).add(key));
    }
    for (const key of names.keys()) if (!gateways.has(key)) names.delete(key);
    const uses = new Map(
      [...users].map(([set, keys]) => {
        const named = [...keys].toSorted(byCodeUnit).flatMap((key) => names.get(key) ?? []);
        return [set, sameElements(last.get(set), named)] as const;
      }),
    );
    if (uses.size !== last.size || [...uses].some(([set, named]) => last.get(set) !== named)) last = uses;
    return last;
  };
};

const ofTailnets = memo((backends: readonly Backend[]): readonly Backend[] => backends.filter(({ key }) => key.startsWith('Tailscale')));

const setsOfBackend = ({ key, port, protocol }: Backend, read: Read<ModelTables>): readonly string[] => {
  const { kind, namespace, name } = partsOf(key);
  if (kind === 'TailscaleEndpoints') {
    const endpoints = read('TailscaleEndpoints', localKey(namespace, name));
    const carrier = endpoints && carrierOf(endpoints, read);
    return carrier?.ok ? setsOfCarriers([carrier.value]) : [];
  }
  const services = read('TailscaleServices', localKey(namespace, name));
  const members = services && membersOf(services, port, protocol === 'udp' ? 'UDP' : 'TCP', read);
  return members?.ok ? setsOfCarriers(members.value.members.map(({ path }) => path.carrier)) : [];
};

const setsOfCarriers = (carriers: readonly Carrier[]): readonly string[] => [
  ...new Set(carriers.flatMap((carrier) => (carrier.mode === 'direct' ? [] : [carrier.set]))),
];
