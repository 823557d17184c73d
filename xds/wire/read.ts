/** Reads the top level of a protobuf message without knowing its schema (protobuf encoding guide). */

/** The bytes are not a protobuf message. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/**
 * Calls `visit` for each length-delimited field with its number and the payload's [start, end). Numeric fields are passed over:
 * discovery requests have none that matter. Throws a WireError where the bytes are cut short or hold no valid tag.
 */
export const eachField = (
  bytes: Uint8Array,
  visit: (field: number, start: number, end: number, tagAt: number) => void,
  from = 0,
  to = bytes.length,
): void => {
  const cursor = { at: from };
  while (cursor.at < to) {
    const tagAt = cursor.at;
    const tag = readVarint(bytes, cursor, to);
    const field = Math.floor(tag / 8);
    if (field === 0) throw new WireError(`field number 0 at byte ${tagAt}`);
    const kind = tag % 8;
    if (kind === 2) {
      const length = readVarint(bytes, cursor, to);
      const start = cursor.at;
      if (length > to - start) throw new WireError(`field ${field} at byte ${tagAt} reaches beyond the message`);
      cursor.at = start + length;
      visit(field, start, cursor.at, tagAt);
    } else skip(bytes, cursor, to, kind);
  }
};

const skip = (bytes: Uint8Array, cursor: { at: number }, to: number, kind: number): void => {
  if (kind === 0) readVarint(bytes, cursor, to);
  else if (kind === 1) cursor.at += 8;
  else if (kind === 5) cursor.at += 4;
  else throw new WireError(`wire type ${kind} is not in use`);
  if (cursor.at > to) throw new WireError('a numeric field reaches beyond the message');
};

/** Values beyond 2^53 lose precision, which only a malformed length or tag can reach. */
const readVarint = (bytes: Uint8Array, cursor: { at: number }, to: number): number => {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10; count++) {
    if (cursor.at >= to) throw new WireError('a number is cut short');
    const byte = bytes[cursor.at++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
  throw new WireError('a number is longer than 10 bytes');
};
