/** Writes length-delimited protobuf fields: all that framing of ready bytes needs (protobuf encoding guide, wire type 2). */

const varintLength = (value: number): number => {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
};

const writeVarint = (target: Buffer, at: number, value: number): number => {
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
};

/** Bytes a length-delimited field takes; field numbers below 16 only, as all of discovery's are. */
export const fieldLength = (payload: number): number => 1 + varintLength(payload) + payload;

/** Writes the tag and length of a field whose payload of `length` bytes follows; returns the position after them. */
export const writeHeader = (target: Buffer, at: number, field: number, length: number): number => {
  target[at] = (field << 3) | 2;
  return writeVarint(target, at + 1, length);
};

/** Writes a whole string field; returns the position after it. `length` is the text's length in UTF-8. */
export const writeText = (target: Buffer, at: number, field: number, text: string, length: number): number => {
  const start = writeHeader(target, at, field, length);
  target.write(text, start, length, 'utf8');
  return start + length;
};
