import type { GRPCRouteRule, HTTPRouteRule, TCPRouteRule } from '../../api/generated/gateway-api.ts';
import { objectKey, partsOf, type ObjectKey } from '../../lib/key.ts';
import { memoWithin, type Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import type { RouteEntry, StreamRule } from '../graph.ts';
import type { RouteKind } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';
import type { BackendNeed } from './backend-need.ts';
import { grpcEntriesFrom } from './grpc-rules.ts';
import { httpEntriesFrom } from './http-rules.ts';
import type { Findings, RuleScope } from './scope.ts';
import { streamSharesFrom } from './shares.ts';

/** One rule and what is wrong with it. A dropped rule has no entries and no stream. */
export type RuleNode = { readonly findings: Findings; readonly entries: readonly RouteEntry[]; readonly stream?: StreamRule };

/** A way to derive the rules of one kind, by their place (`HTTPRoute/namespace/name/rule/0`). What a rule looks up has not changed: the same node. */
export type RuleDerivation<R extends object> = (rule: R, id: string, read: Read<ModelTables>) => RuleNode;

export const httpRuleNodeOf: RuleDerivation<HTTPRouteRule> = memoWithin<ModelTables, HTTPRouteRule, RuleNode>((rule, id, read) =>
  nodeFrom(scopeOf(id, read), (scope) => httpEntriesFrom(rule, scope)),
);

export const grpcRuleNodeOf: RuleDerivation<GRPCRouteRule> = memoWithin<ModelTables, GRPCRouteRule, RuleNode>((rule, id, read) =>
  nodeFrom(scopeOf(id, read), (scope) => grpcEntriesFrom(rule, scope)),
);

/** TCPRoute, TLSRoute and UDPRoute rules have one shape, and differ in what they need of a backend. */
const streamRuleNodeOf = (need: BackendNeed): RuleDerivation<TCPRouteRule> =>
  memoWithin<ModelTables, TCPRouteRule, RuleNode>((rule, id, read) => {
    const scope = scopeOf(id, read);
    const shares = streamSharesFrom(rule.backendRefs, need, scope);
    const stream = { id, owner: scope.owner, ...present({ ruleName: rule.name }), shares };
    return { findings: scope.findings, entries: [], stream };
  });

/** Bytes that a BackendTLSPolicy may have us encrypt: those of TCPRoutes, and of TLSRoutes where their listener has decrypted them. */
export const byteRuleNodeOf = streamRuleNodeOf({ use: 'tcp', policies: true });

/** Bytes that clients encrypted for the backend itself: those of TLSRoutes that pass through. */
export const passthroughRuleNodeOf = streamRuleNodeOf({ use: 'tcp', policies: false });

export const packetRuleNodeOf = streamRuleNodeOf({ use: 'udp', policies: false });

const nodeFrom = (scope: RuleScope, entriesFrom: (scope: RuleScope) => readonly RouteEntry[]): RuleNode => {
  const entries = entriesFrom(scope);
  return { findings: scope.findings, entries: scope.findings.invalid.length > 0 ? [] : entries };
};

const scopeOf = (id: string, read: Read<ModelTables>): RuleScope => {
  const { kind, namespace, name } = partsOf(id as ObjectKey);
  const index = id.slice(id.lastIndexOf('/') + 1);
  return {
    kind: kind as RouteKind,
    namespace,
    owner: objectKey(kind, namespace, name),
    id,
    field: `spec.rules[${index}]`,
    read,
    findings: { unresolved: [], invalid: [], remarks: [] },
  };
};
