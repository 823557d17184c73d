import { type Observable, Subject } from 'rxjs';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { AdsEvent, AdsStats, ClientStatus } from './events.ts';
import { Group } from './group.ts';
import { http2Transport } from './http2.ts';
import type { Denial } from './identity.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { Method } from './methods.ts';
import type { Peer } from './peer.ts';
import type { Node } from './request.ts';
import { Stats } from './stats.ts';
import { Stream, type StreamContext } from './stream.ts';
import type { Tls } from './tls.ts';
import { Turns } from './turns.ts';
import { codes, type Wire } from './wire.ts';

export type AdsOptions = {
  /** host:port; port 0 takes a free one. IPv6 in brackets. */
  readonly address: string;
  /** Which group's snapshot a node gets, by what it says and by what its connection tells of it; or why it gets none. See identity.ts. */
  readonly groupOf: (node: Node, peer: Peer) => string | Denial;
  /** What Envoy shows as `control_plane.identifier`: tells which replica it talks to. Sent with every response, so short. */
  readonly controlPlaneId: string;
  readonly limits?: Partial<Limits>;
  /** Without it, and without `secure` before listening, plain HTTP/2. Throws a TlsError where it cannot be used. */
  readonly tls?: Tls;
};

/** Serves snapshots to Envoys. */
export type AdsServer = {
  /**
   * Gives a group another snapshot, and all its streams with it. A group that never had one keeps its clients waiting, so that nothing is
   * taken from an Envoy before the sources have synced, nor by a typo in its bootstrap. Undefined forgets a group: its connected clients
   * keep what they hold. To take everything from them, as when a Gateway is deleted, publish an empty snapshot first.
   */
  readonly publish: (group: string, snapshot: Snapshot | undefined) => void;
  readonly events$: Observable<AdsEvent>;
  /** Clients connected now; those without `served` wait for a snapshot. */
  readonly clients: () => readonly ClientStatus[];
  readonly stats: AdsStats;
  /** Starts to serve and returns the port. Throws a ListenError if the address cannot be had. */
  readonly listen: () => Promise<number>;
  /**
   * Gives the server its certificate, key and the CAs of its clients: for the first time before it listens, and then whenever they change.
   * Streams go on, but for clients whose CA is trusted no longer: these are asked to connect anew. Throws a TlsError, and everything stays as
   * it was, where `tls` cannot be used.
   */
  readonly secure: (tls: Tls) => void;
  /** Sends the clients elsewhere and stops, within `limitMs`. */
  readonly drain: (limitMs?: number) => Promise<void>;
};

export const adsServer = ({ address, groupOf, controlPlaneId, ...options }: AdsOptions): AdsServer => {
  const limits = { ...defaultLimits, ...options.limits };
  const events = new Subject<AdsEvent>();
  const groups = new Map<string, Group>();
  const streams = new Set<Stream>();
  const stats = new Stats();
  const groupNamed = (name: string): Group => {
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = new Group(name)));
    return group;
  };
  const context: StreamContext = {
    controlPlane: controlPlaneId,
    limits,
    turns: new Turns(limits.perTurn),
    stats,
    groupFor: (node, peer) => {
      const group = groupOf(node, peer);
      return typeof group === 'string' ? groupNamed(group) : group;
    },
    emit: (event) => events.next(event),
    closed: (stream, group) => {
      streams.delete(stream);
      group?.streams.delete(stream);
      if (group !== undefined) forgetUnused(group);
    },
  };
  /** Clients name groups, so one that has neither snapshot nor streams must not stay. */
  const forgetUnused = ({ name, snapshot, streams }: Group): void => {
    if (snapshot === undefined && streams.size === 0) groups.delete(name);
  };
  const accept = (method: Method, wire: Wire): Stream => {
    const stream = new Stream(context, method, wire);
    streams.add(stream);
    if (streams.size > limits.streams)
      setImmediate(() => stream.end({ code: codes.resourceExhausted, details: `more than ${limits.streams} streams` }));
    return stream;
  };
  const refused = (): void => void stats.refused++;
  const tellRefused = (reason: string, times: number): void => events.next({ kind: 'refused', reason, times });
  const transport = http2Transport({ address, limits, tls: options.tls }, { accept, refused, tellRefused });
  let checks: NodeJS.Timeout | undefined;
  return {
    events$: events.asObservable(),
    stats,
    publish: (name, snapshot) => {
      const group = groupNamed(name);
      if (group.snapshot === snapshot) return;
      group.snapshot = snapshot;
      if (snapshot === undefined) forgetUnused(group);
      else for (const stream of group.streams) stream.refresh();
    },
    clients: () => [...streams].map((stream) => stream.status()).filter((status) => status !== undefined),
    listen: async () => {
      const port = await transport.listen();
      checks = setInterval(() => {
        const now = performance.now();
        for (const stream of streams) stream.check(now);
      }, 1000).unref();
      return port;
    },
    secure: (tls) => transport.secure(tls),
    drain: async (limitMs = 5000) => {
      const drained = transport.drain(limitMs);
      for (const stream of streams) stream.end({ code: codes.unavailable, details: 'the server is going away' });
      await drained;
      clearInterval(checks);
      events.complete();
    },
  };
};
