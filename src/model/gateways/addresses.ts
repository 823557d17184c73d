import { isIP } from 'node:net';
import type { Gateway } from '../../api/generated/gateway-api.ts';
import type { Verdict } from '../route-node.ts';

/** The addresses a Gateway asks for: IP literals to bind, and why it cannot have what it asks for. */
export type Addresses = { readonly bind: readonly string[]; readonly unsupported?: Verdict; readonly unusable?: Verdict };

/** An address without a value asks for any, which is what a Gateway without addresses gets too. */
export const addressesOf = (gateway: Gateway): Addresses => {
  const asked = gateway.spec.addresses ?? [];
  const foreign = asked.find(({ type }) => type !== 'IPAddress');
  if (foreign !== undefined)
    return {
      bind: [],
      unsupported: { reason: 'UnsupportedAddress', message: `spec.addresses: type ${foreign.type} is not supported; IPAddress is` },
    };
  const values = asked.flatMap(({ value }) => (value === undefined || value === '' ? [] : [value]));
  const broken = values.find((value) => isIP(value) === 0);
  if (broken !== undefined)
    return { bind: [], unusable: { reason: 'AddressNotUsable', message: `spec.addresses: "${broken}" is not an IP address` } };
  return { bind: values };
};
