import type { Gateway, ListenerEntry, ListenerSet } from '../../api/generated/gateway-api.ts';
import { keyOf, type ObjectKey } from '../../lib/key.ts';
import { anyHost } from './hostnames.ts';
import { byAge } from './precedence.ts';

/** A listener as some object declares it, before anybody asks whether it can be served. */
export type DeclaredListener = {
  /** As in the graph: its own name, or `ListenerSet/namespace/name/section`. */
  readonly name: string;
  readonly owner: Gateway | ListenerSet;
  readonly ownerKey: ObjectKey;
  readonly spec: ListenerEntry;
  /** Lower case; `*` where none is given, or the protocol has none. */
  readonly host: string;
  readonly transport: 'TCP' | 'UDP';
  /** Listeners that can share a port, if their hosts differ, are of one family. */
  readonly family: 'http' | 'tls' | 'tcp' | 'udp';
};

type Protocol = Pick<DeclaredListener, 'transport' | 'family'> & { readonly hasHosts: boolean };

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ['HTTP', { transport: 'TCP', family: 'http', hasHosts: true }],
  ['HTTPS', { transport: 'TCP', family: 'tls', hasHosts: true }],
  ['TLS', { transport: 'TCP', family: 'tls', hasHosts: true }],
  ['TCP', { transport: 'TCP', family: 'tcp', hasHosts: false }],
  ['UDP', { transport: 'UDP', family: 'udp', hasHosts: false }],
]);

export const isSupportedProtocol = (protocol: string): boolean => protocols.has(protocol);

const declaredBy = (owner: Gateway | ListenerSet): readonly DeclaredListener[] =>
  owner.spec.listeners.map((spec) => {
    const { transport, family, hasHosts }: Protocol = protocols.get(spec.protocol) ?? { transport: 'TCP', family: 'tcp', hasHosts: false };
    const ownerKey = keyOf(owner);
    return {
      name: owner.kind === 'Gateway' ? spec.name : `${ownerKey}/${spec.name}`,
      owner,
      ownerKey,
      spec,
      host: (hasHosts && spec.hostname?.toLowerCase()) || anyHost,
      transport,
      family,
    };
  });

/** A Gateway's own listeners, then those of its ListenerSets, oldest set first (`ListenerSetSpec.listeners`): one list for each object. */
export const declaredListeners = (gateway: Gateway, sets: readonly ListenerSet[]): readonly (readonly DeclaredListener[])[] =>
  [gateway, ...sets.toSorted((one, other) => byAge(one.metadata, other.metadata))].map(declaredBy);

/** `TCP/8080`: what two Envoy listeners on one address cannot share. */
export const socketKey = (transport: 'TCP' | 'UDP', boundPort: number): string => `${transport}/${boundPort}`;

/** The port Envoy binds for a port users see. */
export type BoundPort = (port: number) => number;

/** Ports that Envoy may not have, or `reserved` for something else, are bound 10000 above. */
export const boundPorts =
  (privilegedPorts: boolean, reserved: readonly number[] = []): BoundPort =>
  (port) =>
    (port < 1024 && !privilegedPorts) || reserved.includes(port) ? port + 10_000 : port;
