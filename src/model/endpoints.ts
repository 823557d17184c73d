import { sameElements } from '../lib/memo.ts';
import type { Backend, Gateway, Locality } from './graph.ts';
import { localitiesOf } from './routes/endpoints.ts';
import type { ModelTables } from './tables.ts';

type Endpoints = ReadonlyMap<string, readonly Locality[]>;

/** A function that finds what every backend of some Gateways is reachable at, by backend id; the same map while nothing of it changes. */
export const endpointsBuilder = (): ((gateways: ReadonlyMap<string, Gateway>, tables: ModelTables) => Endpoints) => {
  let used: readonly (readonly Backend[])[] = [];
  let ofService: ReadonlyMap<string, readonly Backend[]> = new Map();
  let known: Pick<ModelTables, 'Service' | 'slicesOf'> | undefined;
  let last: Endpoints = new Map();
  return (gateways, tables) => {
    const backends = sameElements(
      used,
      [...gateways.values()].map((gateway) => gateway.backends),
    );
    const onlySlices = backends === used && known?.Service === tables.Service;
    if (onlySlices && known?.slicesOf === tables.slicesOf) return last;
    const next = new Map(onlySlices ? last : undefined);
    if (known !== undefined && onlySlices) {
      // The everyday change: pods come and go, and only their Services' backends are looked at.
      for (const service of differing(known.slicesOf, tables.slicesOf)) {
        for (const backend of ofService.get(service) ?? []) next.set(backend.id, localitiesOf(backend, tables));
      }
    } else {
      for (const ofGateway of backends) {
        for (const backend of ofGateway) if (!next.has(backend.id)) next.set(backend.id, localitiesOf(backend, tables));
      }
      ofService = Map.groupBy(new Set(backends.flat()), ({ key }) => key.slice(key.indexOf('/') + 1));
    }
    used = backends;
    known = tables;
    if (!sameEntries(last, next)) last = next;
    return last;
  };
};

/** Keys under which two maps do not hold the same. */
const differing = <V>(one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>): readonly string[] => {
  const keys: string[] = [];
  for (const [key, value] of other) if (one.get(key) !== value) keys.push(key);
  for (const key of one.keys()) if (!other.has(key)) keys.push(key);
  return keys;
};

const sameEntries = (one: Endpoints, other: Endpoints): boolean => {
  if (one.size !== other.size) return false;
  for (const [id, localities] of other) if (one.get(id) !== localities) return false;
  return true;
};
