import type { EndpointSlice, Endpoint as SliceEndpoint, Service, ServicePort } from '../../api/core.ts';
import { byCodeUnit, localKey, localKeyOf, partsOf } from '../../lib/key.ts';
import { memoByReads, type Read } from '../../lib/memo.ts';
import type { Backend, Endpoint, Locality } from '../graph.ts';
import type { ModelTables } from '../tables.ts';

/** Where a backend's endpoints were last found, so that equal answers are one and the same array. */
const last = new WeakMap<Backend, readonly Locality[]>();

/**
 * Where a backend is reachable, by zone, sorted: what kube-proxy would use. That is the ready endpoints of the slices whose port has the Service port's
 * name and protocol; where none is ready, those that still serve while they terminate. Slices of host names (`FQDN`) are left out, and of
 * two address families only the Service's first that has any, for both lead to the same pods. The same array until its content changes.
 */
export const localitiesOf: (backend: Backend, tables: ModelTables) => readonly Locality[] = memoByReads<
  ModelTables,
  Backend,
  readonly Locality[]
>((backend, read) => {
  const { namespace, name } = partsOf(backend.key);
  const service = read('Service', localKey(namespace, name));
  const port = service && servicePortOf(service, backend);
  const slices = read('slicesOf', localKey(namespace, name)) ?? [];
  const next = service && port ? localitiesFrom(candidatesFrom(service, port, slices)) : [];
  const previous = last.get(backend);
  if (previous !== undefined && equal(previous, next)) return previous;
  last.set(backend, next);
  return next;
});

/** The endpoints of one port of a Service, each once, whatever zone they are in: of the same kind and choice as those of a backend. */
export const endpointsOfService = (service: Service, port: ServicePort, read: Read<ModelTables>): readonly Endpoint[] => {
  const slices = read('slicesOf', localKeyOf(service)) ?? [];
  return localitiesFrom(candidatesFrom(service, port, slices)).flatMap(({ endpoints }) => endpoints);
};

const servicePortOf = (service: Service, { port, protocol }: Backend): ServicePort | undefined =>
  (service.spec.ports ?? []).find((candidate) => candidate.port === port && candidate.protocol === (protocol === 'udp' ? 'UDP' : 'TCP'));

type Candidate = { readonly endpoint: Endpoint; readonly zone: string; readonly family: string; readonly ready: boolean };

/** Ready ones and terminating ones that still serve; nothing else is ever sent traffic. */
const candidatesFrom = (service: Service, port: ServicePort, slices: readonly EndpointSlice[]): readonly Candidate[] => {
  const candidates = slices
    .filter(({ addressType }) => addressType !== 'FQDN')
    .flatMap((slice) => portNumbersOf(slice, port).flatMap((number) => candidatesOfSlice(slice, number)));
  const ready = candidates.filter((candidate) => candidate.ready);
  const usable = ready.length > 0 ? ready : candidates;
  const family = service.spec.ipFamilies?.find((preferred) => usable.some((candidate) => candidate.family === preferred));
  return family === undefined ? usable : usable.filter((candidate) => candidate.family === family);
};

const candidatesOfSlice = ({ addressType, endpoints }: EndpointSlice, port: number): readonly Candidate[] =>
  endpoints.flatMap((endpoint) => {
    const [address] = endpoint.addresses;
    const ready = endpoint.conditions?.ready ?? true;
    if (address === undefined || !(ready || servesWhileTerminating(endpoint))) return [];
    return [{ endpoint: { address, port, healthy: true }, zone: endpoint.zone ?? '', family: addressType, ready }];
  });

const servesWhileTerminating = ({ conditions }: SliceEndpoint): boolean => {
  const serving = conditions?.serving ?? conditions?.ready ?? true;
  return serving && (conditions?.terminating ?? false);
};

/** The slice's own number counts. A slice port without one stands for all ports, and the Service's target port says which. */
const portNumbersOf = (slice: EndpointSlice, port: ServicePort): readonly number[] =>
  (slice.ports ?? [])
    .filter(({ name, protocol }) => name === (port.name ?? '') && protocol === port.protocol)
    .map((slicePort) => slicePort.port ?? (typeof port.targetPort === 'number' ? port.targetPort : port.port));

/** An endpoint that several slices name, as they do while it moves from one to another, counts once. */
const localitiesFrom = (candidates: readonly Candidate[]): readonly Locality[] => {
  const byAddress = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = addressOf(candidate.endpoint);
    const known = byAddress.get(key);
    if (known === undefined || candidate.zone < known.zone) byAddress.set(key, candidate);
  }
  const sorted = [...byAddress.entries()].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, candidate]) => candidate);
  return [...Map.groupBy(sorted, ({ zone }) => zone)]
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([zone, members]) => ({ zone, weight: members.length, endpoints: members.map(({ endpoint }) => endpoint) }));
};

const addressOf = ({ address, port }: Endpoint): string => `${address} ${port}`;

const equal = (a: readonly Locality[], b: readonly Locality[]): boolean =>
  a.length === b.length && a.every((locality, index) => equalLocality(locality, b[index]));

const equalLocality = (a: Locality, b: Locality | undefined): boolean =>
  a.zone === b?.zone &&
  a.endpoints.length === b.endpoints.length &&
  a.endpoints.every((endpoint, index) => {
    const other = b.endpoints[index];
    return other !== undefined && addressOf(endpoint) === addressOf(other) && endpoint.healthy === other.healthy;
  });
