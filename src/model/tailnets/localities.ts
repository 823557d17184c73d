import { reuse } from '../../lib/equal.ts';
import { byCodeUnit, localKey, partsOf } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { Reading } from '../../lib/readers.ts';
import type { Backend, Endpoint, Locality } from '../graph.ts';
import type { ModelTables } from '../tables.ts';
import type { Destination, Place } from './destinations.ts';
import { destinationsIn, partFrom } from './parts.ts';
import type { Transport } from './ports.ts';
import { membersOf, type Members } from './services.ts';
import { endpointWeights } from './weights.ts';

/** A destination and its priority: those of 0 are used first. */
type Placed = { readonly priority: number; readonly destination: Destination };

/** `localities` is undefined while some machines cannot be told: Envoys then keep what they have. */
export type Located = { readonly localities: readonly Locality[] | undefined; readonly readings: readonly Reading<ModelTables>[] };

const last = new WeakMap<Backend, readonly Locality[]>();

/** Where a TailscaleEndpoints or TailscaleServices is reachable: a locality per priority, none left out. The same array until its content changes. */
export const tailnetLocalitiesOf = (backend: Backend, tables: ModelTables): Located => {
  const readings: Reading<ModelTables>[] = [];
  const placed = placedIn(backend, (table, key) => {
    const found = tables[table].get(key);
    readings.push({ table, key, found });
    return found as never;
  });
  if (placed === undefined) return { localities: undefined, readings };
  const next = localitiesFrom(placed);
  const localities = reuse(last.get(backend) ?? next, next);
  last.set(backend, localities);
  return { localities, readings };
};

const placedIn = (backend: Backend, read: Read<ModelTables>): readonly Placed[] | undefined => {
  const { kind, namespace, name } = partsOf(backend.key);
  const key = localKey(namespace, name);
  const transport: Transport = backend.protocol === 'udp' ? 'UDP' : 'TCP';
  if (kind === 'TailscaleEndpoints') {
    const endpoints = read('TailscaleEndpoints', key);
    const part = endpoints && partFrom(endpoints, backend.port, transport, read);
    return part?.ok ? destinationsIn(part.value, read)?.map((destination) => ({ priority: 0, destination })) : [];
  }
  const services = read('TailscaleServices', key);
  const members = services && membersOf(services, backend.port, transport, read);
  return members?.ok ? placedOf(members.value, read) : [];
};

/** Machines of the service itself that are not well go last, where something is better than nothing. */
const placedOf = ({ members, lastResort }: Members, read: Read<ModelTables>): readonly Placed[] | undefined => {
  const placed: Placed[] = [];
  for (const { priority, local, destinations } of members) {
    const found = destinations(read);
    if (found === undefined) return undefined;
    for (const destination of found) {
      const isLast = local && !destination.healthy;
      placed.push(isLast ? { priority: lastResort, destination: { ...destination, healthy: true } } : { priority, destination });
    }
  }
  return placed;
};

/** Priorities that have nothing are there and empty: those of the others then stay as machines come and go. */
const localitiesFrom = (placed: readonly Placed[]): readonly Locality[] => {
  const byPriority = Map.groupBy(distinct(placed), ({ priority }) => priority);
  const highest = Math.max(-1, ...byPriority.keys());
  return Array.from({ length: highest + 1 }, (_, priority) => localityFrom(priority, byPriority.get(priority) ?? []));
};

/** One address is one endpoint to Envoy, whatever leads there but a tunnel: the first of the most wanted counts. */
const distinct = (placed: readonly Placed[]): readonly Placed[] => {
  const seen = new Set<string>();
  return placed
    .toSorted((one, other) => one.priority - other.priority)
    .flatMap(({ priority, destination }) => {
      const endpoints = destination.endpoints.filter((place) => seen.size !== seen.add(nameOf(place)).size);
      return destination.weight === 0 || endpoints.length === 0 ? [] : [{ priority, destination: { ...destination, endpoints } }];
    });
};

const nameOf = ({ address, port, via }: Place): string => {
  const name = `${address} ${port}`;
  if (via === undefined) return name;
  return via.kind === 'dns' ? `${name} by name` : `${name} via ${via.proxy.host} ${via.proxy.port}`;
};

const localityFrom = (priority: number, placed: readonly Placed[]): Locality => {
  const weights = endpointWeights(placed.map(({ destination: { weight, endpoints } }) => ({ weight, count: endpoints.length })));
  const endpoints = placed.flatMap(({ destination: { healthy, endpoints: places } }, index) =>
    places.map((place) => ({ name: nameOf(place), endpoint: endpointFrom(place, healthy, weights[index] ?? 1) })),
  );
  const weight = endpoints.reduce((sum, { endpoint }) => sum + (endpoint.weight ?? 1), 0);
  return {
    zone: '',
    weight: Math.max(1, weight),
    ...(priority === 0 ? {} : { priority }),
    endpoints: endpoints.toSorted((one, other) => byCodeUnit(one.name, other.name)).map(({ endpoint }) => endpoint),
  };
};

const endpointFrom = (place: Place, healthy: boolean, weight: number): Endpoint => ({
  ...place,
  healthy,
  ...(weight === 1 ? {} : { weight }),
});
