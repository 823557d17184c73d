import type { Gateway } from '../../api/generated/gateway-api.ts';
import { keyOf } from '../../lib/key.ts';
import type { Socket } from '../graph.ts';
import type { Infrastructure, ProxyParameters } from '../infrastructure.ts';

/** What an accepted Gateway wants of its proxies. `addresses` are those it asks for. */
export const infrastructureOf = (
  gateway: Gateway,
  sockets: readonly Socket[],
  parameters: ProxyParameters,
  addresses: readonly string[],
): Infrastructure => {
  const { metadata, spec } = gateway;
  return {
    gateway: keyOf(gateway),
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    className: spec.gatewayClassName,
    going: metadata.deletionTimestamp !== undefined,
    labels: spec.infrastructure?.labels ?? {},
    annotations: spec.infrastructure?.annotations ?? {},
    parameters,
    addresses,
    ports: sockets.map(({ port, boundPort, transport }) => ({ port, boundPort, transport })),
  };
};
