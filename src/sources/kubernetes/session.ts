import { asyncScheduler, Subject, Subscription, share, throttleTime } from 'rxjs';
import { allKinds, type Kind, kinds } from '../../api/kinds.ts';
import type { Objects } from '../../api/objects.ts';
import { equal } from '../../lib/equal.ts';
import { type LocalKey, localKey, type ObjectKey, partsOf } from '../../lib/key.ts';
import type { ApiServer } from '../../kubernetes/api-server.ts';
import { type Clock, systemClock } from '../../kubernetes/clock.ts';
import { discover, type Discovery } from '../../kubernetes/discovery.ts';
import type { SourceHealth, SourceProblem, SourceState } from '../source.ts';
import { type Follower, followerOf, referencedFollowerOf } from './follower.ts';
import type { Reading } from './kind-reader.ts';
import type { ObservedObject } from './observed.ts';
import { errorFrom } from './reading-error.ts';
import { referencesIn, type Referrers, referrers } from './references.ts';

export type SessionOptions = {
  readonly api: ApiServer;
  /** Of namespaced kinds only what is in these; everything when absent. */
  readonly namespaces?: readonly string[];
  /** Whose Gateways' Secrets are read: ours. */
  readonly controllerName: string;
  /** Where tailnets keep credentials that name no namespace; `tailplane-system` when absent. */
  readonly ownNamespace?: string;
  readonly observedChange: (key: ObjectKey) => void;
  /** What health calls this source. */
  readonly name?: string;
  /** After a change, for its siblings to arrive. */
  readonly gatherMs?: number;
  /** How long a kind that was never read must be forbidden to count as not there. */
  readonly forbiddenGraceMs?: number;
  /** How long changes wait at most for what belongs to them: objects they refer to, and kinds whose watches broke. */
  readonly holdMs?: number;
  /** Between looks for kinds that came or went. */
  readonly discoveryMs?: number;
  readonly clock?: Clock;
};

/** How often a kind that cannot be read is looked at for whether to go on without it. */
const graceCheckMs = 250;

const betweenHealthsMs = 1000;
/** A server that starts answers one kind after the other: not all others try again each time. */
const betweenAnswersMs = 250;

const noObjects = Object.fromEntries(allKinds.map((kind) => [kind, new Map()])) as unknown as Objects;

/** Not the objects they came with: Gateways rarely change, and every route of that time would be kept with all that was made of it. */
const referrersIn = (objects: Objects): Referrers =>
  Object.fromEntries(referrers.map((kind) => [kind, objects[kind]])) as unknown as Referrers;

/** One subscription: its readers, and what it last said. */
export class Session {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #emit: (state: SourceState) => void;
  readonly #referenced: readonly ReturnType<typeof referencedFollowerOf>[];
  readonly #followers: ReadonlyMap<string, Follower>;
  readonly #discovering = new Subscription();
  readonly #answers = new Subject<void>();
  #discovery: Discovery = { served: undefined };
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #said: SourceState | undefined;
  #healthToldAt = -Infinity;
  /** What references were last looked for in. */
  #searched: Referrers = noObjects;
  /** Since when changes are held back. */
  #heldSince: number | undefined;

  constructor(options: SessionOptions, emit: (state: SourceState) => void) {
    const { api, namespaces, observedChange, gatherMs = 2, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    const answers$ = this.#answers.pipe(throttleTime(betweenAnswersMs, asyncScheduler, { leading: true, trailing: true }), share());
    const answered = (): void => this.#answers.next();
    const reading: Reading = { api, clock, answers$, answered, ...(namespaces !== undefined && { namespaces }) };
    const hearing = { heard: () => this.#wake(gatherMs), observedChange };
    this.#referenced = [referencedFollowerOf('Secret', reading, hearing), referencedFollowerOf('ConfigMap', reading, hearing)];
    const others = allKinds.filter((kind) => !this.#referenced.some((follower) => follower.kind === kind));
    const followers = [...this.#referenced, ...others.map((kind) => followerOf(kind, reading, hearing))];
    this.#followers = new Map(followers.map((follower) => [follower.kind, follower]));
  }

  start(): void {
    const { api, discoveryMs } = this.#options;
    const options = { api, kinds: Object.values(kinds), clock: this.#clock, ...(discoveryMs !== undefined && { pollMs: discoveryMs }) };
    this.#wake(0);
    this.#discovering.add(discover(options).subscribe((discovery) => this.#discovered(discovery)));
  }

  stop(): void {
    this.#discovering.unsubscribe();
    for (const { reader } of this.#followers.values()) reader.stop();
    for (const { store } of this.#referenced) store.stop();
    clearTimeout(this.#timer);
    this.#due = -Infinity;
  }

  get(key: ObjectKey): ObservedObject | undefined {
    const { kind, namespace, name } = partsOf(key);
    return this.#followers.get(kind)?.store.get(localKey(namespace, name));
  }

  ofKind(kind: Kind): Iterable<ObservedObject> {
    return this.#followers.get(kind)?.store.entries() ?? [];
  }

  #discovered(discovery: Discovery): void {
    const { served, failure } = discovery;
    if (this.#discovery.failure !== undefined && failure === undefined) this.#answers.next();
    this.#discovery = discovery;
    if (served !== undefined) {
      for (const { kind, reader, store } of this.#followers.values()) {
        reader.follow(served.get(kind));
        if (!served.has(kind)) store.clear();
      }
    }
    this.#wake(0);
  }

  /** Tells what is new after `ms`, or sooner when that is due sooner. */
  #wake(ms: number): void {
    const due = performance.now() + ms;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.#tell();
    }, ms);
  }

  #tell(): void {
    const said = this.#said;
    const known = this.#isSynced || this.#isReady() ? this.#known() : undefined;
    const isNew = known !== undefined && (!this.#isSynced || known.objects !== said?.objects || !equal(known.problems, said.problems));
    if (!isNew) this.#heldSince = undefined;
    const isTold = isNew && !this.#isHeld();
    const health = this.#health(this.#isSynced || isTold);
    if (!isTold && said !== undefined && (health.error === said.health.error || !this.#mayTellHealth())) return;
    const { objects, problems } = (isTold ? known : said) ?? { objects: noObjects, problems: [] };
    this.#said = { objects, problems, health };
    this.#emit(this.#said);
  }

  /** What is wrong changes many times while an API server stops and starts: that is told at once, and then now and then. */
  #mayTellHealth(): boolean {
    const leftMs = this.#healthToldAt + betweenHealthsMs - this.#clock.now();
    if (leftMs > 0) this.#wake(leftMs);
    else this.#healthToldAt = this.#clock.now();
    return leftMs <= 0;
  }

  get #isSynced(): boolean {
    return this.#said?.health.synced === true;
  }

  /** Whether everything that exists was listed once, but for what we may not read. */
  #isReady(): boolean {
    const { forbiddenGraceMs = 10_000 } = this.#options;
    const { served } = this.#discovery;
    const ready = served !== undefined && this.#following().every(({ reader }) => reader.ready(forbiddenGraceMs));
    if (!ready) this.#wake(graceCheckMs);
    return ready;
  }

  /** Followers of the kinds that exist. */
  #following(): readonly Follower[] {
    return [...this.#followers.values()].filter(({ kind }) => this.#discovery.served?.has(kind) === true);
  }

  /** Everything as it is known now; what did not change is the same. Begins to read what is newly referred to. */
  #known(): Pick<SourceState, 'objects' | 'problems'> {
    this.#want(this.#objects());
    const stores = [...this.#followers.values()].map(({ store }) => store);
    return { objects: this.#objects(), problems: [...this.#missing(), ...stores.flatMap((store) => store.problems())] };
  }

  #objects(): Objects {
    const maps = [...this.#followers.values()].map(({ kind, store }) => [kind, store.objects()] as const);
    const said = this.#said?.objects;
    return said !== undefined && maps.every(([kind, map]) => said[kind] === map) ? said : (Object.fromEntries(maps) as unknown as Objects);
  }

  #want(objects: Objects): void {
    const searched = this.#searched;
    if (referrers.every((kind) => searched[kind] === objects[kind])) return;
    this.#searched = referrersIn(objects);
    const { controllerName, namespaces, ownNamespace = 'tailplane-system' } = this.#options;
    const wanted = [...referencesIn(objects, controllerName, ownNamespace)].map(partsOf);
    for (const { kind, store } of this.#referenced) {
      const within = wanted.filter((parts) => parts.kind === kind && (namespaces?.includes(parts.namespace) ?? true));
      store.want(new Set<LocalKey>(within.map(({ namespace, name }) => localKey(namespace, name))));
    }
  }

  /**
   * Whether news must wait: a Gateway for the Secret it names, and after an outage each kind for the others, or a route would be sent to a
   * Service that is not read yet. Once synced not for long: what cannot be read then is left behind.
   */
  #isHeld(): boolean {
    const { holdMs = 5000 } = this.#options;
    const behind = [...this.#followers.values()].filter(({ reader }) => reader.catchingUp());
    const isPending = this.#referenced.some(({ store }) => store.isPending);
    const now = this.#clock.now();
    this.#heldSince ??= now;
    const leftMs = this.#isSynced || !isPending ? this.#heldSince + holdMs - now : holdMs;
    if ((behind.length > 0 || isPending) && leftMs > 0) {
      this.#wake(leftMs);
      return true;
    }
    for (const { reader } of behind) reader.fallBehind();
    this.#heldSince = undefined;
    return false;
  }

  #missing(): readonly SourceProblem[] {
    const missing = allKinds.filter((kind) => this.#discovery.served?.has(kind) === false);
    if (missing.length === 0) return [];
    return [{ severity: 'warning', reason: `the API server does not serve ${missing.join(', ')}: install their CRDs to use them` }];
  }

  #health(synced: boolean): SourceHealth {
    const { failure } = this.#discovery;
    const following = this.#following();
    const discovery = { what: 'which kinds exist', failures: failure === undefined ? [] : [failure] };
    const error = errorFrom([discovery, ...following.map(({ kind, reader }) => ({ what: kind, failures: reader.failures() }))]);
    const lastRead = Math.max(0, ...following.map(({ reader }) => reader.lastRead()));
    return { name: this.#options.name ?? 'kubernetes', synced, lastRead, ...(error !== undefined && { error }) };
  }
}
