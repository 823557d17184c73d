import { sameElements } from '../lib/memo.ts';
import type { Backend, Gateway, Locality } from './graph.ts';
import { localitiesOf } from './routes/endpoints.ts';
import type { ModelTables } from './tables.ts';

type Endpoints = ReadonlyMap<string, readonly Locality[]>;

/** A function that finds what every backend of some Gateways is reachable at, by backend id; the same map while nothing of it changes. */
export const endpointsBuilder = (): ((gateways: ReadonlyMap<string, Gateway>, tables: ModelTables) => Endpoints) => {
  let used: readonly (readonly Backend[])[] = [];
  let known: Pick<ModelTables, 'Service' | 'slicesOf'> | undefined;
  let last: Endpoints = new Map();
  return (gateways, tables) => {
    const backends = sameElements(
      used,
      [...gateways.values()].map((gateway) => gateway.backends),
    );
    if (backends === used && known?.Service === tables.Service && known.slicesOf === tables.slicesOf) return last;
    const next = new Map<string, readonly Locality[]>();
    for (const ofGateway of backends) {
      for (const backend of ofGateway) if (!next.has(backend.id)) next.set(backend.id, localitiesOf(backend, tables));
    }
    used = backends;
    known = tables;
    if (!sameEntries(last, next)) last = next;
    return last;
  };
};

const sameEntries = (one: Endpoints, other: Endpoints): boolean => {
  if (one.size !== other.size) return false;
  for (const [id, localities] of other) if (one.get(id) !== localities) return false;
  return true;
};
