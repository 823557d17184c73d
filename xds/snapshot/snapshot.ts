import { createHash } from 'node:crypto';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { EncodedResource } from './encoded.ts';

/** All resources of one type in one generation. Immutable; a type that did not change is the same object in the next generation. */
export type TypeSnapshot = {
  readonly typeUrl: string;
  /** Says which generation this is in `version_info` and `system_version_info`; what decides is each resource's own version. */
  readonly version: string;
  readonly resources: ReadonlyMap<string, EncodedResource>;
};

/** What every Envoy of one group should hold, by type URL. Types it lacks are empty. */
export type Snapshot = ReadonlyMap<string, TypeSnapshot>;

/** A snapshot of the resources of each type, reusing the types of `previous` that hold the same. Order of resources does not matter. */
export const snapshotFrom = (types: ReadonlyMap<string, Iterable<EncodedResource>>, previous?: Snapshot): Snapshot => {
  const snapshot = new Map<string, TypeSnapshot>();
  for (const [typeUrl, resources] of types) snapshot.set(typeUrl, typeSnapshotFrom(typeUrl, resources, previous?.get(typeUrl)));
  return previous !== undefined && isSame(snapshot, previous) ? previous : snapshot;
};

/** One type's part of a snapshot; `previous` itself where nothing differs. */
export const typeSnapshotFrom = (typeUrl: string, resources: Iterable<EncodedResource>, previous?: TypeSnapshot): TypeSnapshot => {
  const byName = new Map<string, EncodedResource>();
  for (const resource of resources) byName.set(resource.name, resource);
  if (previous !== undefined && holdsSame(byName, previous.resources)) return previous;
  return { typeUrl, version: versionOf(byName), resources: byName };
};

/** What a client holds of a type before it was sent anything. */
export const emptyType = (typeUrl: string): TypeSnapshot => {
  let known = empties.get(typeUrl);
  if (known === undefined) {
    known = { typeUrl, version: versionOf(new Map()), resources: new Map() };
    if (empties.size < 1000) empties.set(typeUrl, known);
  }
  return known;
};
/** Type URLs come from clients, hence the bound; beyond it an empty type is made anew each time. */
const empties = new Map<string, TypeSnapshot>();

const versionOf = (resources: ReadonlyMap<string, EncodedResource>): string => {
  const hash = createHash('sha256');
  for (const name of [...resources.keys()].toSorted(byCodeUnit)) hash.update(`${name}\0${resources.get(name)?.version}\0`);
  return hash.digest('base64url').slice(0, 12);
};

const holdsSame = (a: ReadonlyMap<string, EncodedResource>, b: ReadonlyMap<string, EncodedResource>): boolean => {
  if (a.size !== b.size) return false;
  for (const [name, resource] of a) {
    const other = b.get(name);
    if (other !== resource && (other?.version !== resource.version || other.owners !== resource.owners)) return false;
  }
  return true;
};

const isSame = (a: Snapshot, b: Snapshot): boolean => a.size === b.size && [...a].every(([typeUrl, type]) => b.get(typeUrl) === type);
