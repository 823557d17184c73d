import type { Peer } from './peer.ts';
import type { Message } from './response.ts';
import type { Tls } from './tls.ts';

/** How an RPC ends; codes as gRPC numbers them. */
export type Status = { readonly code: number; readonly details: string };
export const codes = { ok: 0, invalidArgument: 3, permissionDenied: 7, resourceExhausted: 8, unimplemented: 12, unavailable: 14 } as const;

/** One streaming RPC as the protocol sees it, whatever carries it. */
export interface Wire {
  readonly peer: Peer;
  /** Sends one message. `taken` is called once the transport has passed it on, which a client that does not read can put off for ever. */
  send(message: Message, taken: () => void): void;
  /** Ends the RPC. Nothing is sent or received afterwards. */
  end(status: Status): void;
}

/** What a wire tells. */
export interface Receiver {
  /** One message of the client; the next is read after `handled`. */
  message(bytes: Buffer, handled: () => void): void;
  /** The client will send no more. */
  halfClosed(): void;
  /** The transport cannot or will not go on; the receiver is to end the RPC so. */
  failed(status: Status): void;
  /** The RPC is over, for whatever reason. Called once. */
  closed(): void;
}

/** Carries RPCs over the network. */
export interface Transport {
  /** The port listened on. Throws a ListenError. */
  listen(): Promise<number>;
  /**
   * From now on handshakes are made with `tls`; for the first time before listening. Connections stay, but for those of clients whose CA is trusted no longer: they are asked to
   * come anew. Throws a TlsError, and goes on as before, where it cannot be used.
   */
  secure(tls: Tls): void;
  /** Takes no new connections and tells the clients to go elsewhere; resolves when all are gone, at the latest after `limitMs`. */
  drain(limitMs: number): Promise<void>;
}

/** The address cannot be listened on, for example because another process does. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;
  constructor(address: string, code: string, options?: ErrorOptions) {
    super(`cannot listen on ${address}: ${code === 'EADDRINUSE' ? 'the address is already in use' : code}`, options);
    this.code = code;
  }
}
