import type { DeviceStatus } from '../../api/generated/tailscale.ts';
import type { ObservedProxies, ObservedProxy } from '../../api/observations.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { ProxySet } from '../proxy-set.ts';
import type { Verdict } from '../route-node.ts';
import { readyProxies } from './carriers.ts';
import { deviceKey, type StatusTables } from './status-tables.ts';

/** Of the CRDs. */
const mostDevices = 512;

export const observedOf = ({ namespace, name }: ProxySet, read: Read<StatusTables>): ObservedProxies | undefined =>
  read('proxies', localKey(namespace, name));

/** Why not every replica of some proxies is a machine of the tailnet that serves; undefined when all are. */
const shortfallOf = (set: ProxySet, read: Read<StatusTables>): Verdict | undefined => {
  const { name, replicas } = set;
  const observed = observedOf(set, read);
  if (observed === undefined) return { reason: 'Pending', message: `StatefulSet "${name}" is not there yet` };
  if (observed.failure !== undefined)
    return { reason: observed.failure.reason, message: `StatefulSet "${name}": ${observed.failure.message}` };
  const joined = joinedOf(set, read);
  if (joined < replicas)
    return { reason: 'DevicesMissing', message: `StatefulSet "${name}": ${joined} of ${replicas} proxies are machines of the tailnet` };
  if (observed.ready < replicas)
    return { reason: 'ReplicasNotReady', message: `StatefulSet "${name}": ${observed.ready} of ${replicas} proxies are ready` };
  return undefined;
};

export const shortfallIn = (sets: readonly ProxySet[], read: Read<StatusTables>): Verdict | undefined =>
  sets.map((set) => shortfallOf(set, read)).find((verdict) => verdict !== undefined);

/** Where no cluster runs proxies: why none of a set, `namespace/name`, serves by what EndpointSlices say. */
export const withoutReadyProxies = (set: string, read: Read<StatusTables>): Verdict | undefined =>
  readyProxies(set, read).length > 0
    ? undefined
    : { reason: 'NoReadyProxies', message: `no EndpointSlice of Service "${set}" has a ready endpoint, which would be a proxy's` };

/** How many of the wanted replicas are machines of the tailnet: those that are yet to go do not count. */
export const joinedOf = (set: ProxySet, read: Read<StatusTables>): number =>
  (observedOf(set, read)?.pods ?? []).filter(({ pod, joined }) => joined && ordinalOf(pod) < set.replicas).length;

const ordinalOf = (pod: string): number => Number(pod.slice(pod.lastIndexOf('-') + 1));

/** What the pods of some proxies are in the tailnet, those of each set in order. */
export const devicesOf = (sets: readonly ProxySet[], read: Read<StatusTables>): readonly DeviceStatus[] =>
  sets.flatMap((set) => (observedOf(set, read)?.pods ?? []).map((pod) => deviceOf(pod, set.tailnet, read))).slice(0, mostDevices);

/** By the pod's own word; whether it is seen there, by that of the tailnet. */
const deviceOf = ({ pod, nodeId, fqdn, addresses }: ObservedProxy, tailnet: string, read: Read<StatusTables>): DeviceStatus => {
  const device = nodeId === undefined ? undefined : read('devicesById', deviceKey(tailnet, nodeId));
  return present({
    statefulSetPod: pod,
    hostname: (fqdn ?? device?.fqdn)?.split('.', 1)[0],
    tailscaleIP: addresses[0] ?? device?.addresses[0],
    tailscaleFQDN: fqdn ?? device?.fqdn,
    nodeID: nodeId,
    connected: device?.connected ?? false,
    online: device?.usable ?? false,
    lastSeen: device?.lastSeen,
    tags: device?.tags,
  });
};
