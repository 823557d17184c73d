import type { Gateway, Listener, Socket } from '../../model/graph.ts';
import type { Asker } from './identity.ts';
import type { Request } from './request.ts';

/** Where requests come in, and whose. */
export type Place = {
  readonly gateway: Gateway;
  readonly socket: Socket;
  readonly listener: Listener;
  readonly asker: Asker;
  /** Absent where a route is explained, whatever requests it gets. */
  readonly request?: Request;
};

/** `namespace/name` of the Gateway. */
export const gatewayName = ({ gateway: { namespace, name } }: Pick<Place, 'gateway'>): string => `${namespace}/${name}`;
