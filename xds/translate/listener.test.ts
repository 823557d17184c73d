import { describe, expect, it } from 'vitest';
import type { TlsListener } from '../../src/model/graph.ts';
import { entryOf, hostOf, listenerOf, socketOf } from '../../test/support/graph.ts';
import { listenerFrom } from './listener.ts';
import { defaultOptions } from './options.ts';

const http = listenerOf('http', hostOf('*', entryOf('r')));

describe('a listener', () => {
  it('is named by the port users write, and bound to the one Envoy may have', () => {
    const listener = listenerFrom({ ...socketOf(80, http), boundPort: 10_080 }, defaultOptions);
    expect(listener.name).toBe('tcp/80');
    expect(listener.address?.socketAddress?.portValue).toBe(10_080);
  });

  it('binds every address the Gateway names, else those of the options', () => {
    const bound = (addresses: readonly string[], bindAddresses: readonly [string, ...string[]]) => {
      const { address, additionalAddresses = [] } = listenerFrom(
        { ...socketOf(80, http), addresses },
        { ...defaultOptions, bindAddresses },
      );
      return [address, ...additionalAddresses.map((more) => more.address)].map((one) => one?.socketAddress?.address);
    };
    expect(bound(['127.0.0.1', '::1'], ['0.0.0.0'])).toEqual(['127.0.0.1', '::1']);
    expect(bound([], ['0.0.0.0', '::'])).toEqual(['0.0.0.0', '::']);
  });

  it('reads server names only where connections are told apart by them', () => {
    expect(listenerFrom(socketOf(80, http), defaultOptions).listenerFilters).toBeUndefined();
    const tls: TlsListener = { name: 'tls', owner: 'Gateway/default/edge', protocol: 'TLS', serverNames: [] };
    const name = { name: 'a.example', rule: { id: 'r', owner: 'TLSRoute/default/r', shares: [] } } as const;
    const listener = listenerFrom(socketOf(443, { ...tls, serverNames: [name] }), defaultOptions);
    expect(listener.listenerFilters?.map((filter) => filter.name)).toEqual(['envoy.filters.listener.tls_inspector']);
    expect(listener.filterChains?.[0]).toMatchObject({
      filterChainMatch: { transportProtocol: 'tls', serverNames: ['a.example'] },
      filters: [],
    });
  });

  it('does not change when its routes do, so that no connection is drained', () => {
    const more = listenerOf('http', hostOf('*', entryOf('r'), entryOf('s')), hostOf('a.example'));
    expect(listenerFrom(socketOf(80, more), defaultOptions)).toEqual(listenerFrom(socketOf(80, http), defaultOptions));
  });
});
