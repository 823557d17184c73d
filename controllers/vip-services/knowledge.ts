import type { VipService as ListedService } from '../../src/api/observations.ts';
import type { VipService } from '../../src/tailscale/answers.ts';
import type { Clock } from './clock.ts';
import { Sightings, type Times } from './sightings.ts';

/** The list of services is read every 150 s or so: then what we read before is no news any more. */
const ownReadsMs = 240_000;

/** A list may have been on its way while we read. */
const listTravelsMs = 5000;

/** What stands still while nobody looks has not stood still. */
const longestLookMs = 120_000;

/** What is known of the services of one tailnet: by the lists that discovery reads, and by what we read ourselves. */
export class Knowledge {
  readonly #clock: Clock;
  readonly #sightings: Sightings;
  readonly #own = new Map<string, { readonly service: VipService | undefined; readonly at: number }>();
  readonly #comments = new Map<string, string | undefined>();
  readonly #plain = new WeakMap<ListedService, VipService>();
  #listed: ReadonlyMap<string, ListedService> | undefined;
  #listAt = 0;
  #watched = 0;
  #lookedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sightings = new Sightings(clock.random());
    this.#lookedAt = clock.elapsed();
  }

  /** Names of all that there is, and perhaps some of what was. */
  names(): readonly string[] {
    return [...(this.#listed?.keys() ?? []), ...this.#own.keys()];
  }

  /** `isWell`: the tailnet is being read, so that what does not change in the list stands still indeed. */
  takeList(listed: ReadonlyMap<string, ListedService> | undefined, isWell: boolean): void {
    this.pass(isWell);
    if (listed === undefined || listed === this.#listed) return;
    this.#listed = listed;
    this.#listAt = this.#clock.elapsed();
    this.#sightings.sawAll(new Map([...listed].map(([name, service]) => [name, this.#plainOf(service)])), this.#times());
  }

  /** Time has passed. */
  pass(isWell: boolean): void {
    const elapsed = this.#clock.elapsed();
    if (isWell) this.#watched += Math.min(elapsed - this.#lookedAt, longestLookMs);
    this.#lookedAt = elapsed;
  }

  /** We looked ourselves. */
  saw(name: string, service: VipService | undefined): void {
    this.#own.set(name, { service, at: this.#clock.elapsed() });
    if (service === undefined) this.#comments.delete(name);
    else this.#comments.set(name, service.comment);
    this.#sightings.saw(name, service, this.#times());
  }

  sawAll(services: readonly VipService[]): void {
    this.#sightings.sawAll(new Map(services.map((service) => [service.name, service])), this.#times());
  }

  /** The latest that is known of it. Lists do not tell of comments: that is as it was, or else as `comment`. */
  view(name: string, comment?: string): VipService | undefined {
    const own = this.#own.get(name);
    if (own !== undefined) {
      if (this.#clock.elapsed() - own.at < ownReadsMs && this.#listAt <= own.at + listTravelsMs) return own.service;
      this.#own.delete(name);
    }
    const listed = this.#listed?.get(name);
    if (listed === undefined) return undefined;
    const known = this.#comments.has(name) ? this.#comments.get(name) : comment;
    return { ...this.#plainOf(listed), ...(known !== undefined && { comment: known }) };
  }

  stale(): ReadonlySet<string> {
    return this.#sightings.stale(this.#times());
  }

  emptied(name: string): 'new' | 'long' | 'abandoned' {
    return this.#sightings.emptied(name, this.#times());
  }

  #times(): Times {
    return { elapsed: this.#clock.elapsed(), watched: this.#watched };
  }

  #plainOf(listed: ListedService): VipService {
    const { name, addresses, ports, tags, annotations } = listed;
    const service = this.#plain.get(listed) ?? { name, addrs: addresses, ports, tags, annotations };
    this.#plain.set(listed, service);
    return service;
  }
}
