import type { Device, KnownTailnet, VipService } from '../../api/observations.ts';
import { present } from '../../lib/present.ts';
import { devicesFrom, expireBy, type ListedDevice } from './devices.ts';
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

  /** The same object as before while nothing changed; undefined until both lists were told. */
  known(): KnownTailnet | undefined {
    const [devices, services, suffix] = [this.#devices, this.#services, this.#suffix];
    if (devices === undefined || services === undefined) return undefined;
    const lastSync = `${new Date(this.#syncedAt).toISOString().slice(0, 19)}Z`;
    if (!this.#isChanged() && this.#known?.lastSync === lastSync) return this.#known;
    this.#known = present({ devices, services, suffix, lastSync });
    return this.#known;
  }

  #isChanged(): boolean {
    const known = this.#known;
    return known?.devices !== this.#devices || known?.services !== this.#services || known?.suffix !== this.#suffix;
  }
}
