/** Keeps the Tailscale Services that the configuration asks for, together with the other clusters of each tailnet, and tells of them. */
import { combineLatest, distinctUntilChanged, Observable, shareReplay } from 'rxjs';
import type { Device, ObservedProxies, ObservedVipService, TailnetState } from '../../src/api/observations.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import type { Log } from '../status/log.ts';
import { type Clock, systemClock } from './clock.ts';
import { Coordinator, type Facts, type ServicesApi } from './coordinator.ts';
import type { OurHosts } from './hosts.ts';

export type VipServicesOptions = {
  readonly clusterName: string;
  /** All that is wanted, by `TailscaleTailnet/svc:name`; silent until it is known. What is missing here is given up, and deleted when nobody uses it. */
  readonly wishes$: Observable<ReadonlyMap<string, VipServiceWish>>;
  readonly tailnets$: Observable<ReadonlyMap<string, TailnetState>>;
  /** Their pods host services; none where there is no cluster. */
  readonly proxies$: Observable<ReadonlyMap<string, ObservedProxies>>;
  readonly clientOf: (tailnet: string) => ServicesApi | undefined;
  /** Whether nothing leads to a service any more that is not wished for, by the proxies that run: asked whenever one of the above changes. */
  readonly mayRelease: (tailnet: string, service: string, proxies: ReadonlyMap<string, ObservedProxies>) => boolean;
  /** While we lead, a signal that is aborted the moment we cease to. */
  readonly leading$: Observable<AbortSignal | undefined>;
  readonly log: Log;
  readonly clock?: Clock;
};

/**
 * What became of the services that are wished for, by `TailscaleTailnet/svc:name`; told without leading, too. Works, while we lead, for as long as
 * it is subscribed to, for all subscribers together. Never errors.
 */
export const vipServicesController = (options: VipServicesOptions): Observable<ReadonlyMap<string, ObservedVipService>> =>
  new Observable<ReadonlyMap<string, ObservedVipService>>((out) => {
    const session = new Session(options, (told) => out.next(told));
    const { wishes$, tailnets$, proxies$, leading$ } = options;
    const subscription = combineLatest({
      wishes: wishes$.pipe(distinctUntilChanged()),
      tailnets: tailnets$.pipe(distinctUntilChanged()),
      proxies: proxies$.pipe(distinctUntilChanged()),
      leading: leading$,
    }).subscribe((world) => session.follow(world));
    return () => {
      subscription.unsubscribe();
      session.stop();
    };
  }).pipe(shareReplay({ bufferSize: 1, refCount: true }));

type World = {
  readonly wishes: ReadonlyMap<string, VipServiceWish>;
  readonly tailnets: ReadonlyMap<string, TailnetState>;
  readonly proxies: ReadonlyMap<string, ObservedProxies>;
  readonly leading: AbortSignal | undefined;
};

const nothing: ReadonlyMap<string, never> = new Map<string, never>();

/** A coordinator for each tailnet that something was heard of, or that something is wanted of. */
class Session {
  readonly #options: VipServicesOptions;
  readonly #out: (told: ReadonlyMap<string, ObservedVipService>) => void;
  readonly #coordinators = new Map<string, Coordinator>();
  #isFollowing = false;
  #told: ReadonlyMap<string, ObservedVipService> | undefined;

  constructor(options: VipServicesOptions, out: (told: ReadonlyMap<string, ObservedVipService>) => void) {
    this.#options = options;
    this.#out = out;
  }

  follow(world: World): void {
    this.#isFollowing = true;
    const wishes = byTailnet(world.wishes);
    const names = new Set([...wishes.keys(), ...world.tailnets.keys()]);
    for (const [name, coordinator] of this.#coordinators) {
      if (names.has(name)) continue;
      coordinator.stop();
      this.#coordinators.delete(name);
    }
    for (const name of names) {
      const facts = this.#factsOf(name, wishes, world);
      const coordinator = this.#coordinators.get(name);
      if (coordinator === undefined) this.#coordinators.set(name, this.#coordinatorOf(name, facts));
      else coordinator.update(facts);
    }
    this.#isFollowing = false;
    this.#say();
  }

  stop(): void {
    for (const coordinator of this.#coordinators.values()) coordinator.stop();
    this.#coordinators.clear();
  }

  #coordinatorOf(tailnet: string, facts: Facts): Coordinator {
    const { clusterName, clientOf, clock = systemClock, log } = this.#options;
    return new Coordinator(
      {
        tailnet,
        self: { cluster: clusterName, operator: `tailplane-${clusterName}` },
        api: () => clientOf(tailnet),
        clock,
        changed: () => this.#say(),
        failed: (service, { reason, message }) =>
          log.warn({ tailnet, service, reason, problem: message }, 'a Tailscale Service is not as wanted'),
      },
      facts,
    );
  }

  #factsOf(name: string, wishes: ReadonlyMap<string, ReadonlyMap<string, VipServiceWish>>, { tailnets, proxies, leading }: World): Facts {
    const { known, trouble } = tailnets.get(name) ?? {};
    // Two TailscaleTailnets may be one tailnet: what one of them wants the other must not give up.
    const same = [...tailnets.values()].filter((other) => other.name !== name && isSame(other.known?.suffix, known?.suffix));
    return {
      wishes: wishes.get(name) ?? nothing,
      services: known?.services,
      isWell: known !== undefined && trouble === undefined,
      leads: () => leading !== undefined && !leading.aborted,
      machineOf: (service) => machineOf(service, known?.devices ?? nothing, known?.suffix),
      hostsOf: (wish) => hostsOf(wish, proxies),
      mayRelease: (service) =>
        !same.some((other) => wishes.get(other.name)?.has(service)) && this.#options.mayRelease(name, service, proxies),
    };
  }

  #say(): void {
    if (this.#isFollowing) return;
    const told = new Map<string, ObservedVipService>();
    for (const [tailnet, coordinator] of this.#coordinators)
      for (const [service, observed] of coordinator.told) told.set(`${tailnet}/${service}`, observed);
    const before = this.#told;
    if (before?.size === told.size && [...told].every(([key, observed]) => before.get(key) === observed)) return;
    this.#told = told;
    this.#out(told);
  }
}

const isSame = (one: string | undefined, other: string | undefined): boolean => one !== undefined && one === other;

const byTailnet = (wishes: ReadonlyMap<string, VipServiceWish>): ReadonlyMap<string, ReadonlyMap<string, VipServiceWish>> => {
  const tailnets = new Map<string, Map<string, VipServiceWish>>();
  for (const wish of wishes.values()) {
    const services = tailnets.get(wish.tailnet) ?? new Map<string, VipServiceWish>();
    services.set(wish.name, wish);
    tailnets.set(wish.tailnet, services);
  }
  return tailnets;
};

/** Machines and services share their names. */
const machineOf = (service: string, devices: ReadonlyMap<string, Device>, suffix: string | undefined): string | undefined => {
  if (suffix === undefined) return undefined;
  const fqdn = `${service.replace(/^svc:/, '')}.${suffix}`;
  for (const device of devices.values()) if (device.fqdn === fqdn) return device.fqdn;
  return undefined;
};

/** Machines of the proxies that say they host it. */
const hostsOf = ({ name, sets }: VipServiceWish, proxies: ReadonlyMap<string, ObservedProxies>): OurHosts =>
  sets.length === 0
    ? undefined
    : sets.flatMap((set) =>
        (proxies.get(set)?.pods ?? []).flatMap(({ nodeId, joined, advertised }) =>
          nodeId !== undefined && joined && advertised?.includes(name) === true ? [nodeId] : [],
        ),
      );
