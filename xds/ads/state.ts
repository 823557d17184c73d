import type { EncodedResource } from '../snapshot/encoded.ts';
import type { History } from '../snapshot/history.ts';
import { emptyType, type Snapshot, type TypeSnapshot } from '../snapshot/snapshot.ts';
import type { NameSet } from './names.ts';
import type { View } from './view.ts';

export type Mode = 'sotw' | 'delta';

/** Everything the protocol remembers about one stream. Belongs to `step`, which changes it in place. */
export type StreamState = {
  readonly mode: Mode;
  /** Whether types share the stream, so that there is an order between them. */
  readonly aggregated: boolean;
  readonly history: History;
  /** What the client should hold; undefined until its group has a snapshot, and until then nothing is answered. */
  snapshot: Snapshot | undefined;
  /** Counts the snapshots this stream was given. */
  generation: number;
  /** Waiting for the client was given up for this generation and all before. */
  impatientAt: number;
  /** In the order in which types are sent: what is referred to first. */
  readonly subscriptions: Subscription[];
  /** The transport takes one message at a time; what comes up meanwhile is merged into the next. */
  writable: boolean;
  sent: number;
};

/** One type on one stream. */
export type Subscription = {
  readonly typeUrl: string;
  wildcard: boolean;
  /** SotW: no name was ever given, so that a request without names still means everything. */
  legacy: boolean;
  names: NameSet;
  /** What the client holds, once it has worked through all that was sent. */
  view: View;
  /** Names to answer whether they changed or not: the client asked for them, again or anew. */
  readonly asked: Set<string>;
  /** EDS names to send though unchanged, because a cluster that uses them changed and warms until they come. */
  readonly again: Set<string>;
  /** The first request was not answered yet. */
  unanswered: boolean;
  /** SotW: nothing was accepted yet, so that the client may hold what it had before this stream, and which it does not tell. */
  unsure: boolean;
  /** The client came with things from before this stream, and may yet subscribe to what refers to them. */
  resumed: boolean;
  /** Responses neither accepted nor rejected yet, oldest first. */
  flights: readonly Flight[];
  /** Names no longer in the snapshot that the client keeps until nothing refers to them, with the generation that dropped them. */
  readonly leaving: Map<string, number>;
  readonly isolated: Map<string, Isolated>;
  /** Groups of isolated names, one of which at least was rejected; each is to be tried by itself, the last first. */
  readonly trials: (readonly string[])[];
  /** Rejections since the type's content last changed. */
  rejections: number;
  /** CDS only: assignments that clusters sent before wait for. */
  awaiting: readonly string[];
  /** The client has accepted everything up to this generation, removals included. */
  done: number;
  /** For status: version last sent, and why the client rejected what it last rejected. */
  version: string;
  error: string;
};

/** A response on its way. */
export type Flight = {
  readonly nonce: string;
  /** The subscription it answered. */
  readonly wildcard: boolean;
  readonly names: NameSet;
  readonly before: View;
  readonly after: View;
  /** What `done` becomes when it is accepted. */
  readonly done: number;
  /** Nothing waits for the answer any more, but it still counts when it comes. */
  readonly late: boolean;
};

/** A rejected version of a resource, and what the client keeps in its place. */
export type Isolated = { readonly version: string; readonly stands: EncodedResource | Foreign | undefined };

/** What the client says to hold from before this stream, and what it holds uncertainly: its content is not known here. */
export type Foreign = { readonly version: string; readonly foreign: true; readonly before: EncodedResource | undefined };

/** What goes to the client; response.ts turns it into bytes. Equal arrays are mostly the same array, so that bytes are shared. */
export type Response = {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
};

export const initialState = (mode: Mode, history: History, snapshot?: Snapshot, aggregated = true): StreamState => ({
  mode,
  aggregated,
  history,
  snapshot,
  generation: 1,
  impatientAt: 0,
  subscriptions: [],
  writable: true,
  sent: 0,
});

/** What the client should hold of a type; undefined before the group's first snapshot. */
export const targetOf = ({ snapshot }: StreamState, typeUrl: string): TypeSnapshot | undefined =>
  snapshot === undefined ? undefined : (snapshot.get(typeUrl) ?? emptyType(typeUrl));

export const subscriptionOf = ({ subscriptions }: StreamState, typeUrl: string): Subscription | undefined =>
  subscriptions.find((subscription) => subscription.typeUrl === typeUrl);

export const covers = ({ wildcard, names }: Pick<Subscription, 'wildcard' | 'names'>, name: string): boolean => wildcard || names.has(name);

/** Whether a response of the type is on its way, so that changes wait for its answer. */
export const isInFlight = ({ flights }: Subscription): boolean => flights.at(-1)?.late === false;

/** Whether anything waits for an answer of the client. If that does not come for long, the rim gives the event `overdue`. */
export const isWaiting = (state: StreamState): boolean =>
  state.subscriptions.some(
    (subscription) =>
      isInFlight(subscription) ||
      subscription.leaving.size > 0 ||
      (state.snapshot !== undefined && subscription.view.base !== targetOf(state, subscription.typeUrl)),
  );
