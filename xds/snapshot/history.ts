import type { EncodedResource } from './encoded.ts';
import type { Snapshot, TypeSnapshot } from './snapshot.ts';

/**
 * What one group's streams remember together: the last generations of each type, by version, and the last one that some client accepted
 * whole. Streams themselves hold references to generations, and these keep alive only what is still of use.
 */
export class History {
  readonly #recent = new Map<string, TypeSnapshot[]>();
  readonly #accepted = new Map<string, TypeSnapshot>();

  /** To be told of each snapshot published. */
  push(snapshot: Snapshot): void {
    for (const [typeUrl, type] of snapshot) {
      const recent = this.#recent.get(typeUrl) ?? [];
      if (recent.at(-1) !== type) this.#recent.set(typeUrl, [...recent.slice(1 - generationsKept), type]);
    }
  }

  /** The generation a client says to hold, if it is one of the last few of this process. */
  find(typeUrl: string, version: string): TypeSnapshot | undefined {
    return this.#recent.get(typeUrl)?.findLast((type) => type.version === version);
  }

  /** To be told of a generation that a client has accepted as a whole. */
  accept(type: TypeSnapshot): void {
    this.#accepted.set(type.typeUrl, type);
  }

  /** The version of a resource in the generation last accepted as a whole, for a stream that cannot know what its client holds. */
  acceptedOf(typeUrl: string, name: string): EncodedResource | undefined {
    return this.#accepted.get(typeUrl)?.resources.get(name);
  }
}

/** Each holds its own bytes of what differs, and of a RouteConfiguration that is all of it. */
const generationsKept = 4;
