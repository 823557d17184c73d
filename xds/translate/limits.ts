/**
 * Limits an Envoy that faces clients should have, after Envoy's "Configuring Envoy as an edge proxy"; where nothing is said here,
 * the figures are that page's.
 */

/** A stream without a byte in either direction for this long is ended. */
export const streamIdleTimeoutMs = 300_000;

/** Read this far ahead of the other side, per connection: what one slow peer can make Envoy hold. Also the largest body a retry can repeat. */
export const connectionBufferBytes = 32_768;

/** HTTP/2 from clients. A stream's window is what one slow backend can make Envoy hold for it. */
export const http2Limits = { maxConcurrentStreams: 100, initialStreamWindowSize: 65_536, initialConnectionWindowSize: 1_048_576 } as const;
