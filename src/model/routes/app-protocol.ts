import type { ServicePort } from '../../api/core.ts';
import type { TailscaleEndpoint } from '../../api/generated/tailscale.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Backend } from '../graph.ts';

/** What a reference wants to send: requests of an HTTPRoute or GRPCRoute (or of their filters), a stream of bytes, or packets. */
export type BackendUse = 'http' | 'grpc' | 'tcp' | 'udp';

/** How to speak to a port. `tls` is what the port itself asks for; a BackendTLSPolicy may ask for it anyway. */
export type PortProtocol = { readonly protocol: Backend['protocol']; readonly tls: boolean };

/**
 * `appProtocol`s we know (KEP-3726, and names in common use). Others are as if unset, because the field is free text for other consumers;
 * only names below `kubernetes.io/`, which are reserved for the standard's own, are refused when unknown.
 */
const known: Readonly<Record<string, PortProtocol & { readonly http1Only?: true }>> = {
  http: { protocol: 'http1', tls: false },
  https: { protocol: 'http1', tls: true },
  h2c: { protocol: 'http2', tls: false },
  http2: { protocol: 'http2', tls: false },
  grpc: { protocol: 'http2', tls: false },
  'kubernetes.io/h2c': { protocol: 'http2', tls: false },
  'kubernetes.io/ws': { protocol: 'http1', tls: false, http1Only: true },
  'kubernetes.io/wss': { protocol: 'http1', tls: true, http1Only: true },
};

/** How `use` speaks to this port; fails, with words for a message, when it cannot. Bytes and packets go whatever the port says they are. */
export const portProtocolOf = ({ appProtocol }: ServicePort, use: BackendUse): Result<PortProtocol, string> => {
  if (use === 'tcp' || use === 'udp') return ok({ protocol: use, tls: false });
  const name = appProtocol?.toLowerCase() ?? '';
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found === undefined && name.startsWith('kubernetes.io/')) return fail(`appProtocol "${appProtocol}" is not supported`);
  if (use === 'http') return ok({ protocol: found?.protocol ?? 'http1', tls: found?.tls ?? false });
  if (found?.http1Only) return fail(`appProtocol "${appProtocol}" cannot carry gRPC`);
  return ok({ protocol: 'http2', tls: found?.tls ?? false });
};

type MachineProtocol = TailscaleEndpoint['protocol'];

const ofMachines: Readonly<Record<MachineProtocol, PortProtocol | undefined>> = {
  TCP: { protocol: 'http1', tls: false },
  HTTP: { protocol: 'http1', tls: false },
  GRPC: { protocol: 'http2', tls: false },
  HTTPS: { protocol: 'http1', tls: true },
  TLS: undefined,
  UDP: undefined,
};

/** `portProtocolOf` for machines of a tailnet, which all have to be spoken to alike. gRPC is HTTP/2 whatever machines are said to speak. */
export const machinesProtocolOf = (protocols: readonly MachineProtocol[], use: BackendUse): Result<PortProtocol, string> => {
  if (use === 'tcp' || use === 'udp') return ok({ protocol: use, tls: false });
  const [first = 'TCP', ...others] = new Set(protocols);
  const found = ofMachines[first];
  if (found === undefined) return fail(`machines of protocol ${first} take ${first === 'TLS' ? 'bytes' : 'packets'}, not requests`);
  const spoken: PortProtocol = use === 'grpc' ? { protocol: 'http2', tls: found.tls } : found;
  const other = others.find((one) => {
    const its = ofMachines[one];
    return its === undefined || its.tls !== spoken.tls || (use === 'http' && its.protocol !== spoken.protocol);
  });
  return other === undefined ? ok(spoken) : fail(`its machines are of protocols ${first} and ${other}, which cannot be spoken to alike`);
};
