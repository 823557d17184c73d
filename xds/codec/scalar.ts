import pb from 'protobufjs/light.js';
import { CodecError } from './error.ts';

/** Writes one value; of a message the fields, without a length before them. Throws CodecError when the value does not fit. */
export type Write = (writer: pb.Writer, value: unknown) => void;

/** How one scalar or enum type is checked and written. `isDefault` tells values that proto3 leaves out of a field without presence. */
export type Scalar = {
  readonly wire: 0 | 1 | 2 | 5;
  readonly write: Write;
  readonly isDefault: (value: unknown) => boolean;
};

const mismatch = (expected: string, value: unknown): CodecError => new CodecError(`expected ${expected}, got ${JSON.stringify(value)}`);

const isZero = (value: unknown): boolean => value === 0 || (typeof value === 'string' && /^[+-]?0+(\.0*)?$/.test(value));

const integer =
  (type: string, min: number, max: number) =>
  (value: unknown): number => {
    const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
    throw mismatch(type, value);
  };

const int32 = integer('int32', -(2 ** 31), 2 ** 31 - 1);
const uint32 = integer('uint32', 0, 2 ** 32 - 1);

/** Numbers only while they are exact; beyond that decimal strings, which protobufjs writes without loss. */
const long =
  (type: string, min: bigint, max: bigint) =>
  (value: unknown): number | string => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && BigInt(value) >= min) return value;
    if (typeof value === 'string' && /^-?\d+$/.test(value) && BigInt(value) >= min && BigInt(value) <= max) return value;
    throw mismatch(type, value);
  };

const int64 = long('int64', -(2n ** 63n), 2n ** 63n - 1n);
const uint64 = long('uint64', 0n, 2n ** 64n - 1n);

const float =
  (type: string, max: number) =>
  (value: unknown): number => {
    if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
    const number = typeof value === 'string' && /^[+-]?[\d.]+([eE][+-]?\d+)?$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Math.abs(number) <= max) return number;
    throw mismatch(type, value);
  };

const float32 = float('float', 3.4028234663852886e38);
const float64 = float('double', Number.MAX_VALUE);

const bool = (value: unknown): boolean => {
  if (typeof value === 'boolean') return value;
  throw mismatch('boolean', value);
};

const string = (value: unknown): string => {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw mismatch('string', value);
};

const base64 = (value: unknown): Buffer => {
  if (typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
  throw mismatch('base64 string', value);
};

const scalars: Readonly<Record<string, Scalar>> = {
  bool: { wire: 0, isDefault: (value) => value === false, write: (writer, value) => void writer.bool(bool(value)) },
  string: { wire: 2, isDefault: (value) => value === '', write: (writer, value) => void writer.string(string(value)) },
  bytes: { wire: 2, isDefault: (value) => value === '', write: (writer, value) => void writer.bytes(base64(value)) },
  int32: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.int32(int32(value)) },
  sint32: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.sint32(int32(value)) },
  sfixed32: { wire: 5, isDefault: isZero, write: (writer, value) => void writer.sfixed32(int32(value)) },
  uint32: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.uint32(uint32(value)) },
  fixed32: { wire: 5, isDefault: isZero, write: (writer, value) => void writer.fixed32(uint32(value)) },
  int64: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.int64(int64(value)) },
  sint64: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.sint64(int64(value)) },
  sfixed64: { wire: 1, isDefault: isZero, write: (writer, value) => void writer.sfixed64(int64(value)) },
  uint64: { wire: 0, isDefault: isZero, write: (writer, value) => void writer.uint64(uint64(value)) },
  fixed64: { wire: 1, isDefault: isZero, write: (writer, value) => void writer.fixed64(uint64(value)) },
  float: { wire: 5, isDefault: isZero, write: (writer, value) => void writer.float(float32(value)) },
  double: { wire: 1, isDefault: isZero, write: (writer, value) => void writer.double(float64(value)) },
};

const enumScalar = (type: pb.Enum): Scalar => {
  const numberOf = (value: unknown): number => {
    const number = typeof value === 'string' && Object.hasOwn(type.values, value) ? type.values[value] : value;
    if (typeof number === 'number') return int32(number);
    // ProtoJSON writes google.protobuf.NullValue as null.
    if (value === null) return 0;
    throw new CodecError(`unknown value ${JSON.stringify(value)} of enum ${type.fullName.slice(1)}`);
  };
  return { wire: 0, isDefault: (value) => numberOf(value) === 0, write: (writer, value) => void writer.int32(numberOf(value)) };
};

/** The scalar a field or map key of this type is written as. */
export const scalarOf = (type: string | pb.Enum): Scalar => {
  const scalar = typeof type === 'string' ? scalars[type] : enumScalar(type);
  if (!scalar) throw new Error(`unreachable: no scalar type ${String(type)}`);
  return scalar;
};

/** The scalar a field's values are written as. */
export const scalarFor = (field: Pick<pb.Field, 'resolvedType' | 'type'>): Scalar =>
  scalarOf(field.resolvedType instanceof pb.Enum ? field.resolvedType : field.type);

/** Writes a field that holds one scalar, with its key before it; nothing when proto3 leaves the value out. */
export const scalarWriter = (field: pb.Field): Write => {
  const scalar = scalarFor(field);
  const key = (field.id << 3) | scalar.wire;
  const writesDefault = field.hasPresence;
  return (writer, value) => {
    if (writesDefault || !scalar.isDefault(value)) scalar.write(writer.uint32(key), value);
  };
};
