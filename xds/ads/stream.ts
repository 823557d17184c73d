import { WireError } from '../wire/read.ts';
import type { AdsEvent, Client, ClientStatus } from './events.ts';
import type { Group } from './group.ts';
import type { Denial } from './identity.ts';
import type { Limits } from './limits.ts';
import type { Method } from './methods.ts';
import type { Peer } from './peer.ts';
import { type Node, readDeltaRequest, readSotwRequest } from './request.ts';
import { messageOf } from './response.ts';
import { initialState, isWaiting, type StreamState } from './state.ts';
import type { Stats } from './stats.ts';
import { type Outcome, step, type StreamEvent } from './step.ts';
import type { Turns } from './turns.ts';
import { codes, type Receiver, type Status, type Wire } from './wire.ts';

/** What all streams of a server share. */
export type StreamContext = {
  readonly controlPlane: string;
  readonly limits: Limits;
  readonly turns: Turns;
  readonly stats: Stats;
  readonly groupFor: (node: Node, peer: Peer) => Group | Denial;
  readonly emit: (event: AdsEvent) => void;
  readonly closed: (stream: Stream, group: Group | undefined) => void;
};

/** One stream: feeds the state machine with what the wire and the group tell, and sends what comes of it. */
export class Stream implements Receiver {
  readonly #context: StreamContext;
  readonly #method: Method;
  readonly #wire: Wire;
  readonly #since = Date.now();
  #client: (Client & { readonly of: Group }) | undefined;
  #state: StreamState | undefined;
  #open = true;
  #reason = 'the connection was lost';
  #refreshing = false;
  /** By `performance.now()`: since when the transport has not taken the message, and since when the client owes an answer. */
  #sendingSince: number | undefined;
  #waitingSince: number | undefined;
  #isCurrent = true;

  constructor(context: StreamContext, method: Method, wire: Wire) {
    this.#context = context;
    this.#method = method;
    this.#wire = wire;
    context.stats.streams[method.mode]++;
  }

  message(bytes: Buffer, handled: () => void): void {
    this.#context.turns.add(() => {
      if (this.#open) this.#request(bytes);
      handled();
    });
  }

  halfClosed(): void {
    this.end({ code: codes.ok, details: '' }, 'the client ended the stream');
  }

  failed(status: Status): void {
    this.end(status);
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#context.stats.streams[this.#method.mode]--;
    if (this.#state !== undefined) step(this.#state, { kind: 'closed' });
    this.#context.closed(this, this.#client?.of);
    // Last, so that whoever is told finds it gone from the clients.
    this.#emit({ kind: 'disconnected', reason: this.#reason });
  }

  end(status: Status, reason = status.details): void {
    if (!this.#open) return;
    this.#reason = reason;
    this.#wire.end(status);
    this.closed();
  }

  /** The group has another snapshot. Streams are told in turns, and by then it may have a newer one. */
  refresh(): void {
    this.#isCurrent = false;
    if (this.#refreshing) return;
    this.#refreshing = true;
    this.#context.turns.add(() => {
      this.#refreshing = false;
      const snapshot = this.#client?.of.snapshot;
      if (this.#open && snapshot !== undefined) this.#step({ kind: 'snapshot', snapshot });
    });
  }

  /** To be called once in a while with `performance.now()`: gives up on a client that reads nothing, and waiting for one that answers nothing. */
  check(now: number): void {
    const { limits } = this.#context;
    if (this.#sendingSince !== undefined && now - this.#sendingSince > limits.stuckMs)
      this.end({ code: codes.unavailable, details: 'the client does not read' });
    else if (this.#waitingSince !== undefined && now - this.#waitingSince > limits.patienceMs) {
      this.#waitingSince = undefined;
      this.#step({ kind: 'overdue' });
    }
  }

  status(): ClientStatus | undefined {
    const client = this.#client;
    if (client === undefined || this.#state === undefined) return undefined;
    const { of, ...rest } = client;
    const types = this.#state.subscriptions.map(({ typeUrl, version, flights, error, isolated }) => ({
      typeUrl,
      version,
      acknowledged: flights.length === 0 && version !== '',
      error,
      rejected: [...isolated.keys()],
    }));
    return { ...rest, served: of.snapshot !== undefined, current: this.#isCurrent, since: this.#since, types };
  }

  #request(bytes: Buffer): void {
    const { stats } = this.#context;
    const { mode, typeUrl: implied } = this.#method;
    stats.requests++;
    try {
      const { node, request } = mode === 'sotw' ? readSotwRequest(bytes) : readDeltaRequest(bytes);
      const problem = this.#problemWith(node, request.typeUrl);
      if (problem !== undefined) {
        stats.malformed++;
        this.end(problem);
        return;
      }
      if (node !== undefined && !this.#admits(node)) return;
      this.#step({ kind: 'request', request: implied === undefined ? request : { ...request, typeUrl: implied } });
      const { namesPerType } = this.#context.limits;
      if (this.#state?.subscriptions.some(({ names }) => names.names.size > namesPerType))
        this.end({ code: codes.resourceExhausted, details: `more than ${namesPerType} names of one type on one stream` });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      stats.malformed++;
      this.end({ code: codes.invalidArgument, details: `malformed request: ${error.message}` });
    }
  }

  #problemWith(node: Node | undefined, typeUrl: string): Status | undefined {
    const { limits } = this.#context;
    const { typeUrl: implied } = this.#method;
    const subscriptions = this.#state?.subscriptions ?? [];
    if (this.#client === undefined && node === undefined)
      return { code: codes.invalidArgument, details: 'the first request of a stream must hold the node' };
    if (implied === undefined && typeUrl === '')
      return { code: codes.invalidArgument, details: 'type_url is required on an aggregated stream' };
    if (implied !== undefined && typeUrl !== '' && typeUrl !== implied)
      return { code: codes.invalidArgument, details: `type_url ${typeUrl} on a stream of ${implied}` };
    if (subscriptions.length >= limits.typesPerStream && !subscriptions.some((subscription) => subscription.typeUrl === typeUrl))
      return { code: codes.resourceExhausted, details: `more than ${limits.typesPerStream} types on one stream` };
    return undefined;
  }

  /** Whether the node may go on. What it says first decides for the whole stream; fields left empty later say nothing. */
  #admits(node: Node): boolean {
    const first = this.#client?.node;
    if (first === undefined) return this.#connect(node);
    const same = (node.id === '' || node.id === first.id) && (node.cluster === '' || node.cluster === first.cluster);
    if (!same) this.#deny(node, 'the node has become another during the stream');
    return same;
  }

  #deny(node: Node, reason: string): void {
    this.#context.stats.denied++;
    this.#context.emit({ kind: 'denied', reason, node, peer: this.#wire.peer.address, mode: this.#method.mode });
    this.end({ code: codes.permissionDenied, details: reason });
  }

  #connect(node: Node): boolean {
    const group = this.#context.groupFor(node, this.#wire.peer);
    if ('denied' in group) {
      this.#deny(node, group.denied);
      return false;
    }
    this.#client = { of: group, group: group.name, node, peer: this.#wire.peer.address, mode: this.#method.mode };
    group.streams.add(this);
    this.#state = initialState(this.#method.mode, group.history, group.snapshot, this.#method.typeUrl === undefined);
    this.#emit({ kind: 'connected', served: group.snapshot !== undefined });
    return true;
  }

  #step(event: StreamEvent): void {
    const state = this.#state;
    if (state === undefined) return;
    const { sent } = state;
    const outcome = step(state, event);
    this.#report(outcome);
    for (const response of outcome.responses) {
      const message = messageOf(this.#method.mode, response, this.#context.controlPlane);
      this.#context.stats.sent(response, message.head.length + message.body.length);
      this.#sendingSince = performance.now();
      this.#wire.send(message, () => {
        this.#sendingSince = undefined;
        if (this.#open) this.#step({ kind: 'drained' });
      });
    }
    const isWaitingNow = isWaiting(state);
    if (!isWaitingNow) this.#waitingSince = undefined;
    else if (this.#waitingSince === undefined || state.sent !== sent || outcome.acknowledged !== undefined)
      this.#waitingSince = performance.now();
    if (!isWaitingNow && !this.#isCurrent && this.#client !== undefined) {
      this.#isCurrent = true;
      this.#emit({ kind: 'current', afterMs: performance.now() - this.#client.of.publishedAt });
    }
  }

  #report({ acknowledged, rejected }: Outcome): void {
    if (acknowledged !== undefined) {
      this.#context.stats.of(acknowledged.typeUrl).acks++;
      this.#emit({ kind: 'ack', ...acknowledged });
    }
    if (rejected !== undefined) {
      const { typeUrl, names, message } = rejected;
      this.#context.stats.of(typeUrl).nacks++;
      this.#emit({ kind: 'nack', typeUrl, names, error: message });
    }
  }

  #emit(event: Unaddressed<AdsEvent>): void {
    if (this.#client === undefined) return;
    const { group, node, peer, mode } = this.#client;
    this.#context.emit({ ...event, group, node, peer, mode });
  }
}

/** What happens to a client, without the client. */
type Unaddressed<E> = E extends Client ? Omit<E, keyof Client> : never;
