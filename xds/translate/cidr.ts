import type { CidrRange } from '../types.ts';

/** `10.0.0.0/8`, or one address. */
export const cidrFrom = (text: string): CidrRange => {
  const [addressPrefix = '', length] = text.split('/');
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(length) };
};
