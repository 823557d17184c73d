import type { Gateway } from '../../api/generated/gateway-api.ts';
import type { Verdict } from '../route-node.ts';

export type Addresses = {
  /** IP literals; undefined where the Gateway asks for none, and so gets all. */
  readonly bind?: readonly string[];
  /** Refuses the Gateway (`Accepted: False`). */
  readonly unsupported?: Verdict;
  /** Some of what it asks for cannot be had (`Programmed: False`). */
  readonly unusable?: Verdict;
};

/** The addresses a Gateway asks for. One without a value asks for any, which is what a Gateway without addresses gets too. */
export const addressesOf = (gateway: Gateway): Addresses => {
  const asked = gateway.spec.addresses ?? [];
  const foreign = asked.find(({ type }) => type !== 'IPAddress');
  if (foreign !== undefined) {
    const message = `spec.addresses: type ${foreign.type} is not supported; IPAddress is`;
    return { unsupported: { reason: 'UnsupportedAddress', message } };
  }
  const values = asked.flatMap(({ value }) => (value === undefined || value === '' ? [] : [value]));
  if (values.length === 0) return {};
  const bind = values.filter(isBindable);
  const others = values.filter((value) => !isBindable(value));
  if (others.length === 0) return { bind };
  const message = `spec.addresses: ${others.join(', ')} cannot be listened on; name addresses of one host each`;
  return { bind, unusable: { reason: 'AddressNotUsable', message } };
};

/** Neither multicast nor broadcast (RFC 1112, RFC 4291). Whether this machine has an address is for Envoy to find out. */
const isBindable = (address: string): boolean =>
  address.includes(':') ? !/^ff[0-9a-f]{2}:/i.test(address) : /^\d+\./.test(address) && Number(address.split('.')[0]) < 224;
