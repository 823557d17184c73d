/** Bounds on what clients may cost. Times in milliseconds. */
export type Limits = {
  /** Connections and streams open at once; further ones are refused. */
  readonly connections: number;
  readonly streams: number;
  readonly streamsPerConnection: number;
  /** Bytes of one request; a first Delta request holds every name and version. */
  readonly requestBytes: number;
  readonly typesPerStream: number;
  readonly namesPerType: number;
  /** Requests handled, and streams told of a snapshot, in one turn of the event loop. */
  readonly perTurn: number;
  /** How long the transport may hold a message that the client does not read. */
  readonly stuckMs: number;
  /** How long a client may owe an answer before what waits for it goes on without. */
  readonly patienceMs: number;
  /** How long a TLS handshake may take. */
  readonly handshakeMs: number;
  /** Pings to find dead clients: interval, and how long an answer may take. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** After which a connection is asked to be made anew, so that replicas share the load; ± 10 % at random. Infinity for never. */
  readonly connectionAgeMs: number;
  /** How long such a connection may take to close. */
  readonly connectionGraceMs: number;
  /** How long a connection without streams may stay. */
  readonly idleMs: number;
};

export const defaultLimits: Limits = {
  connections: 20_000,
  streams: 20_000,
  streamsPerConnection: 1000,
  requestBytes: 64 << 20,
  typesPerStream: 32,
  namesPerType: 200_000,
  perTurn: 32,
  stuckMs: 60_000,
  patienceMs: 15_000,
  handshakeMs: 10_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  connectionAgeMs: Number.POSITIVE_INFINITY,
  connectionGraceMs: 10_000,
  idleMs: 300_000,
};
