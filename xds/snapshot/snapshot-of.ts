import { memo, sameElements } from '../../src/lib/memo.ts';
import { encode } from '../codec.ts';
import { messageNames, type Resource, type Resources, type ResourceType, typeUrlOf } from '../resources.ts';
import type { Cluster } from '../types.ts';
import { type EncodedResource, encodedFrom, encodedWhenAsked } from './encoded.ts';
import { type Snapshot, snapshotFrom, type TypeSnapshot } from './snapshot.ts';

const types = Object.keys(messageNames) as readonly ResourceType[];

/**
 * The snapshot of one Gateway's resources. A resource that is the same object as before, in whatever generation or Gateway, is not
 * encoded again. An EDS cluster without a ClusterLoadAssignment that would wait for it without end gets an empty one; one that waits for a
 * while only keeps what it has.
 */
export const snapshotOf = (resources: Resources, previous?: Snapshot): Snapshot => {
  const encoded = new Map<string, EncodedResource[]>();
  for (const type of types) encoded.set(typeUrlOf(type), encodeAll(type, resources, previous?.get(typeUrlOf(type))));
  const clusters = encoded.get(typeUrlOf('Cluster')) ?? [];
  encoded.get(typeUrlOf('ClusterLoadAssignment'))?.push(...assignmentsMissing(clusters, resources));
  return snapshotFrom(encoded, previous);
};

const encodeAll = (type: ResourceType, resources: Resources, previous: TypeSnapshot | undefined): EncodedResource[] =>
  [...resources[type].values()].map((resource) => encodedOnce(type, resource, previous));

const encodedOnce = (type: ResourceType, resource: Resource, previous: TypeSnapshot | undefined): EncodedResource => {
  let known = byResource.get(resource);
  if (known === undefined) {
    known = reuse(encodeResource(type, resource, previous), previous?.resources.get(resource.name));
    byResource.set(resource, known);
  }
  return known;
};

const byResource = new WeakMap<Resource, EncodedResource>();

const encodeResource = (type: ResourceType, resource: Resource, previous: TypeSnapshot | undefined): EncodedResource => {
  const { name, owners, parts } = resource;
  if (parts !== undefined) {
    const made = parts.map((part) => encodedOnce(type, part, previous));
    return encodedWhenAsked(typeUrlOf(type), name, serializer(type, resource), owners, made);
  }
  const { message } = resource;
  const bytes = encode(messageNames[type], message);
  return encodedFrom(typeUrlOf(type), name, bytes, owners, type === 'Cluster' ? edsNameOf(message as Cluster) : undefined);
};

/** By itself, for it may be kept: a function made beside others holds what they hold, here the snapshot before, and by that all before it. */
const serializer = (type: ResourceType, resource: Resource) => (): Uint8Array => encode(messageNames[type], resource.message);

/** A resource that was built anew with the same content keeps its bytes, so that two generations do not hold them twice. */
const reuse = (made: EncodedResource, before: EncodedResource | undefined): EncodedResource => {
  if (before === undefined || before.version !== made.version) return made;
  const owners = sameElements(before.owners, made.owners);
  return owners === before.owners ? before : { ...before, owners };
};

/** Name under which a cluster asks this server for its endpoints; undefined for one that does not. */
const edsNameOf = (cluster: Cluster): string | undefined =>
  cluster.type === 'EDS' && cluster.edsClusterConfig?.edsConfig?.ads !== undefined
    ? cluster.edsClusterConfig.serviceName || cluster.name
    : undefined;

const assignmentsMissing = (clusters: readonly EncodedResource[], resources: Resources): EncodedResource[] => {
  const missing = new Map<string, EncodedResource>();
  for (const cluster of clusters) {
    const { warms } = cluster;
    if (warms !== undefined && !resources.ClusterLoadAssignment.has(warms) && waitsWithoutEnd(cluster.name, resources))
      missing.set(warms, emptyAssignmentFor(cluster));
  }
  return [...missing.values()];
};

const waitsWithoutEnd = (cluster: string, { Cluster }: Resources): boolean => {
  const limit = Cluster.get(cluster)?.message.edsClusterConfig?.edsConfig?.initialFetchTimeout;
  return limit === undefined || limit === '0s';
};

const emptyAssignmentFor = memo(({ name, warms: clusterName = name, owners }: EncodedResource): EncodedResource => {
  const bytes = encode(messageNames.ClusterLoadAssignment, { clusterName });
  return encodedFrom(typeUrlOf('ClusterLoadAssignment'), clusterName, bytes, owners);
});
