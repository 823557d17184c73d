import type { Node } from './request.ts';
import type { Mode } from './state.ts';

export type Client = { readonly group: string; readonly node: Node; readonly peer: string; readonly mode: Mode };

/** What happens on streams, for logs, status and metrics. */
export type AdsEvent =
  /** A client's first request. `served` is false if its group has no snapshot: it then waits, and keeps what it has. */
  | ({ readonly kind: 'connected'; readonly served: boolean } & Client)
  | ({ readonly kind: 'disconnected'; readonly reason: string } & Client)
  | ({ readonly kind: 'ack'; readonly typeUrl: string; readonly version: string } & Client)
  /** `names` are the resources found guilty; empty while that is not known yet. */
  | ({ readonly kind: 'nack'; readonly typeUrl: string; readonly names: readonly string[]; readonly error: string } & Client)
  /** A client may not have what it asks for, and its stream was ended; it was no client of a group before, or is none any longer. */
  | ({ readonly kind: 'denied'; readonly reason: string } & Omit<Client, 'group'>)
  /** So many connections ended in their TLS handshake, since this was last said for the reason. */
  | { readonly kind: 'refused'; readonly reason: string; readonly times: number }
  /** The client has accepted all of the snapshot published `afterMs` ago. */
  | ({ readonly kind: 'current'; readonly afterMs: number } & Client);

/** One connected client, for status. */
export type ClientStatus = Client & {
  /** Whether its group has a snapshot. */
  readonly served: boolean;
  /** Whether it has taken everything that is to be had, as far as it asks for it; what it rejects does not count. */
  readonly current: boolean;
  /** Unix milliseconds. */
  readonly since: number;
  readonly types: readonly {
    readonly typeUrl: string;
    /** Last sent; empty before the first response. */
    readonly version: string;
    /** Whether everything sent was accepted. */
    readonly acknowledged: boolean;
    /** Why the client rejected what it last rejected, as long as some of it stays rejected; else empty. */
    readonly error: string;
    /** Resources of which the client keeps an older version, because it rejected the current one. */
    readonly rejected: readonly string[];
  }[];
};

/** Counts since the start, except `streams`, which are those open now. */
export type AdsStats = {
  readonly streams: Readonly<Record<Mode, number>>;
  readonly requests: number;
  readonly malformed: number;
  /** Streams of clients that may not have what they ask for. */
  readonly denied: number;
  /** Connections whose TLS handshake failed. */
  readonly refused: number;
  readonly byType: ReadonlyMap<string, { responses: number; bytes: number; resources: number; acks: number; nacks: number }>;
};
