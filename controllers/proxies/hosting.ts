/**
 * In which order ingress proxies come to host services, and cease to. In: the Envoys have the listener and the service has addresses, then the
 * proxies serve it, then each that does advertises it. Out: nobody advertises it, then connections have time to end, then it is served no longer.
 * Fewer replicas: those that stay advertise what those that go did, then they go.
 * Each step follows from what stands, so it may be broken off anywhere and taken up by another; who takes up waits anew.
 */
import { byCodeUnit } from '../../src/lib/key.ts';
import { certificatePort, type HostedService, type ProxySet } from '../../src/model/proxy-set.ts';
import {
  certificateEntryFrom,
  entryFrom,
  type Forwarding,
  sameEntry,
  sameKind,
  type ServeEntry,
  serviceProblem,
  type Serving,
} from './objects/serve-config.ts';

export type HostingFacts = {
  readonly set: Pick<ProxySet, 'services' | 'replicas'>;
  /** What the proxies are told to serve, as it stands; undefined before the first time. */
  readonly served: Serving | undefined;
  /** Of every ordinal that has a config Secret or a pod. */
  readonly proxies: readonly HostingProxy[];
  /** Whether the service exists in the tailnet. */
  readonly hasAddresses: (service: string) => boolean;
  /** Whether every Envoy of the Gateway, `namespace/name`, has the listener. */
  readonly isTaken: (gateway: string, listener: string) => boolean;
};

export type HostingProxy = {
  readonly ordinal: number;
  /** `going`: it is being replaced or taken away, and lets its peers go by itself. */
  readonly pod: 'none' | 'running' | 'going';
  readonly joined: boolean;
  /** Services in its configuration. */
  readonly configured: readonly string[];
  /** What its tailscaled says that it serves and advertises; absent where it says nothing. */
  readonly serving?: Serving;
  readonly advertising?: readonly string[];
};

/** Since when something has been so without a break, in milliseconds. What is not so is absent. */
export type Since = ReadonlyMap<string, number>;

export type Hosting = {
  readonly serve: Forwarding;
  /** By ordinal, of the replicas that are wanted; sorted. */
  readonly advertise: ReadonlyMap<number, readonly string[]>;
  readonly since: Since;
  /** Whether those that are too many are still needed, since they alone advertise some service that is wanted. */
  readonly handsOver: boolean;
  /** When to look again though nothing happens; Infinity when that is not needed. */
  readonly until: number;
  /** Services that cannot be hosted as they are asked for, and why; for users. */
  readonly problems: readonly string[];
};

export const waits = {
  /** For control to send no more peers, and for connections to end: control needs up to 15 s, and containerboot itself waits 20. */
  settleMs: 20_000,
  /** For files to reach pods that do not say what they have: kubelets look once a minute, at what may be a minute old. */
  filesMs: 140_000,
} as const;

/** What to do now. `since` is what the last look gave. */
export const hostingFrom = (facts: HostingFacts, since: Since, now: number): Hosting => {
  const { set, served = new Map<string, never>() } = facts;
  const clock = new Clock(since, now);
  const problems = [...set.services].flatMap(([name, service]) => problemOf(name, service));
  const wanted = new Map(
    [...set.services].filter(([name, service]) => service.wanted && entriesOf(service).size > 0 && problemOf(name, service).length === 0),
  );
  const names = [...new Set([...served.keys(), ...wanted.keys()])].toSorted(byCodeUnit);
  const serve = new Map(
    names.flatMap((name) => {
      const service = wanted.get(name);
      const ports = service === undefined ? leaving(name, facts, clock) : portsOf(name, service, facts, clock);
      return ports.size === 0 ? [] : [[name, ports] as const];
    }),
  );
  const replicas = facts.proxies.filter(({ ordinal }) => ordinal < set.replicas);
  // Peers who are led to one that has nothing but the port for a certificate stay with it.
  const offered = [...wanted].flatMap(([name, { ports }]) => (ports.size === 0 ? [] : [name])).toSorted(byCodeUnit);
  const isThere = (name: string): boolean =>
    [...(wanted.get(name)?.ports.keys() ?? [])].some((port) => served.get(name)?.has(port) === true);
  return {
    serve,
    advertise: new Map(
      replicas.map((proxy) => [proxy.ordinal, offered.filter((name) => isThere(name) && mayAdvertise(name, proxy, served, clock))]),
    ),
    handsOver: handsOver(offered, facts, clock),
    since: clock.since,
    until: clock.until,
    problems,
  };
};

const problemOf = (name: string, service: HostedService): readonly string[] => {
  const problem = serviceProblem(name, service.ports) ?? serviceProblem(name, entriesOf(service));
  return problem === undefined ? [] : [`${name} ${problem}`];
};

/** All that is to be served, the port for its certificate among it, if no other has its number. */
const entriesOf = ({ ports, certificate }: HostedService): ReadonlyMap<number, ServeEntry> => {
  const entries = [...ports].map(([port, target]) => [port, entryFrom(target)] as const);
  return new Map(certificate === undefined ? entries : [[certificatePort, certificateEntryFrom(certificate)], ...entries]);
};

/** Ports of a service that is wanted: new ones when there is somebody behind them, and those that are not wanted any more for a while yet. */
const portsOf = (name: string, service: HostedService, facts: HostingFacts, clock: Clock): ReadonlyMap<number, ServeEntry> => {
  const standing = facts.served?.get(name) ?? new Map<number, ServeEntry | 'other'>();
  const wanted = entriesOf(service);
  const isReady = (port: number): boolean => {
    const envoy = service.ports.get(port)?.envoy;
    return envoy === undefined || facts.isTaken(envoy.gateway, envoy.listener);
  };
  const ports = new Map<number, ServeEntry>();
  for (const port of new Set([...standing.keys(), ...wanted.keys()])) {
    const has = standing.get(port);
    const entry = wanted.get(port);
    if (entry === undefined) {
      if (has !== undefined && has !== 'other' && !clock.after(`unused ${name} ${port}`, waits.settleMs)) ports.set(port, has);
      continue;
    }
    // First it has to be gone everywhere: a proxy ends when the kind of a port changes.
    const standings = [has, ...facts.proxies.map(({ serving }) => serving?.get(name)?.get(port))].filter((other) => other !== undefined);
    if (has === 'other' || standings.some((other) => !sameKind(other, entry))) continue;
    if (has === undefined) {
      if (facts.hasAddresses(name) && isReady(port)) ports.set(port, entry);
    } else ports.set(port, sameEntry(has, entry) || !isReady(port) ? has : entry);
  }
  return ports;
};

/** Ports of a service that is not wanted: as they are, until nobody has advertised it for long enough. */
const leaving = (name: string, { served, proxies }: HostingFacts, clock: Clock): ReadonlyMap<number, ServeEntry> =>
  hasLeft(name, proxies, clock)
    ? new Map<number, ServeEntry>()
    : new Map([...(served?.get(name) ?? [])].flatMap(([port, entry]) => (entry === 'other' ? [] : [[port, entry] as const])));

/** Whether nobody has advertised a service for long enough. */
export const hasLeft = (name: string, proxies: readonly HostingProxy[], clock: Clock): boolean => {
  const present = proxies.filter(({ pod }) => pod !== 'none');
  if (present.some(({ configured }) => configured.includes(name))) return false;
  const isTold = present.every(({ advertising }) => advertising !== undefined && !advertising.includes(name));
  return (isTold && clock.after(`quiet ${name}`, waits.settleMs)) || clock.after(`unnamed ${name}`, waits.filesMs);
};

/** Whether a proxy that does it may go on, or one that does not may begin. */
const mayAdvertise = (name: string, proxy: HostingProxy, served: Serving, clock: Clock): boolean => {
  if (proxy.pod !== 'running') return false;
  if (proxy.configured.includes(name)) return true;
  const standing = [...(served.get(name) ?? [])];
  if (!proxy.joined || standing.length === 0) return false;
  const { serving } = proxy;
  if (serving === undefined) return clock.after(`served ${name} ${JSON.stringify(standing)}`, waits.filesMs);
  return standing.every(([port, entry]) => entry !== 'other' && sameEntry(serving.get(name)?.get(port), entry));
};

/** Whether proxies that are not wanted any more are waited with: not for ever, since those that stay may never be able to. */
export const handsOver = (offered: readonly string[], { set, proxies }: Pick<HostingFacts, 'set' | 'proxies'>, clock: Clock): boolean => {
  const running = proxies.filter(({ pod }) => pod === 'running');
  const staying = running.filter(({ ordinal }) => ordinal < set.replicas);
  const going = running.filter(({ ordinal }) => ordinal >= set.replicas);
  const left = offered.filter(
    (name) => going.some((proxy) => doesAdvertise(name, proxy)) && !staying.some((proxy) => doesAdvertise(name, proxy)),
  );
  return set.replicas > 0 && left.length > 0 && !clock.after('handing over', waits.filesMs);
};

const doesAdvertise = (name: string, { advertising, configured }: HostingProxy): boolean => (advertising ?? configured).includes(name);

/** Remembers since when things are so. */
export class Clock {
  readonly since = new Map<string, number>();
  until = Number.POSITIVE_INFINITY;
  readonly #before: Since;
  readonly #now: number;

  constructor(before: Since, now: number) {
    this.#before = before;
    this.#now = now;
  }

  /** Whether `what`, which is so now, has been for `ms`. */
  after(what: string, ms: number): boolean {
    const at = this.#before.get(what) ?? this.#now;
    this.since.set(what, at);
    if (this.#now - at >= ms) return true;
    this.until = Math.min(this.until, at + ms);
    return false;
  }
}
