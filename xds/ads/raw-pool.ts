import { crc32 } from 'node:zlib';

const entriesAtMost = 128;
/** Below, looking up costs as much as reading; above, one entry could hold too much. */
const pooled = { from: 128, to: 4 << 20 };

/**
 * What was read from bytes, kept for when the same bytes come again: replicas of one Envoy Deployment send the same long lists of names,
 * and a stream repeats its own with every ACK. Holds a bounded number of entries, the least recently used leave first.
 */
export class RawPool<T> {
  readonly #entries = new Map<string, { readonly raw: Buffer; readonly value: T }>();
  readonly #read: (raw: Buffer) => T;

  constructor(read: (raw: Buffer) => T) {
    this.#read = read;
  }

  get(raw: Buffer): T {
    if (raw.length < pooled.from || raw.length > pooled.to) return this.#read(raw);
    const key = `${raw.length}:${crc32(raw)}`;
    const known = this.#entries.get(key);
    if (known !== undefined && known.raw.equals(raw)) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value;
    }
    const value = this.#read(raw);
    this.#entries.set(key, { raw: Buffer.from(raw), value });
    const oldest = this.#entries.size > entriesAtMost ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
    return value;
  }
}
