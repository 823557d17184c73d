import pb from 'protobufjs/light.js';
import { CodecError, within } from './error.ts';
import { typeNamed } from './schema.ts';
import { scalarFor, scalarOf, scalarWriter } from './scalar.ts';
import type { Write } from './scalar.ts';
import { wellKnownWriter } from './well-known.ts';

type Json = { readonly [key: string]: unknown };
type Field = { readonly id: number; readonly oneof: pb.OneOf | null; readonly takesNull: boolean; readonly write: Write };

/** A message type ready for encoding. `value` of an Any holds well-known types under the key `value`. */
export type Message = { readonly name: string; readonly body: Write; readonly isWellKnown: boolean };

type Encoded = { readonly message: Message; readonly bytes: Buffer };

/** Smaller messages, and elements of shorter lists, are cheaper to write again than to remember. */
const minRememberedBytes = 48;
const minRememberedElements = 8;

const remembered = new WeakMap<object, Encoded>();
const messages = new Map<pb.Type, Message>();

/** The message type as an encoder; made once per type, its fields when the first value is written. */
export const messageOf = (type: pb.Type): Message => {
  const known = messages.get(type);
  if (known) return known;
  const name = type.fullName.slice(1);
  const wellKnown = name === 'google.protobuf.Any' ? anyBody : wellKnownWriter(type);
  const message = { name, body: wellKnown ?? bodyOf(type), isWellKnown: wellKnown !== undefined };
  messages.set(type, message);
  return message;
};

/** Wire bytes of the value. */
export const bytesOf = (message: Message, value: unknown): Buffer => {
  const writer = pb.Writer.create();
  message.body(writer, value);
  return writer.finish() as Buffer;
};

/** `bytesOf`, remembered by the object's identity: neither it nor the bytes may be changed afterwards. */
const rememberedBytesOf = (message: Message, value: unknown): Buffer => {
  const key = typeof value === 'object' && value !== null ? value : undefined;
  const known = key && remembered.get(key);
  if (known && known.message === message) return known.bytes;
  const written = bytesOf(message, value);
  if (key === undefined || written.length < minRememberedBytes) return written;
  // What the writer gives is a piece of a shared pool of 64 KB, all of which would be kept for it.
  const bytes = Buffer.allocUnsafeSlow(written.length);
  bytes.set(written);
  remembered.set(key, { message, bytes });
  return bytes;
};

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const objectFrom = (value: unknown): Json => {
  if (isObject(value)) return value;
  throw new CodecError(`expected object, got ${JSON.stringify(value)}`);
};

const bodyOf = (type: pb.Type): Write => {
  let fields: ReadonlyMap<string, Field> | undefined;
  return (writer, value) => {
    fields ??= fieldsOf(type);
    const given = objectFrom(value);
    for (const { key, field } of presentIn(given, fields, type)) {
      try {
        field.write(writer, given[key]);
      } catch (error) {
        throw within(key, error);
      }
    }
  };
};

type Present = { readonly key: string; readonly field: Field };

/** The fields that have a value, by number. Null is absence, except where the field's type has a null. */
const presentIn = (given: Json, fields: ReadonlyMap<string, Field>, type: pb.Type): readonly Present[] => {
  const present: Present[] = [];
  for (const key of Object.keys(given)) {
    const value = given[key];
    if (value === undefined) continue;
    const field = fields.get(key);
    if (!field) throw new CodecError(`unknown field of ${type.fullName.slice(1)}`, key);
    if (value === null && !field.takesNull) continue;
    let at = present.length;
    for (const [index, other] of present.entries()) {
      if (other.field === field) throw new CodecError(`given twice, also as ${other.key}`, key);
      if (field.oneof && other.field.oneof === field.oneof)
        throw new CodecError(`excludes ${other.key}: both are of oneof ${field.oneof.name}`, key);
      if (at === present.length && other.field.id > field.id) at = index;
    }
    if (at === present.length) present.push({ key, field });
    else present.splice(at, 0, { key, field });
  }
  return present;
};

/** Fields by each name ProtoJSON accepts: the JSON name, and the one the .proto gives. */
const fieldsOf = (type: pb.Type): ReadonlyMap<string, Field> => {
  const fields = new Map<string, Field>();
  for (const field of type.fieldsArray) {
    field.resolve();
    const entry = { id: field.id, oneof: field.partOf, takesNull: takesNull(field), write: fieldWriter(field) };
    for (const name of [field.jsonName, field.protoName, field.name]) fields.set(name, entry);
  }
  return fields;
};

const takesNull = ({ resolvedType }: pb.Field): boolean =>
  resolvedType?.fullName === '.google.protobuf.Value' || resolvedType?.fullName === '.google.protobuf.NullValue';

const fieldWriter = (field: pb.Field): Write => {
  if (field instanceof pb.MapField) return mapWriter(field);
  return field.repeated ? listWriter(field) : singleWriter(field);
};

const singleWriter = (field: pb.Field): Write => {
  const key = field.id << 3;
  if (field.resolvedType instanceof pb.Type) {
    const message = messageOf(field.resolvedType);
    // Extensions are often one object shared by many messages, so their bytes are worth keeping.
    if (message.name === 'google.protobuf.Any')
      return (writer, value) => void writer.uint32(key | 2).bytes(rememberedBytesOf(message, value));
    return writeWhole(message, key);
  }
  return scalarWriter(field);
};

const writeWhole =
  (message: Message, key: number): Write =>
  (writer, value) => {
    message.body(writer.uint32(key | 2).fork(), value);
    writer.ldelim();
  };

const listWriter = (field: pb.Field): Write => {
  const key = field.id << 3;
  if (field.resolvedType instanceof pb.Type) {
    const message = messageOf(field.resolvedType);
    const whole = writeWhole(message, key);
    const remembering: Write = (writer, value) => void writer.uint32(key | 2).bytes(rememberedBytesOf(message, value));
    return (writer, values) => {
      const write = Array.isArray(values) && values.length >= minRememberedElements ? remembering : whole;
      eachOf(values, (value) => write(writer, value));
    };
  }
  const scalar = scalarFor(field);
  if (scalar.wire === 2 || !field.packed)
    return (writer, values) => eachOf(values, (value) => scalar.write(writer.uint32(key | scalar.wire), value));
  return (writer, values) => {
    if (Array.isArray(values) && values.length === 0) return;
    writer.uint32(key | 2).fork();
    eachOf(values, (value) => scalar.write(writer, value));
    writer.ldelim();
  };
};

const eachOf = (values: unknown, write: (value: unknown) => void): void => {
  if (!Array.isArray(values)) throw new CodecError(`expected array, got ${JSON.stringify(values)}`);
  for (const [index, value] of values.entries()) {
    try {
      write(value);
    } catch (error) {
      throw within(`[${index}]`, error);
    }
  }
};

/** Entries in order of their keys, whatever order they were put in: equal meaning is equal bytes. */
const mapWriter = (field: pb.MapField): Write => {
  const entry = (field.id << 3) | 2;
  const keys = scalarOf(field.keyType);
  const keyOfKey = 8 | keys.wire;
  const message = field.resolvedType instanceof pb.Type ? messageOf(field.resolvedType) : undefined;
  const scalar = message ? undefined : scalarFor(field);
  return (writer, value) => {
    const map = objectFrom(value);
    for (const key of Object.keys(map).toSorted()) {
      if (map[key] === undefined) continue;
      try {
        writer.uint32(entry).fork().uint32(keyOfKey);
        keys.write(writer, field.keyType === 'bool' ? key === 'true' : key);
        if (message) writer.uint32(16 | 2).bytes(rememberedBytesOf(message, map[key]));
        else if (scalar) scalar.write(writer.uint32(16 | scalar.wire), map[key]);
        writer.ldelim();
      } catch (error) {
        throw within(`[${JSON.stringify(key)}]`, error);
      }
    }
  };
};

const anyBody: Write = (writer, value) => {
  const { '@type': url, ...rest } = objectFrom(value);
  if (typeof url !== 'string' || !url.includes('/')) throw new CodecError('expected a type URL', '@type');
  const name = url.slice(url.lastIndexOf('/') + 1);
  const held = typeNamed(name);
  if (!held) throw new CodecError(`unknown message type ${name}`, '@type');
  const message = messageOf(held);
  const inner = pb.Writer.create();
  message.body(inner, message.isWellKnown ? rest['value'] : rest);
  const bytes = inner.finish();
  writer.uint32(10).string(url);
  if (bytes.length > 0) writer.uint32(18).bytes(bytes);
};
