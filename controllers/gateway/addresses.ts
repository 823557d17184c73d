import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { statusLimits } from '../../src/model/status-limits.ts';

export type FleetAddress = { readonly type: 'IPAddress' | 'Hostname'; readonly value: string };

type ServiceFields = {
  readonly spec?: { readonly type?: string; readonly clusterIP?: string; readonly clusterIPs?: readonly string[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
};

/** Where the Gateway is reached: what its Service got. On nodes' ports, the nodes it asked for, or all. */
export const addressesOf = (
  { addresses: asked }: Infrastructure,
  service: KubeObject | undefined,
  nodeAddresses: readonly string[],
): readonly FleetAddress[] => {
  if (service === undefined) return [];
  const { spec = {}, status = {} } = service as ServiceFields;
  switch (spec.type ?? 'ClusterIP') {
    case 'LoadBalancer':
      return (status.loadBalancer?.ingress ?? [])
        .flatMap(({ ip, hostname }) => [...ips([ip]), ...hostnames(hostname)])
        .slice(0, statusLimits.addresses);
    case 'NodePort':
      return ips(nodeAddresses.filter((address) => asked.length === 0 || includes(asked, address))).slice(0, statusLimits.addresses);
    default:
      return ips(spec.clusterIPs ?? [spec.clusterIP]);
  }
};

/** Why not all of the addresses the Gateway asks for are had, if so. */
export const missingAddressOf = (
  { addresses: asked }: Infrastructure,
  service: KubeObject | undefined,
  got: readonly FleetAddress[],
): Verdict | undefined => {
  if (service === undefined) return undefined;
  const values = got.map(({ value }) => value);
  const missing = asked.filter((address) => !includes(values, address));
  if (missing.length === 0) return undefined;
  const { spec = {} } = service as ServiceFields;
  const has = values.length === 0 ? 'has no address' : `has ${values.join(', ')}`;
  const why = missing.includes(asked[0] ?? '')
    ? 'whoever gives out addresses for it must be able to give this one, and nobody else may hold it'
    : 'a Service can be asked for one address only';
  const message = `spec.addresses: ${missing.join(', ')} cannot be had: Service ${service.metadata.name} of type ${spec.type} ${has}; ${why}`;
  return { reason: 'AddressNotUsable', message };
};

const ips = (values: readonly (string | undefined)[]): readonly FleetAddress[] =>
  values.flatMap((value) => (value === undefined || value === '' || value === 'None' ? [] : [{ type: 'IPAddress', value }]));

const hostnames = (value: string | undefined): readonly FleetAddress[] =>
  value === undefined || value === '' ? [] : [{ type: 'Hostname', value }];

/** One IPv6 address has many spellings. */
const includes = (addresses: readonly string[], address: string): boolean =>
  addresses.some((other) => canonical(other) === canonical(address));

const canonical = (address: string): string => {
  if (!address.includes(':')) return address;
  return URL.parse(`http://[${address}]`)?.hostname ?? address;
};
