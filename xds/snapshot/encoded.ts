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
  const version = createHash('sha256').update(bytes).digest('base64url').slice(0, versionLength);
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
  return { name, version, sotw: delta.subarray(anyAt), delta, owners, ...(warms === undefined ? {} : { warms }) };
};
