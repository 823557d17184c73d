import type { Gateway } from '../../api/generated/gateway-api.ts';
import type { Verdict } from '../route-node.ts';

export type Addresses = {
  /** IP literals that Envoy binds; undefined where that is all of its own. */
  readonly bind?: readonly string[];
  /** IP literals that the Gateway asks to be reached at; empty where any will do. */
  readonly asked: readonly string[];
  /** Refuses the Gateway (`Accepted: False`). */
  readonly unsupported?: Verdict;
  /** Some of what it asks for cannot be had (`Programmed: False`). */
  readonly unusable?: Verdict;
};

/**
 * The addresses a Gateway asks for where its Envoys bind them themselves. One without a value asks for any, which is what a Gateway without
 * addresses gets too.
 */
export const boundAddressesOf = (gateway: Gateway): Addresses => {
  const assigned = assignedAddressesOf(gateway);
  const { asked } = assigned;
  if (asked.length === 0) return assigned;
  const bind = asked.filter(isBindable);
  const others = asked.filter((value) => !isBindable(value));
  if (others.length === 0) return { asked, bind };
  const message = `spec.addresses: ${others.join(', ')} cannot be listened on; name addresses of one host each`;
  return { asked, bind, unusable: { reason: 'AddressNotUsable', message } };
};

/** The addresses a Gateway asks for where a cluster gives them: whether they can be had shows when it has. */
export const assignedAddressesOf = (gateway: Gateway): Addresses => {
  const addresses = gateway.spec.addresses ?? [];
  const foreign = addresses.find(({ type }) => type !== 'IPAddress');
  if (foreign !== undefined) {
    const message = `spec.addresses: type ${foreign.type} is not supported; IPAddress is`;
    return { asked: [], unsupported: { reason: 'UnsupportedAddress', message } };
  }
  return { asked: addresses.flatMap(({ value }) => (value === undefined || value === '' ? [] : [value])) };
};

/** Neither multicast nor broadcast (RFC 1112, RFC 4291). Whether this machine has an address is for Envoy to find out. */
const isBindable = (address: string): boolean =>
  address.includes(':') ? !/^ff[0-9a-f]{2}:/i.test(address) : /^\d+\./.test(address) && Number(address.split('.')[0]) < 224;
