import { present } from '../../lib/present.ts';
import { sameElements } from '../../lib/memo.ts';
import type { Backend, BackendLimits, HttpRule, Socket } from '../graph.ts';
import type { Governing } from './governing.ts';
import type { Places } from './police.ts';
import { rankOf } from './targets.ts';

/**
 * Backends with what policies say of the connections to them. All requests of a Gateway share one cluster for a backend, so the most specific target
 * decides for all: a policy on the backend itself, else the most specific of those whose requests go there, of equal ones the oldest.
 */
export const limitedBackends = (backends: readonly Backend[], sockets: readonly Socket[], places: Places): readonly Backend[] => {
  const reaching = governingByBackend(sockets, places);
  const limited = backends.map((backend) => {
    const own = [...places.atBackend(backend), ...(reaching.get(backend.id) ?? [])];
    const limits = limitsFrom(own.filter(hasLimits));
    return limits === undefined ? backend : { ...backend, limits };
  });
  return sameElements(backends, limited);
};

const hasLimits = ({ policy }: Governing): boolean =>
  policy.rules.some(({ actions }) => (actions.circuitBreaker ?? actions.outliers) !== undefined);

const limitsFrom = (governing: readonly Governing[]): BackendLimits | undefined => {
  if (governing.length === 0) return undefined;
  const rules = governing
    .toSorted((one, other) => rankOf(other.level) - rankOf(one.level))
    .flatMap(({ policy }) => policy.rules.filter(({ matches }) => matches === undefined));
  const breaker = rules.find(({ actions }) => actions.circuitBreaker !== undefined)?.actions.circuitBreaker;
  const outliers = rules.find(({ actions }) => actions.outliers !== undefined)?.actions.outliers;
  return breaker === undefined && outliers === undefined ? undefined : { ...breaker, ...present({ outliers }) };
};

/** Policies with limits by the backends that what they govern leads to, in the order of the Gateway's sockets; none where no policy has limits. */
const governingByBackend = (sockets: readonly Socket[], places: Places): ReadonlyMap<string, ReadonlySet<Governing>> => {
  const found = new Map<string, Set<Governing>>();
  if (!places.anyLimits) return found;
  const add = (backend: Backend | undefined, governing: readonly Governing[]): void => {
    if (backend === undefined || governing.length === 0) return;
    const known = found.get(backend.id) ?? new Set();
    found.set(backend.id, known);
    for (const one of governing) if (hasLimits(one)) known.add(one);
  };
  for (const socket of sockets)
    for (const listener of socket.listeners) {
      const base = places.atListener(socket, listener);
      if ('virtualHosts' in listener) {
        for (const { entries } of listener.virtualHosts)
          for (const entry of entries) {
            const governing = [...places.atRule(socket, entry), ...base];
            if (governing.length > 0) for (const backend of destinationsOf(entry.rule)) add(backend, governing);
          }
      } else {
        const rules = 'serverNames' in listener ? listener.serverNames.map(({ rule }) => rule) : [listener.rule];
        for (const rule of rules) {
          if (rule === undefined) continue;
          const governing = [...places.atRule(socket, rule), ...base];
          for (const { backend } of rule.shares) add(backend, governing);
        }
      }
    }
  return found;
};

const destinationsOf = ({ action }: HttpRule): readonly (Backend | undefined)[] =>
  action.kind === 'forward' ? action.shares.map(({ backend }) => backend) : [];
