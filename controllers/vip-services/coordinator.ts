import type { ObservedVipService, VipService as ListedService } from '../../src/api/observations.ts';
import { equal, reuse } from '../../src/lib/equal.ts';
import { byCodeUnit } from '../../src/lib/key.ts';
import type { VipServiceWish } from '../../src/model/graph.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { TailscaleClient } from '../../src/tailscale/client.ts';
import type { Clock } from './clock.ts';
import { type Decision, decideKeep, decideLeave, shortcomingOf } from './decide.ts';
import { afterContentionMs, afterFailureMs, type Entry, firstDue, hostsAskedAgainMs, isQuiet, newEntry } from './entry.ts';
import { nameProblem, nameTaken, notReady, verdictOn } from './failure.ts';
import { Heart } from './heart.ts';
import { askHosts, type HostsApi, type OurHosts } from './hosts.ts';
import { Knowledge } from './knowledge.ts';
import { observedFrom, unmade } from './observed.ts';
import type { Registry } from './registry.ts';
import { round, type WritingApi } from './round.ts';
import { registryOf, type Self, standingOf } from './standing.ts';
import { settleMs } from './times.ts';

export type ServicesApi = WritingApi & HostsApi & Pick<TailscaleClient, 'vipServices' | 'vipService'>;

export type CoordinatorOptions = {
  /** Name of the TailscaleTailnet. */
  readonly tailnet: string;
  readonly self: Self;
  /** Undefined while the tailnet cannot be asked. */
  readonly api: () => ServicesApi | undefined;
  readonly clock: Clock;
  /** `told` is another one. */
  readonly changed: () => void;
  readonly failed: (service: string, verdict: Verdict) => void;
};

/** All that is known of one tailnet, and wanted of it. */
export type Facts = {
  /** By name of the service. */
  readonly wishes: ReadonlyMap<string, VipServiceWish>;
  /** Undefined until the tailnet was heard of. Another object when something changed. */
  readonly services: ReadonlyMap<string, ListedService> | undefined;
  /** Whether it is being read, so that what does not change there stands still indeed. */
  readonly isWell: boolean;
  /** Whether it is for us to write there. */
  readonly leads: () => boolean;
  /** MagicDNS name of the machine that has the name of a service. */
  readonly machineOf: (service: string) => string | undefined;
  readonly hostsOf: (wish: VipServiceWish) => OurHosts;
  /** Whether nothing here depends any more on a service that is not wished for. */
  readonly mayRelease: (service: string) => boolean;
};

/** Beside the times that are known: for what depends on how long something has been so. */
const lookAgainMs = 60_000;

/** Services that are worked on at the same time: what is read must be written soon after, and calls wait for each other. */
const atOnce = 2;

type Due = { readonly what: 'round' | 'hosts'; readonly at: number };

/** The services of one tailnet, kept as we want them together with whoever else uses them. Calls as few as it can, and never two for one service. */
export class Coordinator {
  /** By name of the service; those that are wished for. */
  told: ReadonlyMap<string, ObservedVipService> = new Map();
  readonly #options: CoordinatorOptions;
  readonly #knowledge: Knowledge;
  readonly #heart: Heart;
  readonly #entries = new Map<string, Entry>();
  #facts: Facts;
  /** The service to say in that we live, if it is time to. */
  #beat: string | undefined;
  #busy = 0;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: CoordinatorOptions, facts: Facts) {
    this.#options = options;
    this.#knowledge = new Knowledge(options.clock);
    this.#heart = new Heart(options.clock);
    this.#facts = facts;
    this.update(facts);
  }

  update(facts: Facts): void {
    const before = this.#facts;
    this.#facts = facts;
    this.#knowledge.takeList(facts.services, before.isWell && facts.isWell);
    for (const [name, entry] of this.#entries) {
      const isNew = !equal(facts.wishes.get(name), before.wishes.get(name));
      if (isNew || (facts.isWell && !before.isWell)) entry.notBefore = 0;
      if (isNew) entry.failure = undefined;
    }
    this.#look();
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #look(): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    this.#knowledge.pass(this.#facts.isWell);
    this.#beat = this.#heart.due(this.#options.self.cluster, this.#ourRegistries());
    let next = clock.elapsed() + lookAgainMs;
    for (const name of this.#names()) {
      const entry = this.#entries.get(name) ?? newEntry();
      if (entry.isBusy) continue;
      const due = this.#dueOf(name, entry);
      if (due !== undefined && due.at <= clock.elapsed()) {
        if (this.#busy < atOnce) void this.#work(name, entry, due.what);
      } else if (due !== undefined) next = Math.min(next, due.at);
      if (due === undefined && isQuiet(entry) && !this.#facts.wishes.has(name)) this.#entries.delete(name);
      else this.#entries.set(name, entry);
    }
    this.#cancel?.();
    // Not sooner than clocks can tell.
    this.#cancel = clock.after(Math.max(next - clock.elapsed(), 10), () => this.#look());
    this.#tell();
  }

  #names(): readonly string[] {
    return [...new Set([...this.#facts.wishes.keys(), ...this.#knowledge.names(), ...this.#entries.keys()])].toSorted(byCodeUnit);
  }

  #ourRegistries(): ReadonlyMap<string, Registry> {
    const { self } = this.#options;
    const registries = new Map<string, Registry>();
    for (const [name, { comment }] of this.#facts.wishes) {
      const view = this.#knowledge.view(name, comment);
      const registry = view && registryOf(view, self);
      if (registry?.consumers.has(self.cluster) === true) registries.set(name, registry);
    }
    return registries;
  }

  #dueOf(name: string, entry: Entry): Due | undefined {
    const { wishes, services, leads } = this.#facts;
    if (!leads() || services === undefined || this.#options.api() === undefined) return undefined;
    const wish = wishes.get(name);
    const view = this.#view(name);
    if (wish !== undefined && view === undefined && this.#hindranceOf(name) !== undefined) return undefined;
    const decision = this.#decide(name, view, true);
    if (decision.do === 'put' || decision.do === 'delete') return { what: 'round', at: entry.notBefore };
    const settling: readonly Due[] = entry.settleAt === undefined ? [] : [{ what: 'round', at: entry.settleAt }];
    const asking = wish === undefined || decision.do === 'conflict' ? [] : this.#hostsDue(wish, entry);
    const due = firstDue([...settling, ...asking]);
    return due && { ...due, at: Math.max(due.at, entry.notBefore) };
  }

  #hostsDue(wish: VipServiceWish, { hosting }: Entry): readonly Due[] {
    const hosts = this.#facts.hostsOf(wish);
    if (hosts?.length === 0) return [];
    const isAnswered = hosting !== undefined && equal(hosting.of, hosts) && hosting.autoApprove === wish.autoApprove;
    return [{ what: 'hosts', at: isAnswered ? hosting.nextAt : 0 }];
  }

  /** What keeps a service from being made, so far as it takes no call to know. */
  #hindranceOf(name: string): Verdict | undefined {
    const machine = this.#facts.machineOf(name);
    return nameProblem(name) ?? (machine === undefined ? undefined : nameTaken(name, `machine ${machine}`));
  }

  #view(name: string): VipService | undefined {
    return this.#knowledge.view(name, this.#facts.wishes.get(name)?.comment);
  }

  #decide(name: string, read: VipService | undefined, beats: boolean): Decision {
    const { self, clock } = this.#options;
    const circumstances = {
      now: clock.now(),
      stale: this.#knowledge.stale(),
      emptied: this.#knowledge.emptied(name),
      beats: beats && this.#beat === name,
    };
    const wish = this.#facts.wishes.get(name);
    if (wish !== undefined) return decideKeep(read, wish, self, circumstances);
    return read !== undefined && this.#mayLeave(name, read) ? decideLeave(read, self, circumstances) : { do: 'nothing' };
  }

  /** What takes its place is made first, unless that cannot be. */
  #mayLeave(name: string, read: VipService): boolean {
    const { wishes, mayRelease } = this.#facts;
    const { self } = this.#options;
    if (!mayRelease(name)) return false;
    const routes = registryOf(read, self)?.consumers.get(self.cluster)?.routes ?? [];
    return [...wishes.values()].every((wish) => {
      if (!wish.routes.some((route) => routes.includes(route))) return true;
      const next = this.#view(wish.name);
      return (next !== undefined && registryOf(next, self)?.consumers.has(self.cluster) === true) || this.#failureOf(wish) !== undefined;
    });
  }

  async #work(name: string, entry: Entry, what: Due['what']): Promise<void> {
    entry.isBusy = true;
    this.#busy += 1;
    try {
      await (what === 'round' ? this.#round(name, entry) : this.#askHosts(name, entry));
    } catch (error) {
      this.#missed(name, entry, error);
    } finally {
      entry.isBusy = false;
      this.#busy -= 1;
      this.#look();
    }
  }

  async #round(name: string, entry: Entry): Promise<void> {
    const { clock } = this.#options;
    const begun = clock.elapsed();
    const { how, wrote, error } = await round({
      name,
      api: this.#api(),
      read: () => this.#read(name),
      decide: (read, beats) => this.#decide(name, read, beats),
      mayWrite: () => this.#facts.leads() && !this.#isStopped,
      assume: (written) => this.#knowledge.saw(name, written),
      clock,
    });
    if (wrote) entry.settleAt = clock.elapsed() + settleMs + clock.random() * 2000;
    else if (how !== 'failed' && entry.settleAt !== undefined && begun >= entry.settleAt) delete entry.settleAt;
    if (how === 'failed') throw error;
    if (how === 'beaten') this.#heart.beaten();
    if (how === 'contended') {
      entry.misses += 1;
      entry.notBefore = clock.elapsed() + afterContentionMs(entry.misses, clock.random());
      return;
    }
    this.#worked(entry);
  }

  /** Nobody is counted out before all that can be known of them was looked at. */
  async #read(name: string): Promise<VipService | undefined> {
    const view = this.#view(name);
    const consumers = (view && registryOf(view, this.#options.self)?.consumers) ?? new Map();
    const stale = this.#knowledge.stale();
    const all = [...consumers.values()].some(({ operator }) => stale.has(operator)) ? await this.#api().vipServices() : undefined;
    if (all !== undefined) this.#knowledge.sawAll(all);
    const service = all === undefined ? await this.#api().vipService(name) : all.find((each) => each.name === name);
    this.#knowledge.saw(name, service);
    return service;
  }

  async #askHosts(name: string, entry: Entry): Promise<void> {
    const { clock, tailnet } = this.#options;
    const wish = this.#facts.wishes.get(name);
    if (wish === undefined) return;
    const of = this.#facts.hostsOf(wish);
    const hosting = await askHosts(this.#api(), wish, of, tailnet, entry.hosting?.hosts);
    const tries = hosting.isReady ? 0 : (entry.hosting?.tries ?? 0) + 1;
    const nextAt = clock.elapsed() + hostsAskedAgainMs(tries, clock.random());
    entry.hosting = { ...hosting, of, autoApprove: wish.autoApprove, nextAt, tries };
    this.#worked(entry);
  }

  #api(): ServicesApi {
    const api = this.#options.api();
    if (api !== undefined) return api;
    throw new TailscaleApiError({ call: 'vipService', kind: 'unreachable', status: 0, said: 'there are no credentials any more' });
  }

  #worked(entry: Entry): void {
    entry.misses = 0;
    entry.notBefore = 0;
    entry.failure = undefined;
  }

  #missed(name: string, entry: Entry, error: unknown): void {
    const { clock, tailnet, failed } = this.#options;
    this.#heart.missed();
    entry.misses += 1;
    const isApi = error instanceof TailscaleApiError;
    entry.notBefore = clock.elapsed() + Math.max((isApi && error.retryAfterMs) || 0, afterFailureMs(entry.misses, clock.random()));
    // What passes by itself is told when it did not.
    if (this.#isStopped || (isApi && error.retryable && entry.misses < 2)) return;
    const tags = [this.#facts.wishes.get(name), this.#view(name)].flatMap((either) => either?.tags ?? []);
    const about = { name, tags: [...new Set(tags)] };
    const failure = isApi
      ? verdictOn(error, about, tailnet)
      : { reason: 'ApiUnreachable', message: `${name} cannot be asked about: ${error instanceof Error ? error.message : 'unknown'}` };
    if (entry.failure?.message !== failure.message) failed(name, failure);
    entry.failure = failure;
  }

  #failureOf(wish: VipServiceWish): Verdict | undefined {
    const { self, tailnet, api } = this.#options;
    const { name } = wish;
    const entry = this.#entries.get(name);
    const view = this.#view(name);
    if (view === undefined && this.#facts.services !== undefined) {
      const hindrance = this.#hindranceOf(name);
      if (hindrance !== undefined) return hindrance;
    }
    if (entry?.failure !== undefined) return entry.failure;
    if (view === undefined) return this.#facts.leads() && api() === undefined ? notReady(tailnet) : undefined;
    const standing = standingOf(view, self);
    if (!standing.ok) return standing.problem;
    const isIn = standing.value.registry.consumers.has(self.cluster);
    return entry?.hosting?.problem ?? (isIn ? shortcomingOf(view, wish, self) : undefined);
  }

  #tell(): void {
    const next = new Map<string, ObservedVipService>();
    for (const [name, wish] of this.#facts.wishes) {
      const view = this.#view(name);
      const hosts = this.#facts.hostsOf(wish)?.length === 0 ? undefined : this.#entries.get(name)?.hosting?.hosts;
      const observed = view === undefined ? unmade : observedFrom(view, this.#options.self, hosts);
      const failure = this.#failureOf(wish);
      const full = failure === undefined ? observed : { ...observed, failure };
      const before = this.told.get(name);
      next.set(name, before?.hosts === full.hosts ? reuse(before, full) : full);
    }
    if (next.size === this.told.size && [...next].every(([name, observed]) => this.told.get(name) === observed)) return;
    this.told = next;
    this.#options.changed();
  }
}
