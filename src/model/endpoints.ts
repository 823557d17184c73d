import { localKey, partsOf } from '../lib/key.ts';
import { sameElements } from '../lib/memo.ts';
import { isLittered, type Reading, readers } from '../lib/readers.ts';
import type { Backend, Gateway, Locality } from './graph.ts';
import { localitiesOf } from './routes/endpoints.ts';
import type { ModelTables } from './tables.ts';
import { tailnetLocalitiesOf } from './tailnets/localities.ts';

type Endpoints = ReadonlyMap<string, readonly Locality[]>;

/**
 * A function that finds what every backend of some Gateways is reachable at, by backend id; the same map while nothing of it changes. A backend of
 * which that cannot be told yet is left out. Pods, machines and proxies come and go all day: only those backends are looked at whose endpoints
 * were found by what changed.
 */
export const endpointsBuilder = (): ((gateways: ReadonlyMap<string, Gateway>, tables: ModelTables) => Endpoints) => {
  let used: readonly (readonly Backend[])[] = [];
  let backends: ReadonlySet<Backend> = new Set();
  let known: ModelTables | undefined;
  let last: Endpoints = new Map();
  let following = followers();
  return (gateways, tables) => {
    const affected = known === undefined ? new Set<Backend>() : following.affected(known, tables);
    known = tables;
    const lists = sameElements(
      used,
      [...gateways.values()].map((gateway) => gateway.backends),
    );
    if (lists === used && affected.size === 0) return last;
    const before = backends;
    if (lists !== used) backends = distinct(lists);
    used = lists;
    const isAnew = isLittered(following.recorded(), backends.size);
    if (isAnew) following = followers();
    const found = new Map<string, readonly Locality[]>();
    for (const backend of backends) {
      const isAsBefore = !isAnew && before.has(backend) && !affected.has(backend);
      const localities = isAsBefore ? last.get(backend.id) : following.locate(backend, tables);
      if (localities !== undefined) found.set(backend.id, localities);
    }
    if (!sameEntries(last, found)) last = found;
    return last;
  };
};

/** Each backend once, by id, though several Gateways use it. */
const distinct = (lists: readonly (readonly Backend[])[]): ReadonlySet<Backend> => {
  const byId = new Map<string, Backend>();
  for (const backend of lists.flat()) if (!byId.has(backend.id)) byId.set(backend.id, backend);
  return new Set(byId.values());
};

type Followers = {
  /** Where a backend is reachable; from now on it is affected by changes of what tells so. */
  readonly locate: (backend: Backend, tables: ModelTables) => readonly Locality[] | undefined;
  readonly affected: (before: ModelTables, after: ModelTables) => ReadonlySet<Backend>;
  /** How often any was located. */
  readonly recorded: () => number;
};

const followers = (): Followers => {
  const { record, affected } = readers<ModelTables, Backend>();
  let recorded = 0;
  return {
    locate: (backend, tables) => {
      const { localities, readings } = backend.reach === undefined ? inService(backend, tables) : tailnetLocalitiesOf(backend, tables);
      record(backend, readings);
      recorded += 1;
      return localities;
    },
    affected,
    recorded: () => recorded,
  };
};

const inService = (backend: Backend, tables: ModelTables) => {
  const { namespace, name } = partsOf(backend.key);
  const key = localKey(namespace, name);
  const readings: readonly Reading<ModelTables>[] = [
    { table: 'Service', key, found: tables.Service.get(key) },
    { table: 'slicesOf', key, found: tables.slicesOf.get(key) },
  ];
  return { localities: localitiesOf(backend, tables), readings };
};

const sameEntries = (one: Endpoints, other: Endpoints): boolean => {
  if (one.size !== other.size) return false;
  for (const [id, localities] of other) if (one.get(id) !== localities) return false;
  return true;
};
