import { memo } from '../../lib/memo.ts';
import type { Gateway, Graph, HttpRule, Listener, Locality, Socket, StreamRule } from '../graph.ts';
import { serviceKey } from './claims.ts';
import type { ServicePlan } from './service-plan.ts';
import type { SharedService } from './services.ts';

type World = Pick<Graph, 'gateways' | 'endpoints'>;

/**
 * Whether anything that requests for a service reach, policies and all, may be sent traffic. What nothing is known of counts as well, and so does a
 * service that answers by itself, as with redirects. Looks no further than to the first that may.
 */
export const works = (key: string, { candidate, plan }: SharedService, { gateways, endpoints }: World): boolean => {
  const gateway = gateways.get(candidate.share.gateway);
  let leads = false;
  const anyWorks = (shares: StreamRule['shares']): boolean =>
    shares.some(({ backend, weight }) => {
      if (backend === undefined || weight === 0) return false;
      leads = true;
      const localities = endpoints.get(backend.id);
      return localities === undefined || isHealthy(localities);
    });
  const answers = ({ action }: HttpRule): boolean => action.kind === 'redirect' || (action.kind === 'forward' && anyWorks(action.shares));
  const isServing = (listener: Listener): boolean => {
    if ('virtualHosts' in listener) return listener.virtualHosts.some(({ entries }) => entries.some(({ rule }) => answers(rule)));
    if ('serverNames' in listener) return listener.serverNames.some(({ rule }) => anyWorks(rule.shares));
    return listener.rule !== undefined && anyWorks(listener.rule.shares);
  };
  const redirecting = redirectingIn(plan);
  const sockets = (gateway && entrancesOf(gateway).get(key)) ?? [];
  return sockets.some(({ port, listeners }) => !redirecting.has(port) && listeners.some(isServing)) || !leads;
};

const isHealthy = memo((localities: readonly Locality[]) => localities.some(({ endpoints }) => endpoints.some(({ healthy }) => healthy)));

const entrancesOf = memo((gateway: Gateway): ReadonlyMap<string, readonly Socket[]> => {
  const entrances = new Map<string, Socket[]>();
  for (const socket of gateway.sockets) {
    if (socket.tailnet === undefined) continue;
    const key = serviceKey({ tailnet: socket.tailnet.tailnet, name: socket.tailnet.service });
    const known = entrances.get(key);
    if (known === undefined) entrances.set(key, [socket]);
    else known.push(socket);
  }
  return entrances;
});

/** Ports at which nobody gets anything but the way to another one. */
const redirectingIn = memo(
  ({ ports }: ServicePlan): ReadonlySet<number> => new Set(ports.flatMap(({ port, mode }) => (mode === 'redirect' ? [port] : []))),
);
