import { partsOf } from '../lib/key.ts';
import { sameElements } from '../lib/memo.ts';
import type { Backend, Gateway, Locality } from './graph.ts';
import { localitiesOf } from './routes/endpoints.ts';
import type { ModelTables } from './tables.ts';
import { tailnetLocalitiesOf } from './tailnets/localities.ts';
import { changedKeys } from './tailnets/selections.ts';

type Endpoints = ReadonlyMap<string, readonly Locality[]>;

/**
 * A function that finds what every backend of some Gateways is reachable at, by backend id; the same map while nothing of it changes. A backend of
 * which that cannot be told yet is left out. A change of EndpointSlices costs a look at the backends whose endpoints were read from them, one of
 * tailnets or their proxies a look at the backends that are there.
 */
export const endpointsBuilder = (): ((gateways: ReadonlyMap<string, Gateway>, tables: ModelTables) => Endpoints) => {
  let used: readonly (readonly Backend[])[] = [];
  let known: ModelTables | undefined;
  let last: Endpoints = new Map();
  let uses = usesOf([]);
  return (gateways, tables) => {
    const backends = sameElements(
      used,
      [...gateways.values()].map((gateway) => gateway.backends),
    );
    const isAnew = known === undefined || backends !== used || known.Service !== tables.Service;
    if (backends !== used) uses = usesOf(backends);
    const changed = isAnew || known === undefined ? uses.all : changedBackends(known, tables, uses);
    used = backends;
    known = tables;
    if (changed.size === 0 && !isAnew) return last;
    const next = new Map(isAnew ? undefined : last);
    for (const backend of changed) {
      const localities = lookUp(backend, tables, uses);
      if (localities === undefined) next.delete(backend.id);
      else next.set(backend.id, localities);
    }
    if (!sameEntries(last, next)) last = next;
    return last;
  };
};

type Uses = {
  readonly all: ReadonlySet<Backend>;
  readonly inTailnets: ReadonlySet<Backend>;
  /** Backends by each Service, as `namespace/name`, whose EndpointSlices they were looked up in, or once were. */
  readonly bySlices: Map<string, Set<Backend>>;
};

/** Each backend once, by id, though several Gateways use it. */
const usesOf = (backends: readonly (readonly Backend[])[]): Uses => {
  const byId = new Map<string, Backend>();
  for (const backend of backends.flat()) if (!byId.has(backend.id)) byId.set(backend.id, backend);
  const all = new Set(byId.values());
  return { all, inTailnets: new Set([...all].filter(isInTailnet)), bySlices: new Map() };
};

const isInTailnet = ({ reach }: Backend): boolean => reach !== undefined;

/** `EndpointSlice` is what `slicesOf` is made from. */
const followed: ReadonlySet<string> = new Set<keyof ModelTables>(['slicesOf', 'EndpointSlice']);

const changedBackends = (before: ModelTables, after: ModelTables, { inTailnets, bySlices }: Uses): ReadonlySet<Backend> => {
  const names = Object.keys(after) as (keyof ModelTables)[];
  const others = inTailnets.size > 0 && names.some((name) => !followed.has(name) && before[name] !== after[name]);
  const changed = new Set(others ? inTailnets : []);
  if (before.slicesOf !== after.slicesOf) {
    for (const service of changedKeys(before.slicesOf, after.slicesOf))
      for (const backend of bySlices.get(service) ?? []) changed.add(backend);
  }
  return changed;
};

const lookUp = (backend: Backend, tables: ModelTables, { bySlices }: Uses): readonly Locality[] | undefined => {
  const { localities, slices } = isInTailnet(backend) ? tailnetLocalitiesOf(backend, tables) : serviceLocalitiesOf(backend, tables);
  for (const service of slices) {
    const backends = bySlices.get(service);
    if (backends === undefined) bySlices.set(service, new Set([backend]));
    else backends.add(backend);
  }
  return localities;
};

const serviceLocalitiesOf = (backend: Backend, tables: ModelTables) => {
  const { namespace, name } = partsOf(backend.key);
  return { localities: localitiesOf(backend, tables), slices: [`${namespace}/${name}`] };
};

const sameEntries = (one: Endpoints, other: Endpoints): boolean => {
  if (one.size !== other.size) return false;
  for (const [id, localities] of other) if (one.get(id) !== localities) return false;
  return true;
};
