import { byCodeUnit } from '../../src/lib/key.ts';
import type { Clock } from './clock.ts';
import type { Registry } from './registry.ts';
import { beatMs } from './times.ts';

/** When and where our cluster says that it lives: in one service for all, as others hear of us wherever it is. */
export class Heart {
  readonly #clock: Clock;
  #afterMs: number;
  #misses = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#afterMs = this.#someMs();
  }

  /** The service in which it is time to say so. `registries` are those that we are in, by service. */
  due(cluster: string, registries: ReadonlyMap<string, Registry>): string | undefined {
    for (const { consumers } of registries.values()) {
      const lastSeen = Date.parse(consumers.get(cluster)?.lastSeen ?? '');
      // Our clock may have been set back since.
      if (Math.abs(this.#clock.now() - lastSeen) < this.#afterMs) return undefined;
    }
    return [...registries.keys()].toSorted(byCodeUnit)[this.#misses % registries.size];
  }

  beaten(): void {
    this.#afterMs = this.#someMs();
  }

  /** The next time in another one: this one may be refused for a reason of its own. */
  missed(): void {
    this.#misses += 1;
  }

  #someMs(): number {
    return beatMs * (0.9 + 0.2 * this.#clock.random());
  }
}
