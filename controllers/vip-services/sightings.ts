import type { VipService } from '../../src/tailscale/answers.ts';
import { registryIn } from './registry.ts';
import { settleMs, staleMs } from './times.ts';

/** Times are milliseconds of clocks that are never set. */
export type Times = {
  readonly elapsed: number;
  /** Runs only while the tailnet is being read: in an outage of ours nobody else grows old. */
  readonly watched: number;
};

const spreadMs = 120_000;

/** Apart from the registry itself, when it was first seen as it is. */
type Emptiness = { readonly text: string; readonly since: number };

/**
 * Who is alive, by what changes before our eyes: clocks of other clusters may be wrong by hours, so times that they write down are compared with
 * each other only. A cluster is alive everywhere when it is heard of in any one service.
 */
export class Sightings {
  /** By service and operator: when it says it was seen. */
  readonly #said = new Map<string, ReadonlyMap<string, string>>();
  readonly #heard = new Map<string, number>();
  readonly #empty = new Map<string, Emptiness>();
  readonly #patienceMs: number;

  /** `chance` is in [0, 1): not all find out at the same moment. */
  constructor(chance: number) {
    this.#patienceMs = staleMs + chance * spreadMs;
  }

  /** All services of the tailnet. */
  sawAll(services: ReadonlyMap<string, VipService>, times: Times): void {
    for (const name of this.#said.keys()) if (!services.has(name)) this.saw(name, undefined, times);
    for (const [name, service] of services) this.saw(name, service, times);
    const known = new Set([...this.#said.values()].flatMap((operators) => [...operators.keys()]));
    for (const operator of this.#heard.keys()) if (!known.has(operator)) this.#heard.delete(operator);
  }

  saw(name: string, service: VipService | undefined, { elapsed, watched }: Times): void {
    const annotations = service?.annotations ?? {};
    const found = registryIn(annotations);
    const registry = found.ok ? found.value : undefined;
    const before = this.#said.get(name);
    const said = new Map([...(registry?.consumers.values() ?? [])].map(({ operator, lastSeen }) => [operator, lastSeen]));
    for (const [operator, lastSeen] of said) if (before?.get(operator) !== lastSeen) this.#heard.set(operator, watched);
    if (said.size > 0) this.#said.set(name, said);
    else this.#said.delete(name);
    const text = registry?.emptied === undefined ? undefined : JSON.stringify(registry.emptied);
    if (text === undefined) this.#empty.delete(name);
    else if (this.#empty.get(name)?.text !== text) this.#empty.set(name, { text, since: elapsed });
  }

  /** Operators that have not been heard of for too long. */
  stale({ watched }: Times): ReadonlySet<string> {
    return new Set([...this.#heard].filter(([, since]) => watched - since >= this.#patienceMs).map(([operator]) => operator));
  }

  emptied(name: string, { elapsed }: Times): 'new' | 'long' | 'abandoned' {
    const forMs = elapsed - (this.#empty.get(name)?.since ?? elapsed);
    if (forMs >= this.#patienceMs) return 'abandoned';
    return forMs >= settleMs ? 'long' : 'new';
  }
}
