import { any } from '../any.ts';
import type { Reach } from '../../src/model/graph.ts';
import { tunnelMetadata } from '../names.ts';
import type { TransportSocket } from '../types.ts';

const raw: TransportSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  typedConfig: any('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}),
};

/**
 * How connections of a cluster are made, `inner` being TLS, or undefined for none. In the forms that are not plain, endpoints that name neither a
 * proxy nor a tunnel are connected to directly all the same.
 */
export const reachedBy = (form: Reach['form'] = 'plain', inner: TransportSocket | undefined): TransportSocket | undefined => {
  switch (form) {
    case 'plain':
      return inner;
    case 'proxied':
      return {
        name: 'envoy.transport_sockets.http_11_proxy',
        typedConfig: any('envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport', {
          transportSocket: inner ?? raw,
        }),
      };
    case 'tunnelled':
      return {
        name: 'envoy.transport_sockets.internal_upstream',
        typedConfig: any('envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
          passthroughMetadata: [{ name: tunnelMetadata, kind: { host: {} } }],
          transportSocket: inner ?? raw,
        }),
      };
  }
};
