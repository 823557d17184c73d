import type { AdsEvent, ClientStatus } from '../../xds/ads/events.ts';
import type { ObjectKey } from '../lib/key.ts';
import type { Status } from '../model/status.ts';
import type { SourceHealth, SourceProblem } from '../sources/source.ts';
import type { StatusWithTimes } from '../model/cluster-status.ts';
import type { Vitals } from './health.ts';
import type { Known } from './known.ts';
import type { Logger } from './log.ts';
import { distinct, objectText, type Rejection, rejectionsOf, withRejections } from './rejection.ts';
import { StatusBook } from './status-book.ts';

export type OverviewOptions = {
  readonly log: Logger;
  readonly clients: () => readonly ClientStatus[];
  readonly now: () => Date;
  /** Sources beside that of configuration. What ails them is told by the statuses of the objects they are asked for. */
  readonly beside?: () => readonly SourceHealth[];
  /** What Envoys of other replicas reject. */
  readonly rejectedElsewhere?: () => readonly Rejection[];
  /** What is said beyond what configuration and Envoys' refusals say, as of provisioned Envoys. Gives back what it leaves as it is. */
  readonly overlay?: (statuses: Statuses) => Statuses;
  /** Wants every state of the statuses. */
  readonly told?: (statuses: Statuses) => void;
};

type Statuses = ReadonlyMap<ObjectKey, Status>;

/** What is going on, for whoever asks: holds the latest of everything, and logs what changes. */
export class Overview {
  known: Known | undefined;
  readonly #options: OverviewOptions;
  readonly #book = new StatusBook();
  #problems = new Set<string>();
  #sources = new Map<string, SourceHealth>();
  #rejections: readonly Rejection[] = [];
  #buildFailed = false;
  #stopping = false;

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  statusOf(key: ObjectKey): StatusWithTimes | undefined {
    return this.#book.get(key);
  }

  vitals(): Vitals {
    return {
      published: this.known !== undefined,
      stopping: this.#stopping,
      sources: [...this.#sources.values(), ...(this.#options.beside?.() ?? [])],
      buildFailed: this.#buildFailed,
      rejected: this.#rejections.length,
    };
  }

  /** A source said something, synced or not. */
  heard(health: SourceHealth): void {
    const { log } = this.#options;
    const before = this.#sources.get(health.name);
    this.#sources.set(health.name, health);
    if (health.error !== undefined && health.error !== before?.error)
      log.error(`${health.name}: ${health.error}${health.synced ? '; its last good state stands' : ''}`);
    if (health.error === undefined && before?.error !== undefined) log.info(`${health.name}: readable again`);
  }

  /** A change was published. */
  updated(known: Known): void {
    this.#tellGateways(known.resources);
    this.known = known;
    this.#buildFailed = false;
    this.#tellProblems(known.state.problems);
    this.refresh();
  }

  buildFailed(error: unknown): void {
    this.#buildFailed = true;
    this.#options.log.error({ err: error }, 'a change could not be built; what was published before stands');
  }

  /** Something happened on a stream. */
  happened(event: AdsEvent): void {
    const { log } = this.#options;
    if (event.kind === 'refused') return log.warn(`${event.times} xDS connections refused: ${event.reason}`);
    if (event.kind === 'denied') return log.warn({ peer: event.peer, mode: event.mode }, `Envoy ${event.node.id} denied: ${event.reason}`);
    const envoy = `Envoy ${event.node.id} of ${event.group}`;
    switch (event.kind) {
      case 'connected':
        if (event.served) log.info({ peer: event.peer, mode: event.mode }, `${envoy} connected`);
        else log.warn({ peer: event.peer, mode: event.mode }, `${envoy} connected and waits: no such Gateway is accepted`);
        break;
      case 'disconnected':
        log.info({ peer: event.peer }, `${envoy} disconnected: ${event.reason}`);
        break;
      case 'nack': {
        const what = event.names.length === 0 ? 'something' : event.names.join(', ');
        log.error({ peer: event.peer, type: event.typeUrl }, `${envoy} rejects ${what}: ${event.error}`);
        break;
      }
      case 'ack':
      case 'current':
        log.trace({ peer: event.peer }, `${envoy} ${event.kind}`);
    }
    if (event.kind === 'nack' || this.#rejections.length > 0) this.refresh();
  }

  stopping(): void {
    this.#stopping = true;
  }

  /** Statuses follow what Envoys reject as well as what users write; whoever knows of another change in what they say calls this. */
  refresh(): void {
    if (this.known === undefined) return;
    const { log, clients, now, rejectedElsewhere = () => [], overlay = (statuses) => statuses, told } = this.#options;
    this.#rejections = distinct([...rejectionsOf(clients(), this.known.resources), ...rejectedElsewhere()]);
    const statuses = overlay(withRejections(this.known.graph.statuses, this.#rejections));
    told?.(statuses);
    for (const { object, trouble, type, reason, message } of this.#book.update(statuses, now())) {
      if (trouble) log.warn(`${objectText(object)}: ${type} ${reason}: ${message}`);
      else log.info(`${objectText(object)}: ${type} again`);
    }
  }

  /** Endpoints come and go all the time, which is worth no line; anything else is somebody's edit. */
  #tellGateways(resources: Known['resources']): void {
    const { log } = this.#options;
    const before = this.known?.resources;
    if (before === undefined) return log.info(`serving ${gatewaysText([...resources.keys()])}`);
    const changed = [...resources].filter(([name, now]) => now !== before.get(name));
    const edited = changed.filter(([name, now]) => configurationTypes.some((type) => now[type] !== before.get(name)?.[type]));
    const gone = [...before.keys()].filter((name) => !resources.has(name));
    if (edited.length > 0) log.info(`changed ${gatewaysText(edited.map(([name]) => name))}`);
    else if (changed.length > 0) log.debug(`changed endpoints of ${gatewaysText(changed.map(([name]) => name))}`);
    if (gone.length > 0) log.info(`serving no longer ${gatewaysText(gone)}`);
  }

  #tellProblems(problems: readonly SourceProblem[]): void {
    const { log } = this.#options;
    const now = new Set<string>();
    for (const problem of problems) {
      const text = problemText(problem);
      now.add(text);
      if (this.#problems.has(text)) continue;
      if (problem.severity === 'error') log.error(text);
      else log.warn(text);
    }
    for (const text of this.#problems) if (!now.has(text)) log.info(`solved: ${text}`);
    this.#problems = now;
  }
}

/** `file:line:column: reason`, as far as they are known. */
export const problemText = ({ file, line, column, reason }: SourceProblem): string =>
  [...[file, line, column].filter((part) => part !== undefined), ` ${reason}`].join(':').trimStart();

const configurationTypes = ['Listener', 'RouteConfiguration', 'Cluster', 'Secret'] as const;

const gatewaysText = (names: readonly string[]): string => (names.length === 0 ? 'no Gateway' : `Gateways ${names.join(', ')}`);
