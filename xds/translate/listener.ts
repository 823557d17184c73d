import { any } from '../any.ts';
import type { Socket } from '../../src/model/graph.ts';
import { listenerName } from '../names.ts';
import type { Address, FilterChain, Listener, ListenerFilter } from '../types.ts';
import { httpChainFrom, httpsChainFrom, tcpChainFrom, tlsChainsFrom } from './filter-chain.ts';
import { connectionBufferBytes } from './limits.ts';
import type { TranslateOptions } from './options.ts';
import { answeringListenersOf } from './route-configuration.ts';
import { udpListenerFrom } from './udp.ts';
import { unlessEmpty } from './unless-empty.ts';

/** LDS entry of one socket: all Gateway listeners of a port. */
export const listenerFrom = (socket: Socket, options: TranslateOptions): Listener => ({
  name: listenerName(socket),
  ...addressesFrom(socket, options),
  perConnectionBufferLimitBytes: connectionBufferBytes,
  ...(socket.transport === 'UDP' ? udpListenerFrom(socket) : tcpListenerFrom(socket, options)),
});

const tcpListenerFrom = (socket: Socket, options: TranslateOptions): Listener => {
  const filterChains = filterChainsFrom(socket, options);
  const readsServerNames = filterChains.some(({ filterChainMatch }) => filterChainMatch !== undefined);
  return { listenerFilters: readsServerNames ? [tlsInspector] : undefined, filterChains };
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
