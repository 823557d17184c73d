import type { EndpointSlice } from '../../api/core.ts';
import type { TailscaleEndpoints, TailscaleProxyGroup } from '../../api/generated/tailscale.ts';
import type { HostPort } from '../../lib/host-port.ts';
import { byCodeUnit, keyOf, localKey, localKeyOf } from '../../lib/key.ts';
import { memo, type Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { connectPort } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { proxySetName } from './names.ts';

/** How Envoys get into a tailnet: they stand in it, or by the proxies of a StatefulSet. */
export type Carrier = { readonly mode: 'direct' } | ProxyCarrier;

/** `set`: `namespace/name` of the StatefulSet, and of the Service whose EndpointSlices tell which of its pods are ready. */
export type ProxyCarrier = {
  readonly mode: 'connect' | 'forward';
  readonly set: string;
  readonly replicas: number;
  readonly owner: { readonly kind: 'TailscaleEndpoints' | 'TailscaleProxyGroup'; readonly namespace: string; readonly name: string };
};

/** How the machines of a TailscaleEndpoints are reached, by what users wrote; fails where they cannot be, as those of ingress proxies. */
export const carrierOf = (endpoints: TailscaleEndpoints, read: Read<ModelTables>): Result<Carrier, Verdict> => {
  const { proxy, proxyGroup } = endpoints.spec;
  const name = `TailscaleEndpoints "${localKeyOf(endpoints)}"`;
  if (proxyGroup !== undefined) {
    const group = read('TailscaleProxyGroup', localKey(endpoints.metadata.namespace ?? '', proxyGroup));
    return carrierOfGroup(group, proxyGroup, endpoints.spec.tailnet, name);
  }
  if (proxy === undefined) return ok({ mode: 'direct' });
  if (proxy.connectionType === 'ingress') return unreachable(`${name} has ingress proxies only, which take nothing to the tailnet`);
  if (proxy.mode === 'direct') return ok({ mode: 'direct' });
  return ok({ ...standing(endpoints, proxySetName(keyOf(endpoints), 'egress')), mode: proxy.mode, replicas: proxy.replicas });
};

/** The proxies of a group, as a way into the tailnet that is theirs. */
export const groupCarrierOf = (group: TailscaleProxyGroup): ProxyCarrier => ({
  ...standing(group, proxySetName(keyOf(group))),
  mode: group.spec.mode,
  replicas: group.spec.replicas,
});

const standing = ({ kind, metadata }: TailscaleEndpoints | TailscaleProxyGroup, name: string): Pick<ProxyCarrier, 'set' | 'owner'> => {
  const namespace = metadata.namespace ?? '';
  return { set: localKey(namespace, name), owner: { kind, namespace, name: metadata.name } };
};

const carrierOfGroup = (
  group: TailscaleProxyGroup | undefined,
  written: string,
  tailnet: string,
  name: string,
): Result<Carrier, Verdict> => {
  if (group === undefined) return unreachable(`TailscaleProxyGroup "${written}" of ${name} not found`);
  if (group.spec.type !== 'egress') return unreachable(`TailscaleProxyGroup "${written}" of ${name} is of type ingress, not egress`);
  if (group.spec.tailnet === tailnet) return ok(groupCarrierOf(group));
  return unreachable(`TailscaleProxyGroup "${written}" of ${name} is in tailnet "${group.spec.tailnet}", not in "${tailnet}"`);
};

const unreachable = (message: string): Result<Carrier, Verdict> => fail({ reason: 'BackendNotFound', message });

/** Ready proxies of a StatefulSet, in the order of their addresses: of both families the first that has any, for both are of the same pods. */
export const readyProxies = (set: string, read: Read<ModelTables>): readonly HostPort[] => {
  const slices = read('slicesOf', set);
  return slices === undefined ? [] : proxiesIn(slices);
};

const proxiesIn = memo((slices: readonly EndpointSlice[]): readonly HostPort[] => {
  const ofIPv4 = proxiesOfFamily(slices, 'IPv4');
  return ofIPv4.length > 0 ? ofIPv4 : proxiesOfFamily(slices, 'IPv6');
});

const proxiesOfFamily = (slices: readonly EndpointSlice[], family: EndpointSlice['addressType']): readonly HostPort[] => {
  const byHost = new Map<string, HostPort>();
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType !== family) continue;
    const port = ports?.find((one) => one.protocol === 'TCP' && one.port !== undefined)?.port ?? connectPort;
    for (const { addresses, conditions } of endpoints) {
      const [host] = addresses;
      if (host !== undefined && (conditions?.ready ?? true)) byHost.set(host, { host, port });
    }
  }
  return [...byHost.values()].toSorted((one, other) => byCodeUnit(one.host, other.host));
};
