import type pb from 'protobufjs/light.js';
import protojson from 'protobufjs/ext/protojson.js';
import { CodecError } from './error.ts';
import { scalarWriter } from './scalar.ts';
import type { Write } from './scalar.ts';

/** In order of keys, as the maps of a Struct are written in the order they have. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, sorted(part)]));
};

/** For types whose JSON form protobufjs knows; rare enough in resources for its price. */
const viaProtoJson =
  (type: pb.Type): Write =>
  (writer, value) =>
    void type.encode(protojson.fromJson(type, sorted(value)), writer);

const wrapper = (type: pb.Type): Write => {
  const field = type.fields['value'];
  if (!field) throw new Error(`unreachable: ${type.fullName} has no value`);
  return scalarWriter(field.resolve());
};

const maxSeconds = 315_576_000_000;

/** The commonest of them, so written here: through protobufjs it was a tenth of a route's cost. */
const duration: Write = (writer, value) => {
  const match = typeof value === 'string' ? /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(value) : null;
  const [, sign, whole, fraction = ''] = match ?? [];
  if (!match || Number(whole) > maxSeconds) throw new CodecError(`expected duration like '5s', got ${JSON.stringify(value)}`);
  const factor = sign === '-' ? -1 : 1;
  const seconds = Number(whole);
  const nanos = Number(fraction.padEnd(9, '0'));
  if (seconds !== 0) writer.uint32(8).int64(factor * seconds);
  if (nanos !== 0) writer.uint32(16).int32(factor * nanos);
};

const prefix = '.google.protobuf.';
const wrapped = new Set(
  ['Bool', 'String', 'Bytes', 'Double', 'Float', 'Int32', 'UInt32', 'Int64', 'UInt64'].map((name) => `${prefix}${name}Value`),
);
const delegated = new Set(['Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].map((name) => `${prefix}${name}`));

/** Encoder of a type whose JSON is not an object of its fields; undefined for all others, and for Any, which needs them all. */
export const wellKnownWriter = (type: pb.Type): Write | undefined => {
  if (type.fullName === `${prefix}Duration`) return duration;
  if (wrapped.has(type.fullName)) return wrapper(type);
  return delegated.has(type.fullName) ? viaProtoJson(type) : undefined;
};
