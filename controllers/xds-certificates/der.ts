/** DER (X.690), as far as certificates need it. Each function gives the encoding of one value. */

const tlv = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
};

/** Short up to 127 bytes; else the number of bytes that hold the length, and those. */
const lengthOf = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 + bytes.length, ...bytes]);
};

export const sequence = (...content: readonly Buffer[]): Buffer => tlv(0x30, ...content);
export const set = (...content: readonly Buffer[]): Buffer => tlv(0x31, ...content);
export const truth = Buffer.from([0x01, 0x01, 0xff]);
export const octets = (value: Buffer): Buffer => tlv(0x04, value);
export const text = (value: string): Buffer => tlv(0x0c, Buffer.from(value));
/** Tags that mean what the surrounding structure says: `explicit` around a whole value, `implicit` instead of its own. */
export const explicit = (tag: number, value: Buffer): Buffer => tlv(0xa0 + tag, value);
export const implicit = (tag: number, value: Buffer): Buffer => tlv(0x80 + tag, value);

/** Not negative, from its bytes, highest first. */
export const integer = (bytes: Buffer): Buffer => {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const rest = bytes.subarray(start);
  return (rest[0] ?? 0) < 0x80 ? tlv(0x02, rest) : tlv(0x02, Buffer.from([0]), rest);
};

/** `unused`: bits at the end that do not count. */
export const bits = (value: Buffer, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), value);

/** From dotted numbers. */
export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

const base128 = (value: number): number[] => {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 + (rest % 128));
  return bytes;
};

/** Unix milliseconds, cut to the second: UTCTime through 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5). */
export const time = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return new Date(ms).getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
};
