import type { Device, KnownTailnet, VipService } from '../../api/observations.ts';
import { present } from '../../lib/present.ts';
import { devicesFrom, expireBy, type ListedDevice } from './devices.ts';
import type { PolicyGroups, User } from '../../tailscale/answers.ts';
import { displayNamesFrom, groupsFrom } from './people.ts';
import { type ListedService, servicesFrom } from './services.ts';

/** A tailnet whose machines did not change is told anew only so often. */
const syncToldMs = 300_000;

const noDevices: ReadonlyMap<string, Device> = new Map();
const noServices: ReadonlyMap<string, VipService> = new Map();

/** What was told of one tailnet. Times are in milliseconds since the epoch. */
export class Knowledge {
  #devices: ReadonlyMap<string, Device> | undefined;
  #expiries: ReadonlyMap<string, number> = new Map();
  #suffix: string | undefined;
  #services: ReadonlyMap<string, VipService> | undefined;
  #groups: KnownTailnet['groups'];
  #displayNames: KnownTailnet['displayNames'];
  /** Whether it was tried to learn of people: before, nobody should be told that there are none. */
  #isPeopled = false;
  #known: KnownTailnet | undefined;
  #syncedAt = -Infinity;

  /** Throws `SenselessAnswer`, and has then learnt nothing. */
  takeDevices(list: readonly ListedDevice[], now: number): void {
    const { devices, expiries, suffix } = devicesFrom(list, this.#devices ?? noDevices, now);
    this.#devices = devices;
    this.#expiries = expiries;
    this.#suffix = suffix;
    if (this.#isChanged() || now - this.#syncedAt >= syncToldMs) this.#syncedAt = now;
  }

  /** Throws `SenselessAnswer`, and has then learnt nothing. */
  takeServices(list: readonly ListedService[], now: number): void {
    this.#services = servicesFrom(list, this.#services ?? noServices);
    if (this.#isChanged()) this.#syncedAt = now;
  }

  /** Undefined where they may not be read, or were not for too long. Throws `SenselessAnswer`, and has then learnt nothing. */
  takeGroups(groups: PolicyGroups | undefined, now: number): void {
    this.#groups = groups && groupsFrom(groups, this.#groups);
    if (this.#isChanged()) this.#syncedAt = now;
  }

  /** Undefined where they may not be read. Throws `SenselessAnswer`, and has then learnt nothing. */
  takeUsers(users: readonly User[] | undefined, now: number): void {
    this.#displayNames = users && displayNamesFrom(users, this.#displayNames);
    if (this.#isChanged()) this.#syncedAt = now;
  }

  /** What is known of people by now is all that is to be waited for. */
  endOfPeople(): void {
    this.#isPeopled = true;
  }

  /** Keys expire whether anybody tells or not. */
  expire(now: number): void {
    if (this.#devices !== undefined) this.#devices = expireBy({ devices: this.#devices, expiries: this.#expiries }, now);
  }

  /** When the next key expires; Infinity if none does. */
  nextExpiry(now: number): number {
    let next = Infinity;
    for (const at of this.#expiries.values()) if (at > now && at < next) next = at;
    return next;
  }

  /** The same object as before while nothing changed; undefined until both lists were told, and people asked for. */
  known(): KnownTailnet | undefined {
    const [devices, services, suffix] = [this.#devices, this.#services, this.#suffix];
    if (devices === undefined || services === undefined || !this.#isPeopled) return undefined;
    const lastSync = `${new Date(this.#syncedAt).toISOString().slice(0, 19)}Z`;
    if (!this.#isChanged() && this.#known?.lastSync === lastSync) return this.#known;
    this.#known = present({ devices, services, suffix, groups: this.#groups, displayNames: this.#displayNames, lastSync });
    return this.#known;
  }

  #isChanged(): boolean {
    const known = this.#known;
    return (
      known?.devices !== this.#devices ||
      known?.services !== this.#services ||
      known?.suffix !== this.#suffix ||
      known?.groups !== this.#groups ||
      known?.displayNames !== this.#displayNames
    );
  }
}
