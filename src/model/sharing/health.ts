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
  const sockets = (gateway && entrancesOf(gateway).get(key)) ?? [];
  let leads = false;
  for (const { port, listeners } of sockets) {
    if (redirecting(plan).has(port)) continue;
    for (const target of targetsOf(listeners)) {
      if (target === undefined) return true;
      leads = true;
      const localities = endpoints.get(target);
      if (localities === undefined || isHealthy(localities)) return true;
    }
  }
  return !leads;
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
const redirecting = memo(
  ({ ports }: ServicePlan): ReadonlySet<number> => new Set(ports.flatMap(({ port, mode }) => (mode === 'redirect' ? [port] : []))),
);

/** Ids of the backends that listeners send traffic to, found as they are asked for; undefined where a rule answers without. */
function* targetsOf(listeners: readonly Listener[]): Generator<string | undefined> {
  for (const listener of listeners) {
    if ('virtualHosts' in listener)
      for (const { entries } of listener.virtualHosts) for (const { rule } of entries) yield* targetsOfRule(rule);
    else if ('serverNames' in listener) for (const { rule } of listener.serverNames) yield* backendsIn(rule.shares);
    else if (listener.rule !== undefined) yield* backendsIn(listener.rule.shares);
  }
}

function* targetsOfRule({ action }: HttpRule): Generator<string | undefined> {
  if (action.kind === 'redirect') yield undefined;
  else if (action.kind === 'forward') yield* backendsIn(action.shares);
}

function* backendsIn(shares: StreamRule['shares']): Generator<string> {
  for (const { backend, weight } of shares) if (backend !== undefined && weight > 0) yield backend.id;
}
