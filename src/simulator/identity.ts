import { createHash } from 'node:crypto';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Where each kind of address starts; chosen clear of 100.100.0.0/24, 100.100.100.0/24 and 100.115.92.0/23, which Tailscale keeps for itself. */
const firstAddress = { device: [100, 64], service: [100, 110] } as const;

/** A number that looks random and depends on nothing but its arguments. */
const digest = (seed: string, kind: string, serial: number): bigint =>
  BigInt(
    `0x${createHash('sha256')
      .update(JSON.stringify([seed, kind, serial]))
      .digest('hex')}`,
  );

const letters = (value: bigint, length: number): string => {
  let rest = value;
  let text = '';
  while (text.length < length) {
    text += alphabet[Number(rest % 58n)];
    rest /= 58n;
  }
  return text;
};

/** An id as the coordination server writes them, `nXXXXXXXXXCNTRL`: equal for equal arguments. `kind` is its first letter (`n` node, `k` key). */
export const stableId = (seed: string, kind: string, serial: number): string => `${kind}${letters(digest(seed, kind, serial), 9)}CNTRL`;

/** The older decimal id that every device has as well. */
export const numericId = (seed: string, serial: number): string =>
  String((digest(seed, 'id', serial) % 9_000_000_000_000_000n) + 1_000_000_000_000_000n);

/** What only its holder knows. Deterministic like everything here, so worth nothing outside a simulation. */
export const secretText = (seed: string, kind: string, serial: number): string => letters(digest(seed, `secret ${kind}`, serial), 32);

/** 64 hexadecimal digits: the body of a machine or node key. */
export const keyText = (seed: string, kind: string, serial: number): string => digest(seed, kind, serial).toString(16).padStart(64, '0');

/** Tailnet addresses number `n` (1–65535) of a kind: one IPv4, one IPv6. Two tailnets hand out the same ones, as real tailnets may. */
export const addressesOf = (kind: 'device' | 'service', n: number): readonly [string, string] => {
  const [first, second] = firstAddress[kind];
  return [`${first}.${second}.${n >> 8}.${n & 255}`, `fd7a:115c:a1e0::${kind === 'service' ? 'f:' : ''}${n.toString(16)}`];
};

/** Whether an IPv4 literal lies in 100.64.0.0/10, the range of tailnet addresses. */
export const isTailnetIpv4 = (address: string): boolean => {
  const [first = 0, second = 0] = address.split('.').map(Number);
  return first === 100 && second >= 64 && second < 128;
};
