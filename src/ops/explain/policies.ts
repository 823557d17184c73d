import { partsOf } from '../../lib/key.ts';
import { isTrouble } from '../../model/cluster-status.ts';
import type { Backend, Graph, RouteEntry, StreamRule } from '../../model/graph.ts';
import type { Governing } from '../../model/policies/governing.ts';
import { placesOf } from '../../model/policies/police.ts';
import { fieldsOf, type PolicyMatch, type PolicyRule, writtenAs } from '../../model/policies/policy.ts';
import { type Demand, demandOf, whyUnmet } from '../../model/policies/streams.ts';
import { type Level, rankOf } from '../../model/policies/targets.ts';
import type { Step } from './explanation.ts';
import { mismatch } from './match.ts';
import type { Place } from './place.ts';
import type { World } from './world.ts';

/** TailscaleRoutePolicies that are about a request, from the most to the least specific, and which of their rules counts. */
export const policySteps = (place: Place, entry: RouteEntry, world: World): readonly Step[] => {
  const { action } = entry.rule;
  const backends = action.kind === 'forward' ? action.shares.flatMap(({ backend }) => backend ?? []) : [];
  return governingAt(place, entry, backends, world).map(({ policy, level }) => {
    const rules = place.request === undefined ? policy.rules : policy.rules.filter((rule) => isFor(rule, place)).slice(0, 1);
    const none = policy.rules.length === 0 ? 'none of its rules counts' : 'none of its rules is for this request';
    return policyStep({ policy, level }, rules.length === 0 ? none : rules.map(ruleText).join('; '), world.graph);
  });
};

/** Those that ask who sends bytes: nothing else of them concerns these. `closed`: why nobody may, where nobody can say who is who. */
export const streamPolicies = (
  place: Place,
  rule: StreamRule,
  world: World,
): { readonly steps: readonly Step[]; readonly closed?: string } => {
  const backends = rule.shares.flatMap(({ backend }) => backend ?? []);
  const asking = governingAt(place, rule, backends, world).flatMap((governing) => {
    const demand = demandOf(governing);
    return demand === undefined ? [] : [{ governing, demand }];
  });
  const steps = asking.map(({ governing, demand }) => policyStep(governing, ruleText(demand.rule), world.graph));
  const isClosed = asking.length > 0 && rule.identities === undefined;
  const demands = asking.map(({ demand }) => demand);
  return { steps, ...(isClosed ? { closed: closureOf(demands, place) } : {}) };
};

const closureOf = (demands: readonly Demand[], { socket }: Place): string => {
  const isUnmet = demands.some((demand) => whyUnmet(demand, socket.tailnet === undefined ? 'nobody' : 'peers') !== undefined);
  return isUnmet ? 'a policy asks who connects, which nobody knows of bytes here' : withheldText;
};

export const withheldText = 'a policy denies by a group, and nobody can say who is in it: see the status of the policy';

const governingAt = (
  { gateway, socket, listener }: Place,
  rule: Pick<RouteEntry, 'owner' | 'ruleName'>,
  backends: readonly Backend[],
  world: World,
): readonly Governing[] => {
  const policies = world.policies();
  if (policies === undefined) return [];
  const places = placesOf(gateway, policies, new Set());
  const governing = [...backends.flatMap(places.atBackend), ...places.atRule(socket, rule), ...places.atListener(socket, listener)];
  return [...new Set(governing)].toSorted((one, other) => rankOf(other.level) - rankOf(one.level));
};

const levelTexts: Readonly<Record<Level, string>> = {
  gateway: 'the Gateway',
  listener: 'the listener',
  sharing: 'the TailscaleGateway',
  route: 'the route',
  rule: 'the rule',
  backend: 'the backend',
};

const policyStep = ({ policy, level }: Governing, said: string, graph: Graph): Step => {
  const { namespace, name } = partsOf(policy.key);
  const detail = [`on ${levelTexts[level]}: ${said}`, ...troublesOf(graph, policy.key)].join('; ');
  return { at: 'policy', name: `${namespace}/${name}`, detail, object: policy.key };
};

const ruleText = ({ field, actions, blocked }: PolicyRule): string => {
  const fields = fieldsOf(actions)
    .filter((one) => actions[one] !== undefined)
    .map((one) => writtenAs[one]);
  return `${field}: ${[...fields, ...(blocked ? ['an error, as it cannot protect what it is to'] : [])].join(', ')}`;
};

const isFor = ({ matches }: PolicyRule, place: Place): boolean => matches === undefined || matches.some((match) => holds(match, place));

const holds = ({ path, method, headers, queryParams, peer }: PolicyMatch, { request, asker }: Place): boolean =>
  request !== undefined &&
  mismatch(
    {
      path: path ?? { type: 'prefix', value: '/' },
      headers,
      queryParams,
      grpc: false,
      ...(method === undefined ? {} : { method }),
      ...(peer === undefined ? {} : { peers: [peer] }),
    },
    request,
    asker,
  ) === undefined;

/** What its own conditions say is wrong with it, each thing once. */
const troublesOf = ({ statuses }: Graph, policy: Governing['policy']['key']): readonly string[] => {
  const status = statuses.get(policy);
  if (status === undefined || !('ancestors' in status)) return [];
  const conditions = status.ancestors.flatMap((ancestor) => ancestor.conditions.filter(isTrouble));
  return [...new Set(conditions.map(({ type, reason, message }) => `${type} ${reason}: ${message}`))];
};
