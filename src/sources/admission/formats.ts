import { isIPv4, isIPv6 } from 'node:net';

/** Whether `value` has the named format; formats that structural schemas name and API servers do not check always fit. */
export const fitsFormat = (format: string, value: unknown): boolean => formats.get(format)?.(value) ?? true;

/** Formats as users read them. */
export const formatName = (format: string): string => names.get(format) ?? format;

const text = (fits: (value: string) => boolean) => (value: unknown) => typeof value !== 'string' || fits(value);
const integer = (bits: number) => (value: unknown) => typeof value !== 'number' || Math.abs(value + 0.5) <= 2 ** (bits - 1);

const formats: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['int32', integer(32)],
  ['int64', integer(64)],
  ['ipv4', text(isIPv4)],
  ['ipv6', text((value) => isIPv6(value) && !value.includes('%'))],
  ['byte', text((value) => isBase64(value))],
  ['date-time', text((value) => dateTime.test(value) && !Number.isNaN(Date.parse(value)))],
]);

const names: ReadonlyMap<string, string> = new Map([
  ['int32', 'a 32-bit integer'],
  ['int64', 'a 64-bit integer'],
  ['ipv4', 'an IPv4 address'],
  ['ipv6', 'an IPv6 address'],
  ['byte', 'base64'],
  ['date-time', 'a time as in RFC 3339 (2006-01-02T15:04:05Z)'],
]);

const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Standard base64 with padding, as Go's decoder takes it: line breaks are skipped. */
const isBase64 = (value: string): boolean => {
  const bare = value.replaceAll('\r', '').replaceAll('\n', '');
  const digits = bare.endsWith('==') ? bare.slice(0, -2) : bare.endsWith('=') ? bare.slice(0, -1) : bare;
  return bare.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(digits);
};
