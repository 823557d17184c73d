import { any } from '../any.ts';
import type { Peers, Socket } from '../../src/model/graph.ts';
import { listenerName } from '../names.ts';
import type { Address, FilterChain, Listener, ListenerFilter } from '../types.ts';
import { addressesMeant } from './addresses-meant.ts';
import { fencedChainsFrom } from './chain-matcher.ts';
import { httpChainFrom, httpsChainFrom, streamRulesOf, tcpChainFrom, tlsChainsFrom } from './filter-chain.ts';
import { connectionBufferBytes } from './limits.ts';
import type { TranslateOptions } from './options.ts';
import { answeringListenersOf } from './route-configuration.ts';
import { udpListenerFrom } from './udp.ts';
import { unlessEmpty } from './unless-empty.ts';

/** Of an entrance: proxies that may connect, and peers of its tailnet. */
export type Visitors = { readonly fence: readonly string[]; readonly peers: Peers };

/** LDS entry of one socket: all Gateway listeners of a port. `visitors` count where bytes are forwarded; elsewhere they are told by ECDS. */
export const listenerFrom = (socket: Socket, options: TranslateOptions, visitors: Visitors = nobody): Listener => ({
  name: listenerName(socket),
  ...addressesFrom(socket, options),
  perConnectionBufferLimitBytes: connectionBufferBytes,
  ...(socket.transport === 'UDP' ? udpListenerFrom(socket) : tcpListenerFrom(socket, options, visitors)),
});

const nobody: Visitors = { fence: [], peers: { byNode: new Map() } };

const tcpListenerFrom = (socket: Socket, options: TranslateOptions, { fence, peers }: Visitors): Listener => {
  const filterChains = filterChainsFrom(socket, options);
  const readsServerNames = filterChains.some(({ filterChainMatch }) => filterChainMatch !== undefined);
  const inspectors = readsServerNames ? [tlsInspector] : [];
  if (socket.tailnet === undefined) return { listenerFilters: unlessEmpty(inspectors), filterChains };
  return {
    // Proxies send the header at once; a client's first bytes of TLS come over its own way to the tailnet.
    listenerFiltersTimeout: readsServerNames ? '10s' : '2s',
    listenerFilters: [proxyProtocol, ...inspectors],
    ...(forwardsBytes(socket) ? fencedChainsFrom(filterChains, { fence, admitted: admittedTo(socket, peers) }) : { filterChains }),
  };
};

/** Whether a server may talk first here. */
export const forwardsBytes = ({ listeners }: Socket): boolean => listeners.some(({ protocol }) => protocol === 'TCP' || protocol === 'TLS');

/** Addresses of peers that may come to chains whose rules ask who it is. */
const admittedTo = (socket: Socket, peers: Peers): ReadonlyMap<string, readonly string[]> =>
  new Map(
    streamRulesOf(socket).flatMap(({ chain, rule }) =>
      rule.identities === undefined || rule.identities.length === 0 ? [] : [[chain, addressesMeant(rule.identities, peers)] as const],
    ),
  );

/** Strict: a connection without the header, or with one of the version that proxies do not send, is closed. */
const proxyProtocol: ListenerFilter = {
  name: 'envoy.filters.listener.proxy_protocol',
  typedConfig: any('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', { disallowedVersions: ['V1'] }),
};

const filterChainsFrom = (socket: Socket, options: TranslateOptions): readonly FilterChain[] => [
  ...answeringListenersOf(socket).map((listeners) =>
    listeners[0].protocol === 'HTTP' ? httpChainFrom(socket, listeners, options) : httpsChainFrom(socket, listeners[0], options),
  ),
  ...socket.listeners.flatMap((listener) => {
    if (listener.protocol === 'TLS') return tlsChainsFrom(socket, listener);
    return listener.protocol === 'TCP' ? [tcpChainFrom(socket, listener)] : [];
  }),
];

const tlsInspector: ListenerFilter = {
  name: 'envoy.filters.listener.tls_inspector',
  typedConfig: any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
};

const addressesFrom = (socket: Socket, { bindAddresses }: TranslateOptions): Pick<Listener, 'address' | 'additionalAddresses'> => {
  const [first, ...others] = socket.addresses.length === 0 ? bindAddresses : socket.addresses;
  const addressFrom = (address: string | undefined): Address => ({
    socketAddress: { protocol: socket.transport, address, portValue: socket.boundPort },
  });
  return { address: addressFrom(first), additionalAddresses: unlessEmpty(others.map((address) => ({ address: addressFrom(address) }))) };
};
