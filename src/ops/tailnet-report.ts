import { type Device, type KnownTailnet, noObservations, type ObservedProxies, type TailnetTrouble } from '../api/observations.ts';
import { byCodeUnit, type ObjectKey } from '../lib/key.ts';
import { present } from '../lib/present.ts';
import type { ProxySet } from '../model/proxy-set.ts';
import { wrongText } from './explain/explanation.ts';
import { sharedIn } from './explain/shared.ts';
import type { Known } from './known.ts';

/** A TailscaleTailnet, as far as is known of it. */
export type ReportedTailnet = {
  readonly name: string;
  /** Whether anybody asks it: nobody does where files alone are read. */
  readonly asked: boolean;
  /** MagicDNS suffix. */
  readonly domain?: string;
  /** Absent until it has answered. */
  readonly devices?: { readonly total: number; readonly connected: number };
  /** RFC 3339: when it last answered, to five minutes. */
  readonly lastSync?: string;
  readonly trouble?: Pick<TailnetTrouble, 'kind' | 'message' | 'since'>;
};

/** A StatefulSet of proxies that there is, or that there must be. */
export type ReportedProxies = {
  readonly namespace: string;
  readonly name: string;
  /** Whose they are, and what for; absent of those that nobody wants any more. */
  readonly owner?: ObjectKey;
  readonly tailnet?: string;
  readonly direction?: ProxySet['direction'];
  readonly mode?: ProxySet['mode'];
  readonly desired: number;
  readonly ready: number;
  readonly devices: readonly ReportedDevice[];
  readonly trouble?: string;
};

export type ReportedDevice = {
  readonly pod: string;
  readonly ready: boolean;
  /** Whether the pod is a machine of the tailnet, by its own word. */
  readonly joined: boolean;
  readonly name?: string;
  readonly address?: string;
  /** By the tailnet's word; absent while it does not know the machine. */
  readonly online?: boolean;
};

/** A Tailscale Service that objects of ours have. */
export type ReportedService = {
  /** `svc:web`. */
  readonly name: string;
  readonly tailnet: string;
  /** TailscaleGateway or TailscaleServices. */
  readonly owner: ObjectKey;
  readonly ports: readonly string[];
  readonly addresses: readonly string[];
  /** Clusters that use it, as the tailnet has it. */
  readonly consumers: readonly string[];
  /** Why peers do not reach it. */
  readonly trouble?: string;
};

/** By tailnet and name. */
export const servicesIn = ({
  state: { observations = noObservations },
  graph,
}: Pick<Known, 'state' | 'graph'>): readonly ReportedService[] => {
  const { tailnets, sharedServices } = observations;
  return [...sharedIn({ graph, tailnets, sharedServices }).values()]
    .toSorted((one, other) => byCodeUnit(one.key, other.key))
    .map(({ key, name, tailnet, owner, ports, wrong }): ReportedService => {
      const { addresses = [], consumers = [] } = sharedServices.get(key) ?? {};
      return present({ name, tailnet, owner, ports, addresses, consumers, trouble: wrong && wrongText(wrong) });
    });
};

/** By name. */
export const tailnetsIn = ({ objects, observations }: Known['state']): readonly ReportedTailnet[] =>
  [...objects.TailscaleTailnet.values()]
    .map(({ metadata: { name } }): ReportedTailnet => {
      const { known, trouble } = observations?.tailnets.get(name) ?? {};
      return present({
        name,
        asked: observations !== undefined,
        domain: known?.suffix,
        devices: known && devicesIn(known),
        lastSync: known?.lastSync,
        trouble: trouble && { kind: trouble.kind, message: trouble.message, since: trouble.since },
      });
    })
    .toSorted((one, other) => byCodeUnit(one.name, other.name));

const devicesIn = ({ devices }: KnownTailnet): NonNullable<ReportedTailnet['devices']> => ({
  total: devices.size,
  connected: [...devices.values()].filter(({ connected }) => connected).length,
});

/** By namespace and name: those that must exist, and those that still do. */
export const proxiesIn = ({ state: { observations }, graph: { proxySets } }: Known): readonly ReportedProxies[] => {
  const observed = observations?.proxies ?? new Map<string, ObservedProxies>();
  return [...new Set([...proxySets.keys(), ...observed.keys()])].toSorted(byCodeUnit).map((key) => {
    const set = proxySets.get(key);
    const devices = set && observations?.tailnets.get(set.tailnet)?.known?.devices;
    return proxiesFrom(key, set, observed.get(key), devices ?? new Map());
  });
};

const proxiesFrom = (
  key: string,
  set: ProxySet | undefined,
  observed: ObservedProxies | undefined,
  devices: ReadonlyMap<string, Device>,
): ReportedProxies => {
  const [namespace = '', name = ''] = key.split('/');
  const { owner, tailnet, direction, mode } = set ?? {};
  return present({
    namespace,
    name,
    owner,
    tailnet,
    direction,
    mode,
    desired: set?.replicas ?? observed?.desired ?? 0,
    ready: observed?.ready ?? 0,
    devices: (observed?.pods ?? []).map(({ pod, ready, joined, fqdn, addresses, nodeId }): ReportedDevice =>
      present({ pod, ready, joined, name: fqdn, address: addresses[0], online: devices.get(nodeId ?? '')?.usable }),
    ),
    trouble: troubleIn(set, observed),
  });
};

const troubleIn = (set: ProxySet | undefined, observed: ObservedProxies | undefined): string | undefined => {
  if (observed === undefined) return 'the StatefulSet is not there yet';
  if (observed.failure !== undefined) return `${observed.failure.reason}: ${observed.failure.message}`;
  return set === undefined || set.going ? 'on its way out: nobody wants it any more' : undefined;
};
