import type { HostPort } from '../src/lib/host-port.ts';
import type { Address } from '../xds/types.ts';

export const addressFrom = ({ host, port }: HostPort): Address => ({ socketAddress: { address: host, portValue: port } });

export const isIpLiteral = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':');
