import { History } from '../snapshot/history.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Stream } from './stream.ts';

/** The streams of one Gateway's Envoys, and what they should hold. */
export class Group {
  readonly name: string;
  readonly history = new History();
  readonly streams = new Set<Stream>();
  #snapshot: Snapshot | undefined;
  /** When the snapshot was published, by `performance.now()`. */
  publishedAt = 0;

  constructor(name: string) {
    this.name = name;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Undefined forgets the snapshot: streams that were given it keep it, new ones wait. */
  set snapshot(snapshot: Snapshot | undefined) {
    this.#snapshot = snapshot;
    this.publishedAt = performance.now();
    if (snapshot !== undefined) this.history.push(snapshot);
  }
}
