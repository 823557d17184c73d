/** What every replica must know of the Envoys that are connected to the others, so that whoever leads can say it in statuses. */
import { auditTime, type Observable, Subject, Subscription } from 'rxjs';
import type { ClientStatus } from '../../xds/ads/events.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { reflect } from '../../src/kubernetes/reflector.ts';
import { equal } from '../../src/lib/equal.ts';
import type { LocalKey } from '../../src/lib/key.ts';
import type { Graph } from '../../src/model/graph.ts';
import type { Rejection } from '../../src/ops/rejection.ts';
import { managedResources } from '../runtime/kinds.ts';
import { configMapName, type Replica, reportSelector, reportsFrom } from './config-map.ts';
import { type Merged, mergeReports, nothingKnown } from './merge.ts';
import { hear, type Others } from './others.ts';
import { ownReport, type Published } from './own-report.ts';
import { type Rejectings, rejectingsOf } from './rejecting.ts';
import { noReport, type Report, textOf } from './report.ts';
import { ReportWriter, pace } from './report-writer.ts';

export type ReplicasOptions = {
  readonly api: ApiServer;
  readonly replica: Replica;
  /** Tells this process from earlier ones in the same pod: anything that does not come twice. */
  readonly process: string;
  /** Envoys connected to this replica. */
  readonly clients: () => readonly ClientStatus[];
  /** A report could not be written; told once for a row of failures. */
  readonly failed: (error: unknown) => void;
};

/** Acknowledgements of many Envoys come together. */
const gatherMs = 20;

/** Tells others what is known here, and knows what they tell. */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #writer: ReportWriter;
  readonly #subscription = new Subscription();
  readonly #happened = new Subject<void>();
  readonly #changes = new Subject<void>();
  readonly #name: string;
  #published: Published = { snapshots: new Map(), editions: new Map() };
  #rejectings: Rejectings = new Map();
  #own: Report = noReport;
  #others: Others = new Map();
  #merged: Merged = nothingKnown;
  /** Goes on only while our own heartbeats come back: while the API server is away nobody is heard of, which says nothing about anybody. */
  #clockMs = 0;
  #othersAsked = false;
  #self: { readonly version: string; readonly atMs: number } | undefined;

  constructor({ api, replica, ...options }: ReplicasOptions) {
    this.#options = { api, replica, ...options };
    this.#name = configMapName(replica.pod);
    this.#writer = new ReportWriter({ api, replica, process: options.process, failed: options.failed });
  }

  /** Something that is said here became different. */
  get changes$(): Observable<void> {
    return this.#changes;
  }

  start(): void {
    const { api, replica } = this.#options;
    this.#subscription.add(this.#happened.pipe(auditTime(gatherMs)).subscribe(() => this.#look()));
    this.#subscription.add(
      reflect({ api, resource: managedResources.ConfigMap, namespace: replica.namespace, labelSelector: reportSelector }).subscribe(
        ({ objects, health }) => {
          if (health.synced) this.#hear(objects.values());
          if (this.#othersAsked) return;
          this.#othersAsked = true;
          this.#changes.next();
        },
      ),
    );
    this.#look();
  }

  /** What Envoys are to hold from now on. */
  published({ graph, snapshots }: { readonly graph: Graph; readonly snapshots: ReadonlyMap<string, Snapshot> }): void {
    this.#published = { snapshots, editions: new Map([...snapshots.keys()].map((gateway) => [gateway, editionOf(graph, gateway)])) };
    this.#look();
  }

  /** Something happened on a stream. */
  happened(): void {
    this.#happened.next();
  }

  /** Whether others' reports were read, or cannot be: before that, what is said here may be less than is known. */
  get synced(): boolean {
    return this.#othersAsked;
  }

  /** Whether some Envoy has accepted the configuration of the Gateway (`namespace/name`) as it is now, or was since its last edit. */
  accepted(gateway: string): boolean {
    const edition = this.#merged.accepted.get(gateway);
    return edition !== undefined && edition === this.#published.editions.get(gateway);
  }

  /** Whether every Envoy of the Gateway (`namespace/name`), and there is one, has the entrance from a tailnet that is called `listener`. */
  isTaken(gateway: string, listener: string): boolean {
    return this.#merged.taken.get(gateway)?.has(listener) === true;
  }

  /** Envoys of the Gateway (`namespace/name`), wherever they are connected. */
  connected(gateway: string): number {
    return this.#merged.connected.get(gateway) ?? 0;
  }

  /**
   * What Envoys reject: those connected here, those connected to others, and those that come anew, so that no status flaps while they do. One
   * that several reject is there more than once.
   */
  rejections(): readonly Rejection[] {
    return this.#merged.rejections;
  }

  /** Takes our report away: our Envoys are others' from now on. Never throws. */
  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.#writer.stop();
    this.#changes.complete();
  }

  #look(): void {
    const clients = this.#options.clients();
    this.#rejectings = rejectingsOf(clients, this.#published.snapshots, this.#rejectings, performance.now());
    this.#own = ownReport(clients, this.#rejectings, this.#published, this.#own);
    this.#writer.write(textOf(this.#own));
    this.#merge();
  }

  #hear(objects: Iterable<KubeObject>): void {
    const all = [...objects];
    const others = all.filter(({ metadata }) => metadata.name !== this.#name);
    const self = all.find(({ metadata }) => metadata.name === this.#name);
    if (self !== undefined) this.#heardOurselves(self.metadata.resourceVersion ?? '');
    else if (this.#self !== undefined) this.#writer.again();
    this.#others = hear(this.#others, reportsFrom(others), this.#clockMs);
    // Our own heartbeat among them, so that Envoys that do not come back are given up some time.
    this.#look();
  }

  #heardOurselves(version: string): void {
    if (version === this.#self?.version) return;
    const atMs = performance.now();
    this.#clockMs += Math.min(atMs - (this.#self?.atMs ?? atMs), pace.heartbeatMs * 1.25);
    this.#self = { version, atMs };
  }

  #merge(): void {
    const merged = mergeReports(this.#own, this.#others, this.#published, this.#merged, this.#clockMs);
    if (isSame(merged, this.#merged)) return;
    this.#merged = merged;
    this.#changes.next();
  }
}

/** The uid tells a Gateway from a namesake before it, the generation its edits from each other. */
const editionOf = ({ infrastructures, statuses }: Graph, gateway: string): string => {
  const status = statuses.get(`Gateway/${gateway as LocalKey}`);
  const generation = status?.kind === 'Gateway' ? (status.conditions[0]?.observedGeneration ?? 0) : 0;
  return `${infrastructures.get(gateway)?.uid ?? ''}/${generation}`;
};

const isSame = (one: Merged, other: Merged): boolean =>
  equal([...one.connected], [...other.connected]) &&
  equal([...one.accepted], [...other.accepted]) &&
  one.taken.size === other.taken.size &&
  [...one.taken].every(([gateway, names]) => names === other.taken.get(gateway)) &&
  equal(one.rejections, other.rejections);
