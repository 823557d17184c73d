import { gatewayOfIdentity } from '../../src/lib/gateway-identity.ts';
import type { Peer } from './peer.ts';
import type { Node } from './request.ts';

/** Why a client gets nothing. It is told, so the words hold nothing that it did not say itself. */
export type Denial = { readonly denied: string };

/** Believes each node which group it is of: for servers that only those can reach who may have everything. */
export const groupByClaim = ({ cluster }: Node): string => cluster;

/**
 * The group of the Gateway that the client's certificate names, `namespace/name`, and no other. `node.cluster` may be empty; where it names
 * another, somebody's certificate and bootstrap have been mixed up, and to go by either would hide it.
 */
export const groupByCertificate = ({ cluster }: Node, { uris }: Peer): string | Denial => {
  if (uris === undefined) return { denied: 'a client certificate is required' };
  const [gateway, ...more] = uris.map(gatewayOfIdentity);
  if (gateway === undefined || more.length > 0) return { denied: 'the client certificate is not that of a Gateway' };
  if (cluster !== '' && cluster !== gateway)
    return { denied: `the client certificate is that of Gateway ${gateway}, but node.cluster is ${JSON.stringify(cluster.slice(0, 512))}` };
  return gateway;
};
