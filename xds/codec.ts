import pb from 'protobufjs/light.js';
import protojson from 'protobufjs/ext/protojson.js';
import { CodecError } from './codec/error.ts';
import { bytesOf, messageOf } from './codec/message.ts';
import { schema, typeNamed } from './codec/schema.ts';

const typeOf = (name: string): pb.Type => {
  const type = typeNamed(name);
  if (!type) throw new CodecError(`unknown message type ${name}`);
  return type;
};

/** Full message name a type URL ends in. */
export const typeNameOf = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('/') + 1);

/**
 * Wire bytes of a ProtoJSON value of the named message. Equal meaning gives equal bytes: fields are written by number, map entries by key.
 * The bytes of extensions and of elements of long lists inside are kept by object identity, so a value that shares most of its parts with an
 * earlier one costs what differs. The value must not be changed afterwards.
 * Throws CodecError, with the path, on an unknown message, field or enum value, and on a value of the wrong kind or range.
 */
export const encode = (typeName: string, value: object): Buffer => bytesOf(messageOf(typeOf(typeName)), value);

/**
 * ProtoJSON value of a message's wire bytes, extensions unpacked. Throws CodecError on an unknown message, also inside an Any, and on
 * malformed bytes.
 */
export const decode = (typeName: string, bytes: Uint8Array): object => {
  // What the Anys inside hold is found by name.
  const type = schema().lookup(typeName, pb.Type);
  if (!(type instanceof pb.Type)) throw new CodecError(`unknown message type ${typeName}`);
  try {
    return protojson.toJson(type, type.decode(bytes)) as object;
  } catch (cause) {
    throw new CodecError(`cannot decode ${typeName}: ${cause instanceof Error ? cause.message : String(cause)}`, '', { cause });
  }
};
