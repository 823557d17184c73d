import { CDS, EDS, LDS, RDS } from '../../xds/ads/types.ts';
import { decode, encode, typeNameOf } from '../../xds/codec.ts';
import { encodedFrom } from '../../xds/snapshot/encoded.ts';
import type { Snapshot, TypeSnapshot } from '../../xds/snapshot/snapshot.ts';

/** A message of each type with a name and one field that can change. The suite looks at nothing but names. */
const messages: ReadonlyMap<string, (name: string, edit: number) => object> = new Map<string, (name: string, edit: number) => object>([
  [CDS, (name: string, edit: number) => ({ name, connectTimeout: `${edit + 1}s` })],
  [LDS, (name: string, edit: number) => ({ name, statPrefix: `edit-${edit}` })],
  [RDS, (name: string, edit: number) => ({ name, maxDirectResponseBodySizeBytes: edit + 1 })],
  [EDS, (clusterName: string, edit: number) => ({ clusterName, policy: { overprovisioningFactor: 100 + edit } })],
]);

/** What one node is to hold: per type a version as the suite wants to see it, and for each name how often it was edited. */
export type State = ReadonlyMap<string, { readonly version: string; readonly edits: ReadonlyMap<string, number> }>;

/** A state of these names, all in one version. */
export const stateOf = (version: string, resources: readonly { readonly typeUrl: string; readonly value: Uint8Array }[]): State => {
  const edits = new Map([...messages.keys()].map((typeUrl) => [typeUrl, new Map<string, number>()]));
  for (const { typeUrl, value } of resources) {
    const { name, clusterName } = decode(typeNameOf(typeUrl), value) as { readonly name?: string; readonly clusterName?: string };
    edits.get(typeUrl)?.set(name ?? clusterName ?? '', 0);
  }
  return new Map([...edits].map(([typeUrl, names]) => [typeUrl, { version, edits: names }]));
};

/** The state with one resource added, edited or (`remove`) taken away; an empty version leaves the type's as it is. */
export const edited = (state: State, typeUrl: string, name: string, version: string, remove = false): State => {
  const before = state.get(typeUrl);
  const edits = new Map(before?.edits);
  if (remove) edits.delete(name);
  else edits.set(name, (edits.get(name) ?? 0) + 1);
  return new Map(state).set(typeUrl, { version: version || (before?.version ?? ''), edits });
};

/** The snapshot to serve. Each resource's version is its content's; only what the type is labelled with comes from the suite. */
export const snapshotFromState = (state: State, previous: Snapshot | undefined): Snapshot =>
  new Map(
    [...state].map(([typeUrl, { version, edits }]): [string, TypeSnapshot] => {
      const message = messages.get(typeUrl) ?? ((name: string) => ({ name }));
      const resources = [...edits].map(([name, edit]) => encodedFrom(typeUrl, name, encode(typeNameOf(typeUrl), message(name, edit))));
      const next = { typeUrl, version, resources: new Map(resources.map((resource) => [resource.name, resource])) };
      const before = previous?.get(typeUrl);
      return [typeUrl, before !== undefined && before.version === version && isSame(before, next) ? before : next];
    }),
  );

const isSame = ({ resources }: TypeSnapshot, other: TypeSnapshot): boolean =>
  resources.size === other.resources.size && [...resources].every(([name, { version }]) => other.resources.get(name)?.version === version);
