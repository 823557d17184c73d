import { setImmediate } from 'node:timers/promises';

type Happening = { readonly at: number; readonly serial: number; readonly run: () => void };

/** Time that passes only as `runUntil` says, in milliseconds from 0; and chance that is the same for the same seed. */
export class VirtualStage {
  elapsed = 0;
  #serial = 0;
  #state: number;
  /** By time, the next one last. */
  readonly #agenda: Happening[] = [];

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1): mulberry32. */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  readonly between = (least: number, most: number): number => least + (most - least) * this.random();

  readonly chance = (probability: number): boolean => this.random() < probability;

  readonly after = (ms: number, run: () => void): (() => void) => {
    const happening: Happening = { at: this.elapsed + Math.max(ms, 0), serial: this.#serial++, run };
    let at = this.#agenda.length;
    while (at > 0 && isBefore(this.#agenda[at - 1], happening)) at -= 1;
    this.#agenda.splice(at, 0, happening);
    return () => {
      const index = this.#agenda.indexOf(happening);
      if (index >= 0) this.#agenda.splice(index, 1);
    };
  };

  readonly wait = (ms: number): Promise<void> => new Promise((resolve) => this.after(ms, resolve));

  /** One thing after the other, each with all that follows from it at once. */
  async runUntil(ms: number): Promise<void> {
    for (let next = this.#agenda.at(-1); next !== undefined && next.at <= ms; next = this.#agenda.at(-1)) {
      this.#agenda.pop();
      this.elapsed = next.at;
      next.run();
      await setImmediate();
    }
    this.elapsed = ms;
  }
}

const isBefore = (one: Happening | undefined, other: Happening): boolean =>
  one !== undefined && (one.at < other.at || (one.at === other.at && one.serial < other.serial));
