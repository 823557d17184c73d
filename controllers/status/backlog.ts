import { type ObjectKey, partsOf } from '../../src/lib/key.ts';

/** Keys to look at, each once: those that others wait for first, then as they came. Some only after a while. */
export class Backlog {
  readonly #urgent = new Set<ObjectKey>();
  readonly #ready = new Set<ObjectKey>();
  readonly #waiting = new Map<ObjectKey, NodeJS.Timeout>();
  readonly #woken: () => void;

  /** `woken` is called when a key that had to wait is ready. */
  constructor(woken: () => void) {
    this.#woken = woken;
  }

  /** A key that had to wait is ready now. */
  add(key: ObjectKey): void {
    clearTimeout(this.#waiting.get(key));
    this.#waiting.delete(key);
    (isUrgent(key) ? this.#urgent : this.#ready).add(key);
  }

  addAfter(key: ObjectKey, ms: number): void {
    clearTimeout(this.#waiting.get(key));
    const timer = setTimeout(() => {
      this.add(key);
      this.#woken();
    }, ms);
    this.#waiting.set(key, timer);
  }

  take(): ObjectKey | undefined {
    for (const keys of [this.#urgent, this.#ready]) {
      for (const key of keys) {
        keys.delete(key);
        return key;
      }
    }
    return undefined;
  }

  /** Keys that are ready. */
  get ready(): number {
    return this.#urgent.size + this.#ready.size;
  }

  /** Keys that have to wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  clear(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    this.#urgent.clear();
    this.#ready.clear();
  }
}

const urgentKinds: ReadonlySet<string> = new Set(['GatewayClass', 'Gateway', 'ListenerSet']);
const isUrgent = (key: ObjectKey): boolean => urgentKinds.has(partsOf(key).kind);
