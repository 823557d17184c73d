import type { ProxySet } from '../../src/model/proxy-set.ts';
import { type Group, servedIn, tailnetOf } from './group.ts';
import { type Hosting, hostingFrom, type HostingProxy, type Since } from './hosting.ts';
import { ordinalOf } from './objects/secrets.ts';
import { configIn, stateIn } from './replica.ts';
import { isGoing } from './work.ts';

/** What others know of the services that ingress proxies are to host. */
export type HostingWorld = {
  /** Whether a Tailscale Service, `svc:web`, exists in the tailnet that a TailscaleTailnet names. */
  readonly hasAddresses: (tailnet: string, service: string) => boolean;
  /** Whether every Envoy of a Gateway, `namespace/name`, has taken the listener of this name. */
  readonly isTaken: (gateway: string, listener: string) => boolean;
};

/** Decides for each set what it hosts now, and remembers what that takes to have been so for how long. Forgetting it all only costs time. */
export class HostingMemory {
  readonly #world: HostingWorld;
  readonly #now: () => number;
  readonly #since = new Map<string, Since>();

  /** `now` in milliseconds. */
  constructor(world: HostingWorld, now: () => number) {
    this.#world = world;
    this.#now = now;
  }

  decide(key: string, set: ProxySet, group: Group): Hosting {
    const { hasAddresses, isTaken } = this.#world;
    const facts = {
      set,
      served: servedIn(group),
      proxies: hostingProxiesIn(group),
      hasAddresses: (service: string) => hasAddresses(set.tailnet, service),
      isTaken,
    };
    const hosting = hostingFrom(facts, this.#since.get(key) ?? new Map(), this.#now());
    if (hosting.since.size === 0) this.#since.delete(key);
    else this.#since.set(key, hosting.since);
    return hosting;
  }

  forget(key: string): void {
    this.#since.delete(key);
  }
}

/** Replicas as their Secrets and pods tell of them. What a former pod wrote does not count. */
const hostingProxiesIn = (group: Group): readonly HostingProxy[] => {
  const pods = new Map(group.pods.map((pod) => [ordinalOf(pod, group.name), pod]));
  const ordinals = [...new Set([...pods.keys(), ...group.configs.keys()])].filter((ordinal) => ordinal !== undefined);
  return ordinals.map((ordinal) => {
    const pod = pods.get(ordinal);
    const { podUid, deviceId, fqdn, serving, advertising } = stateIn(group.states.get(ordinal));
    const isItsOwn = pod?.metadata.uid !== undefined && podUid?.toLowerCase() === pod.metadata.uid.toLowerCase();
    return {
      ordinal,
      pod: pod === undefined ? 'none' : isGoing(pod) ? 'going' : 'running',
      joined: isItsOwn && deviceId !== undefined && fqdn !== undefined,
      configured: configIn(group.configs.get(ordinal)).advertise ?? [],
      ...(isItsOwn && serving !== undefined ? { serving } : {}),
      ...(isItsOwn && advertising !== undefined ? { advertising } : {}),
    };
  });
};

/** Whether proxies of a group serve a service of a tailnet, or a pod of theirs may advertise it. */
export const isHosting = (group: Group, tailnet: string, service: string): boolean => {
  const tailnets = [...group.states.values(), ...group.configs.values()].map(tailnetOf);
  if (tailnets.length > 0 && !tailnets.includes(tailnet)) return false;
  const proxies = hostingProxiesIn(group).filter(({ pod }) => pod !== 'none');
  return servedIn(group)?.has(service) === true || proxies.some(({ configured }) => configured.includes(service));
};
