import { createHash } from 'node:crypto';
import type { ObjectKey } from '../../src/lib/key.ts';
import { fieldLength, writeHeader, writeText } from '../wire/write.ts';

/** One version of one resource, encoded once and shared by every stream, Gateway and generation that holds it. */
export type EncodedResource = {
  readonly name: string;
  /** Of the content alone, so it is the same on every replica and after a restart. */
  readonly version: string;
  /** Framed as `DiscoveryResponse.resources` (field 2 holding an Any). A view of the end of `delta`. */
  readonly sotw: Buffer;
  /** Framed as `DeltaDiscoveryResponse.resources` (field 2 holding a Resource). */
  readonly delta: Buffer;
  /** The objects whose status says so if Envoy rejects this. */
  readonly owners: readonly ObjectKey[];
  /** For an EDS cluster: the ClusterLoadAssignment without which it, once added or changed, keeps warming. */
  readonly warms?: string;
};

/** 72 bits: short enough to save 50 bytes a resource in Delta, long enough never to collide within one configuration. */
const versionLength = 12;

/** Frames the serialized message of one resource. `bytes` must be deterministic: its hash is the version. */
export const encodedFrom = (
  typeUrl: string,
  name: string,
  bytes: Uint8Array,
  owners: readonly ObjectKey[] = [],
  warms?: string,
): EncodedResource => {
  const version = versionFrom([bytes]);
  return { name, version, ...framed(typeUrl, name, version, bytes), owners, ...(warms === undefined ? {} : { warms }) };
};

/** The same for a resource that says what `parts` say: its version is made of theirs, and it is serialized when somebody first looks. */
export const encodedWhenAsked = (
  typeUrl: string,
  name: string,
  serialize: () => Uint8Array,
  owners: readonly ObjectKey[],
  parts: readonly Pick<EncodedResource, 'name' | 'version'>[],
): EncodedResource => {
  const version = versionFrom(parts.map((part) => `${part.name}\0${part.version}\0`));
  let later: (() => Uint8Array) | undefined = serialize;
  let frames: Frames | undefined;
  const made = (): Frames => {
    frames ??= framed(typeUrl, name, version, later?.() ?? new Uint8Array());
    later = undefined;
    return frames;
  };
  return {
    name,
    version,
    owners,
    get sotw() {
      return made().sotw;
    },
    get delta() {
      return made().delta;
    },
  };
};

const versionFrom = (content: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256');
  for (const piece of content) hash.update(piece);
  return hash.digest('base64url').slice(0, versionLength);
};

type Frames = Pick<EncodedResource, 'sotw' | 'delta'>;

const framed = (typeUrl: string, name: string, version: string, bytes: Uint8Array): Frames => {
  const typeLength = Buffer.byteLength(typeUrl);
  const nameLength = Buffer.byteLength(name);
  const any = fieldLength(typeLength) + (bytes.length > 0 ? fieldLength(bytes.length) : 0);
  // The Any is written last: field 2 of Resource has the tag of field 2 of DiscoveryResponse, so one buffer serves both.
  const resource = fieldLength(nameLength) + fieldLength(version.length) + fieldLength(any);
  const delta = Buffer.allocUnsafeSlow(fieldLength(resource));
  let at = writeHeader(delta, 0, 2, resource);
  at = writeText(delta, at, 3, name, nameLength);
  const anyAt = writeText(delta, at, 1, version, version.length);
  at = writeHeader(delta, anyAt, 2, any);
  at = writeText(delta, at, 1, typeUrl, typeLength);
  if (bytes.length > 0) delta.set(bytes, writeHeader(delta, at, 2, bytes.length));
  return { sotw: delta.subarray(anyAt), delta };
};
