import type { ServicePort } from '../../api/core.ts';
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
