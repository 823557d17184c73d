import { byCodeUnit } from '../../src/lib/key.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import { type Group, ledIn, servedIn, tailnetOf } from './group.ts';
import { type Hosting, hostingFrom, type Since } from './hosting.ts';
import { type KernelHosting, kernelHostingFrom, type KernelProxy } from './kernel-hosting.ts';
import type { Mappings } from './objects/ingress-config.ts';
import type { Serving } from './objects/serve-config.ts';
import { ordinalOf } from './objects/secrets.ts';
import { podIPsOf } from './pod.ts';
import { configIn, stateIn } from './replica.ts';
import { isGoing } from './work.ts';

/** What others know of the services that ingress proxies are to host. */
export type HostingWorld = {
  /** Whether a Tailscale Service, `svc:web`, exists in the tailnet that a TailscaleTailnet names. */
  readonly hasAddresses: (tailnet: string, service: string) => boolean;
  /** Whether every Envoy of a Gateway, `namespace/name`, has taken the listener of this name. */
  readonly isTaken: (gateway: string, listener: string) => boolean;
};

/** In both forms: what tailscaled passes on, and what the kernel leads. */
export type BothHosting = Hosting & Pick<KernelHosting, 'lead'>;

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

  decide(key: string, set: ProxySet, group: Group): BothHosting {
    const { hasAddresses, isTaken } = this.#world;
    const proxies = hostingProxiesIn(group);
    const served = servedIn(group);
    const led: Mappings = ledIn(group) ?? new Map();
    const since = this.#since.get(key) ?? new Map<string, number>();
    const { passed, kernel } = byForm(set, served, led);
    const facts = { served, proxies, hasAddresses: (service: string) => hasAddresses(set.tailnet, service), isTaken };
    const hosting = joined(
      hostingFrom({ set: { ...set, services: passed }, ...facts }, since, this.#now()),
      kernelHostingFrom({ set: { ...set, services: kernel }, led, proxies }, since, this.#now()),
    );
    if (hosting.since.size === 0) this.#since.delete(key);
    else this.#since.set(key, hosting.since);
    return hosting;
  }

  forget(key: string): void {
    this.#since.delete(key);
  }
}

/** A service whose proxies are of another mode now is out of the one form before it comes into the other. */
const byForm = ({ services }: ProxySet, served: Serving | undefined, led: Mappings) => {
  const all = [...services];
  return {
    passed: new Map(all.filter(([name, { mapping }]) => mapping === undefined && !led.has(name))),
    kernel: new Map(all.filter(([name, { mapping }]) => mapping !== undefined && served?.has(name) !== true)),
  };
};

const joined = (passed: Hosting, kernel: KernelHosting): BothHosting => ({
  serve: passed.serve,
  lead: kernel.lead,
  advertise: new Map(
    [...passed.advertise].map(([ordinal, names]) => [ordinal, [...names, ...(kernel.advertise.get(ordinal) ?? [])].toSorted(byCodeUnit)]),
  ),
  since: new Map([...passed.since, ...kernel.since]),
  handsOver: passed.handsOver || kernel.handsOver,
  until: Math.min(passed.until, kernel.until),
  problems: [...passed.problems, ...kernel.problems],
});

/** Replicas as their Secrets and pods tell of them. What a former pod wrote does not count. */
const hostingProxiesIn = (group: Group): readonly KernelProxy[] => {
  const pods = new Map(group.pods.map((pod) => [ordinalOf(pod, group.name), pod]));
  const ordinals = [...new Set([...pods.keys(), ...group.configs.keys()])].filter((ordinal) => ordinal !== undefined);
  return ordinals.map((ordinal) => {
    const pod = pods.get(ordinal);
    const { podUid, deviceId, fqdn, serving, advertising, ingress } = stateIn(group.states.get(ordinal));
    const isItsOwn = pod?.metadata.uid !== undefined && podUid?.toLowerCase() === pod.metadata.uid.toLowerCase();
    return {
      ordinal,
      pod: pod === undefined ? 'none' : isGoing(pod) ? 'going' : 'running',
      joined: isItsOwn && deviceId !== undefined && fqdn !== undefined,
      configured: configIn(group.configs.get(ordinal)).advertise ?? [],
      ...(isItsOwn && serving !== undefined ? { serving } : {}),
      ...(isItsOwn && advertising !== undefined ? { advertising } : {}),
      leading: isItsOwn && ingress !== undefined && sameIPs(ingress.podIPs, podIPsOf(pod)) ? ingress.mappings : new Map(),
    };
  });
};

const sameIPs = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((ip) => other.includes(ip));

/** Whether proxies of a group serve a service of a tailnet, or a pod of theirs may advertise it. */
export const isHosting = (group: Group, tailnet: string, service: string): boolean => {
  const tailnets = [...group.states.values(), ...group.configs.values()].map(tailnetOf);
  if (tailnets.length > 0 && !tailnets.includes(tailnet)) return false;
  const proxies = hostingProxiesIn(group).filter(({ pod }) => pod !== 'none');
  return (
    servedIn(group)?.has(service) === true ||
    ledIn(group)?.has(service) === true ||
    proxies.some(({ configured }) => configured.includes(service))
  );
};
