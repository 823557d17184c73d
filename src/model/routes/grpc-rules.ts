import type { GRPCRouteRule } from '../../api/generated/gateway-api.ts';
import type { HttpRule, RouteEntry } from '../graph.ts';
import { entriesFrom } from './entries.ts';
import { filtersFrom } from './filters.ts';
import { grpcMatchFrom } from './grpc-matches.ts';
import type { RuleScope } from './scope.ts';
import { sessionPersistenceFrom } from './session-persistence.ts';
import { actionFrom } from './shares.ts';

/** What gRPC clients read as `UNAVAILABLE`, which the specification asks for where HTTPRoutes answer 500. */
const unavailable = 503;

/** One entry per match of a GRPCRoute's rule, all with the same `rule`; a rule without matches takes every gRPC request. */
export const grpcEntriesFrom = (written: GRPCRouteRule, scope: RuleScope): readonly RouteEntry[] => {
  const rule = grpcRuleFrom(written, scope);
  const matches = written.matches ?? [];
  return entriesFrom(written.name, matches.length > 0 ? matches : [{}], rule, scope, grpcMatchFrom);
};

const grpcRuleFrom = (written: GRPCRouteRule, scope: RuleScope): HttpRule => {
  const { requestHeaders, responseHeaders, mirrors, blocked } = filtersFrom(written.filters, 'grpc', `${scope.field}.filters`, scope);
  const action = actionFrom(written.backendRefs, 'grpc', unavailable, scope);
  const session = written.sessionPersistence;
  return {
    requestHeaders,
    responseHeaders,
    mirrors,
    ...(session === undefined ? {} : { sessionPersistence: sessionPersistenceFrom(session, `${scope.field}.sessionPersistence`, scope) }),
    ...(blocked ? { blocked: true } : {}),
    action: blocked ? { kind: 'respond', status: unavailable } : action,
  };
};
