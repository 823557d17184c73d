import type { TailscaleEndpoint, TailscaleEndpoints } from '../../api/generated/tailscale.ts';
import { hostPortFrom } from '../../lib/host-port.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { addressOf, nameOf } from './machines.ts';

export type Transport = 'TCP' | 'UDP';

/** What users say of one or more machines at a port: how they are spoken to, and by what they are known. Auto-discovery says a protocol. */
export type Written = Pick<TailscaleEndpoint, 'protocol'> & Partial<TailscaleEndpoint>;

/** Everything a TailscaleEndpoints says about machines. */
export const writtenOf = ({ spec }: TailscaleEndpoints): readonly (Written & { readonly port: number })[] => [
  ...(spec.endpoints ?? []),
  ...(spec.autoDiscovery === undefined ? [] : [{ port: spec.autoDiscovery.port, protocol: spec.autoDiscovery.protocol }]),
];

export const transportOf = ({ protocol }: Written): Transport => (protocol === 'UDP' ? 'UDP' : 'TCP');

/** The ports its machines are known by, in order. */
export const portsOf = (endpoints: TailscaleEndpoints): readonly number[] =>
  [...new Set(writtenOf(endpoints).map(({ port }) => port))].toSorted((one, other) => one - other);

/**
 * The machines' port that `asked` leads to: the `targetPort` of the entry of `ports` with that number, else the port itself. Without a number
 * the only port there is. Fails, with words for a message, when there is none, or no telling which.
 */
export const machinePortOf = (endpoints: TailscaleEndpoints, asked: number | undefined, transport: Transport): Result<number, string> => {
  const ports = portsOf(endpoints);
  const [only, ...others] = ports;
  if (only === undefined) return fail('has neither endpoints nor autoDiscovery');
  if (asked === undefined)
    return others.length === 0 ? ok(only) : fail(`has ports ${ports.join(', ')}, and the reference says none of them`);
  const mapped = endpoints.spec.ports?.find(({ port, protocol }) => port === asked && protocol === transport);
  const port = mapped?.targetPort ?? asked;
  if (ports.includes(port)) return ok(port);
  return fail(port === asked ? `has no port ${asked}` : `has no port ${port}, which port ${asked} stands for`);
};

/** The name that what is written is known by, if it has one: what TLS asks for. */
export const nameIn = ({ tailscaleFQDN, externalTarget }: Written): string | undefined => {
  if (externalTarget === undefined) return tailscaleFQDN === undefined ? undefined : nameOf(tailscaleFQDN);
  return nameOfExternal(externalTarget);
};

/** The host of an `externalTarget` that is no address. */
export const nameOfExternal = (written: string): string | undefined => {
  const host = hostPortFrom(written)?.host;
  return host === undefined || addressOf(host) !== undefined ? undefined : nameOf(host);
};
