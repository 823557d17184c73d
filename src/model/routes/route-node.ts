import type { GRPCRoute, HTTPRoute, TCPRoute, TLSRoute, UDPRoute } from '../../api/generated/gateway-api.ts';
import { keyOf } from '../../lib/key.ts';
import { memoByReads, type Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { RouteNode } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import { backendsOf, secretsOf } from './backends.ts';
import {
  byteRuleNodeOf,
  grpcRuleNodeOf,
  httpRuleNodeOf,
  packetRuleNodeOf,
  passthroughRuleNodeOf,
  type RuleDerivation,
  type RuleNode,
} from './rules.ts';
import { remarksOf, unresolvedOf, validityOf } from './verdicts.ts';

export type Route = HTTPRoute | GRPCRoute | TLSRoute | TCPRoute | UDPRoute;

/**
 * A route with its references resolved, whichever Gateways it may attach to. The same object until the route itself, or a Service, grant,
 * policy or certificate it looked at, is another; and what is left unchanged inside a new one is the same too.
 * Never throws on an admitted route: what users get wrong is a verdict on the node.
 */
export const routeNodeOf: (route: Route, tables: ModelTables) => RouteNode = memoByReads<ModelTables, Route, RouteNode>((route, read) => {
  switch (route.kind) {
    case 'HTTPRoute':
      return nodeFrom(route, route.spec.hostnames, rulesOf(route, route.spec.rules, httpRuleNodeOf, read));
    case 'GRPCRoute':
      return nodeFrom(route, route.spec.hostnames, rulesOf(route, route.spec.rules, grpcRuleNodeOf, read));
    case 'TLSRoute':
      return tlsRouteNodeFrom(route, read);
    case 'TCPRoute':
      return nodeFrom(route, [], rulesOf(route, route.spec.rules, byteRuleNodeOf, read));
    case 'UDPRoute':
      return nodeFrom(route, [], rulesOf(route, route.spec.rules, packetRuleNodeOf, read));
    default:
      throw new Error(`unreachable: ${String(route)} is no route`);
  }
});

/** Which of the two counts is the listener's choice, so a TLSRoute is derived both ways. */
const tlsRouteNodeFrom = (route: TLSRoute, read: Read<ModelTables>): RouteNode => {
  const { hostnames, rules } = route.spec;
  const terminated = nodeFrom(route, hostnames, rulesOf(route, rules, byteRuleNodeOf, read));
  return { ...nodeFrom(route, hostnames, rulesOf(route, rules, passthroughRuleNodeOf, read)), terminated };
};

const rulesOf = <R extends object>(
  route: Route,
  rules: readonly R[] | undefined,
  ruleNodeOf: RuleDerivation<R>,
  read: Read<ModelTables>,
): readonly RuleNode[] => (rules ?? []).map((rule, index) => ruleNodeOf(rule, `${keyOf(route)}/rule/${index}`, read));

const nodeFrom = (route: Route, hostnames: readonly string[] | undefined, rules: readonly RuleNode[]): RouteNode => {
  const entries = rules.flatMap((rule) => rule.entries);
  const streams = rules.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
  const backends = backendsOf(entries, streams);
  const findings = rules.map((rule) => rule.findings);
  return {
    key: keyOf(route),
    kind: route.kind,
    hostnames: [...new Set((hostnames ?? []).map((hostname) => hostname.toLowerCase()))],
    entries,
    streams,
    backends,
    secrets: secretsOf(backends),
    ...present({
      ...validityOf(findings),
      unresolved: unresolvedOf(findings.flatMap(({ unresolved }) => unresolved)),
      remark: remarksOf(findings),
    }),
  };
};
