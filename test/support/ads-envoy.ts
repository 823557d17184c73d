/** An imitation of Envoy's side of an aggregated stream, by the order of requests seen with Envoy 1.40, and a check of what it is sent. */
import { nameSetOf } from '../../xds/ads/names.ts';
import type { Mode, Response } from '../../xds/ads/state.ts';
import type { DeltaRequest, SotwRequest } from '../../xds/ads/subscribe.ts';
import { CDS, EDS, isFullState, LDS, RDS } from '../../xds/ads/types.ts';
import type { EncodedResource } from '../../xds/snapshot/encoded.ts';
import { contentOf } from './ads-world.ts';

export type Habits = {
  readonly mode: Mode;
  /** How everything is asked for: without a name, or by `*`. */
  readonly wildcard: 'legacy' | 'explicit';
  /** Envoy asks for what a resource refers to before it accepts that resource; others do it afterwards. */
  readonly asksFirst: boolean;
  /** Whether a rejection says which resource is to blame. */
  readonly names: boolean;
  /** Whether the good part of a rejected response is applied all the same, as Envoy does. */
  readonly partial: boolean;
};

type TypeState = {
  names: readonly string[] | undefined;
  version: string;
  nonce: string;
  readonly held: Map<string, EncodedResource>;
};

export class Envoy {
  readonly habits: Habits;
  readonly types = new Map<string, TypeState>();
  /** What it was sent that it must not be. */
  readonly violations: string[] = [];
  /** Requests on their way to the server. */
  requests: (SotwRequest | DeltaRequest)[] = [];
  readonly rejected = new Set<string>();

  constructor(habits: Habits) {
    this.habits = habits;
    this.#subscribe(CDS, undefined);
  }

  heldOf(typeUrl: string): ReadonlyMap<string, EncodedResource> {
    return this.types.get(typeUrl)?.held ?? new Map();
  }

  /** A new stream: it asks for all it had asked for, and says what it holds. */
  reconnect(): void {
    this.requests = [];
    for (const typeUrl of [CDS, EDS, LDS, RDS]) {
      const type = this.types.get(typeUrl);
      if (type === undefined) continue;
      type.nonce = '';
      const initial = new Map([...type.held].map(([name, { version }]) => [name, version]));
      this.#request(typeUrl, type.names ?? this.#everything, [], initial);
    }
  }

  receive(response: Response): void {
    const { typeUrl, nonce, version } = response;
    const type = this.types.get(typeUrl);
    if (type === undefined) {
      this.violations.push(`sent ${typeUrl}, which was not asked for`);
      return;
    }
    type.nonce = nonce;
    const wanted = response.resources.filter(({ name }) => type.names === undefined || type.names.includes(name));
    const bad = wanted.filter((resource) => contentOf(resource).bad && type.held.get(resource.name)?.version !== resource.version);
    for (const resource of bad) this.rejected.add(`${resource.name}@${resource.version}`);
    if (bad.length === 0 || this.habits.partial) {
      const good = wanted.filter((resource) => !bad.includes(resource));
      const kept = new Set(bad.map(({ name }) => name));
      this.#apply(
        typeUrl,
        type,
        good,
        this.#goneBy(response, type).filter((name) => !kept.has(name)),
      );
    }
    if (bad.length === 0) type.version = version;
    if (this.habits.asksFirst) this.#follow(typeUrl);
    this.#answer(typeUrl, type, bad);
    if (!this.habits.asksFirst) this.#follow(typeUrl);
  }

  get #everything(): readonly string[] {
    return this.habits.wildcard === 'explicit' ? ['*'] : [];
  }

  #goneBy({ typeUrl, resources, removed }: Response, { held, names }: TypeState): readonly string[] {
    if (this.habits.mode === 'delta') return removed;
    if (!isFullState(typeUrl)) return [];
    const present = new Set(resources.map(({ name }) => name));
    return [...held.keys()].filter((name) => !present.has(name) && (names === undefined || names.includes(name)));
  }

  #apply(typeUrl: string, { held }: TypeState, resources: readonly EncodedResource[], gone: readonly string[]): void {
    for (const resource of resources) {
      held.set(resource.name, resource);
      if (typeUrl === RDS) this.#checkReferences(resource);
    }
    for (const name of gone) {
      held.delete(name);
      if (typeUrl === CDS) this.#checkRemoval(name);
    }
  }

  #checkReferences(route: EncodedResource): void {
    for (const name of contentOf(route).refs) {
      if (!this.heldOf(CDS).has(name)) this.#violate(`route ${route.name} came before its cluster ${name}`, name);
      else if (!this.heldOf(EDS).has(name)) this.#violate(`route ${route.name} came before the endpoints of ${name}`, name);
    }
  }

  #checkRemoval(cluster: string): void {
    for (const route of this.heldOf(RDS).values())
      if (contentOf(route).refs.includes(cluster)) this.#violate(`cluster ${cluster} went while route ${route.name} named it`, cluster);
  }

  /** What the client itself has rejected it cannot miss. */
  #violate(what: string, about: string): void {
    if (![...this.rejected].some((rejected) => rejected.startsWith(`${about}@`))) this.violations.push(what);
  }

  #answer(typeUrl: string, { names, version, nonce }: TypeState, bad: readonly EncodedResource[]): void {
    const blame = this.habits.names ? bad.map(({ name }) => `${name}: not good`).join(', ') : 'something is not good';
    const error = bad.length > 0 ? { error: `rejected: ${blame}` } : {};
    if (this.habits.mode === 'sotw') this.requests.push({ typeUrl, nonce, version, names: nameSetOf(names ?? this.#everything), ...error });
    else this.requests.push({ typeUrl, nonce, subscribe: [], unsubscribe: [], initial: new Map(), ...error });
  }

  #follow(typeUrl: string): void {
    const refs = (from: string): string[] => [...new Set([...this.heldOf(from).values()].flatMap((resource) => contentOf(resource).refs))];
    if (typeUrl === CDS) this.#subscribe(EDS, refs(CDS));
    if (typeUrl === LDS) this.#subscribe(RDS, refs(LDS));
    // Listeners are asked for once all clusters are warm.
    const isWarm = this.types.has(EDS) && refs(CDS).every((name) => this.heldOf(EDS).has(name));
    if (!this.types.has(LDS) && isWarm) this.#subscribe(LDS, undefined);
  }

  #subscribe(typeUrl: string, names: readonly string[] | undefined): void {
    const known = this.types.get(typeUrl);
    const type: TypeState = known ?? { names, version: '', nonce: '', held: new Map() };
    const before = type.names ?? [];
    const added = (names ?? []).filter((name) => !before.includes(name));
    const gone = before.filter((name) => !(names ?? []).includes(name));
    type.names = names;
    this.types.set(typeUrl, type);
    for (const name of gone) type.held.delete(name);
    if (known === undefined) {
      if (names === undefined || names.length > 0) this.#request(typeUrl, names ?? this.#everything, [], new Map());
      else this.types.delete(typeUrl);
    } else if (added.length + gone.length > 0) this.#request(typeUrl, this.habits.mode === 'sotw' ? (names ?? []) : added, gone, new Map());
  }

  #request(typeUrl: string, names: readonly string[], unsubscribe: readonly string[], initial: ReadonlyMap<string, string>): void {
    const { version = '', nonce = '' } = this.types.get(typeUrl) ?? {};
    if (this.habits.mode === 'sotw') this.requests.push({ typeUrl, nonce, version, names: nameSetOf(names) });
    else this.requests.push({ typeUrl, nonce: '', subscribe: names, unsubscribe, initial });
  }
}
