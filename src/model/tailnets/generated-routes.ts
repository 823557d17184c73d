import type { HTTPRoute } from '../../api/generated/gateway-api.ts';
import type { TailscaleEndpoints, TailscaleGateway } from '../../api/generated/tailscale.ts';
import { reuse } from '../../lib/equal.ts';
import { byCodeUnit, localKey, localKeyOf } from '../../lib/key.ts';
import { indexBy, memo } from '../../lib/memo.ts';
import { oldestFirst } from '../gateways/precedence.ts';
import type { ModelTables } from '../tables.ts';
import { type Candidate, type Plan, plansBuilder } from './generated-plans.ts';

/** A claim that another made first. `winner` is for users. */
export type Conflict = { readonly claim: string; readonly winner: string };

export type GeneratedPlan = Omit<Plan, 'candidates'> & {
  /** What was made of its candidates, oldest claim or not taken. */
  readonly routes: readonly HTTPRoute[];
  readonly conflicts: readonly Conflict[];
};

export type Generated = {
  /** Virtual objects, by `namespace/name`. */
  readonly routes: ReadonlyMap<string, HTTPRoute>;
  readonly endpoints: ReadonlyMap<string, TailscaleEndpoints>;
  /** By the TailscaleGateway, `namespace/name`. */
  readonly plans: ReadonlyMap<string, GeneratedPlan>;
};

const nothing: Generated = { routes: new Map(), endpoints: new Map(), plans: new Map() };

/**
 * A function from tables to the routes that TailscaleGateways generate: a virtual HTTPRoute, and virtual TailscaleEndpoints that it leads to, for each
 * service of a tailnet. Where two claim one host and path of a Gateway, the older TailscaleGateway, or the tailnet that comes first in one, has it.
 * Claims on different Gateways do not meet, as those have addresses of their own. The same object while it says the same.
 */
export const generatedRoutesBuilder = (): ((tables: ModelTables) => Generated) => {
  const planOf = plansBuilder();
  let planned: readonly (readonly [TailscaleGateway, Plan])[] = [];
  let made: ReadonlyMap<string, Candidate> = new Map();
  let last = nothing;
  return (tables) => {
    const plans = oldestFirst([...tables.TailscaleGateway.values()], ({ metadata }) => metadata).map(
      (gateway) => [gateway, planOf(gateway, tables)] as const,
    );
    if (plans.length === planned.length && plans.every(([gateway, plan], index) => isSame(planned[index], gateway, plan))) return last;
    planned = plans;
    const settled = plans.map(([gateway, plan]) => {
      const candidates = plan.candidates.map((candidate) => reuse(made.get(localKeyOf(candidate.route)) ?? candidate, candidate));
      return [gateway, { ...plan, candidates }] as const;
    });
    made = new Map(
      settled.flatMap(([, { candidates }]) => candidates.map((candidate) => [localKeyOf(candidate.route), candidate] as const)),
    );
    last = reuseMaps(last, generatedFrom(settled));
    return last;
  };
};

const isSame = (one: readonly [TailscaleGateway, Plan] | undefined, gateway: TailscaleGateway, plan: Plan): boolean =>
  one?.[0] === gateway && one[1] === plan;

type Claim = { readonly gateway: TailscaleGateway; readonly candidate: Candidate };

const generatedFrom = (plans: readonly (readonly [TailscaleGateway, Plan])[]): Generated => {
  const claims = new Map<string, Claim>();
  const results = plans.map(([gateway, { candidates, ...plan }]) => {
    const conflicts: Conflict[] = [];
    const won: Candidate[] = [];
    for (const candidate of candidates) {
      const at = `${plan.gateway} ${candidate.claim}`;
      const holder = claims.get(at);
      if (holder === undefined) {
        claims.set(at, { gateway, candidate });
        won.push(candidate);
      } else conflicts.push({ claim: candidate.claim, winner: winnerText(holder, gateway) });
    }
    return { key: localKeyOf(gateway), plan: { ...plan, routes: won.map(({ route }) => route), conflicts }, won };
  });
  const all = results.flatMap(({ won }) => won).toSorted((one, other) => byCodeUnit(localKeyOf(one.route), localKeyOf(other.route)));
  return {
    routes: new Map(all.map(({ route }) => [localKeyOf(route), route])),
    endpoints: new Map(all.map(({ endpoints }) => [localKeyOf(endpoints), endpoints])),
    plans: new Map(results.map(({ key, plan }) => [key, plan])),
  };
};

const winnerText = ({ gateway, candidate }: Claim, loser: TailscaleGateway): string =>
  gateway === loser ? `tailnet "${candidate.tailnet}", which comes first` : `the older TailscaleGateway "${localKeyOf(gateway)}"`;

const reuseMaps = (last: Generated, next: Generated): Generated => ({
  ...next,
  routes: sameEntries(last.routes, next.routes) ? last.routes : next.routes,
  endpoints: sameEntries(last.endpoints, next.endpoints) ? last.endpoints : next.endpoints,
});

const sameEntries = <V>(one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>): boolean =>
  one.size === other.size && [...other].every(([key, value]) => one.get(key) === value);

/** A function that adds generated objects to tables. What selects by labels does not see them; proxies of a group do. */
export const generatedAdder = (): ((tables: ModelTables, generated: Generated) => ModelTables) => {
  const routesWith = joiner<HTTPRoute>();
  const endpointsWith = joiner<TailscaleEndpoints>();
  const endpointsOfGroup = indexBy<TailscaleEndpoints>(({ metadata, spec }) =>
    spec.proxyGroup === undefined ? [] : [localKey(metadata.namespace ?? '', spec.proxyGroup)],
  );
  return (tables, { routes, endpoints }) => {
    if (routes.size === 0) return tables;
    const TailscaleEndpoints = endpointsWith(tables.TailscaleEndpoints, endpoints);
    return {
      ...tables,
      HTTPRoute: routesWith(tables.HTTPRoute, routes),
      TailscaleEndpoints,
      endpointsOfGroup: endpointsOfGroup(TailscaleEndpoints),
    };
  };
};

/** Two maps as one, the same as long as they are the same. */
const joiner = <V>(): ((one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>) => ReadonlyMap<string, V>) => {
  const joined = memo((one: ReadonlyMap<string, V>) =>
    memo((other: ReadonlyMap<string, V>): ReadonlyMap<string, V> => new Map([...one, ...other])),
  );
  return (one, other) => joined(one)(other);
};
