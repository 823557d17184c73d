import { any } from '../any.ts';
import type { Endpoint } from '../../src/model/graph.ts';
import type { Address, LbEndpoint, Metadata } from '../types.ts';

/** An endpoint by its address, with the HTTP proxy to it where there is one. */
export const lbEndpointFrom = (endpoint: Endpoint): LbEndpoint => ({
  endpoint: { address: socketAddress(endpoint.address, endpoint.port) },
  metadata: proxyMetadataFrom(endpoint),
  ...conditionFrom(endpoint),
});

/** What is said of an endpoint, wherever it is. */
export const conditionFrom = ({ healthy, weight = 1 }: Pick<Endpoint, 'healthy' | 'weight'>): LbEndpoint => ({
  healthStatus: healthy ? 'HEALTHY' : 'UNHEALTHY',
  loadBalancingWeight: weight === 1 ? undefined : weight,
});

/** On each endpoint, since Envoy 1.40 does not notice when only that of the locality changes. */
const proxyMetadataFrom = ({ via }: Endpoint): Metadata | undefined =>
  via?.kind === 'proxy'
    ? {
        typedFilterMetadata: {
          'envoy.http11_proxy_transport_socket.proxy_address': any(
            'envoy.config.core.v3.Address',
            socketAddress(via.proxy.host, via.proxy.port),
          ),
        },
      }
    : undefined;

const socketAddress = (address: string, portValue: number): Address => ({ socketAddress: { address, portValue } });
