/**
 * How often a set may have keys that take the place of refused ones: as many at once as it has replicas, then one each half minute. A tailnet
 * that refuses every device would otherwise be asked for keys for as long as it does.
 */
export class ReissueLimit {
  readonly #now: () => number;
  readonly #left = new Map<string, { tokens: number; at: number }>();

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one; undefined when there was one, else the milliseconds until there is. */
  take(set: string, replicas: number): number | undefined {
    const now = this.#now();
    const last = this.#left.get(set) ?? { tokens: replicas, at: now };
    const tokens = Math.min(replicas, last.tokens + Math.max(0, now - last.at) / intervalMs);
    if (tokens < 1) return Math.ceil((1 - tokens) * intervalMs);
    this.#left.set(set, { tokens: tokens - 1, at: now });
    return undefined;
  }

  forget(set: string): void {
    this.#left.delete(set);
  }
}

const intervalMs = 30_000;
