import type { BackendRef, HTTPBackendRef, HTTPRouteFilter } from '../../api/generated/gateway-api.ts';
import type { HttpAction, Share, StreamRule } from '../graph.ts';
import type { BackendUse } from './app-protocol.ts';
import type { BackendNeed } from './backend-need.ts';
import { backendFrom } from './backend-ref.ts';
import { filtersFrom } from './filters.ts';
import { invalid, type RuleScope } from './scope.ts';

/**
 * Where a rule's requests go: forwarded while at least one reference with a weight resolves, else answered with `failure`.
 * A reference that does not resolve keeps its part of the traffic, and has no backend for it.
 */
export const actionFrom = (refs: readonly HTTPBackendRef[] | undefined, use: BackendUse, failure: number, scope: RuleScope): HttpAction => {
  const shares = (refs ?? []).map((ref, index) => shareFrom(ref, use, `${scope.field}.backendRefs[${index}]`, scope));
  const reachable = shares.some(({ backend, weight }) => backend !== undefined && weight > 0);
  return reachable ? { kind: 'forward', shares } : { kind: 'respond', status: failure };
};

const shareFrom = (ref: HTTPBackendRef, use: BackendUse, field: string, scope: RuleScope): Share => {
  const backend = backendFrom(ref, { use, policies: true }, field, scope);
  const filters = filtersFrom(ref.filters, use, `${field}.filters`, scope);
  for (const [index, filter] of (ref.filters ?? []).entries()) {
    const what = misplaced(filter);
    if (what !== undefined) invalid(scope, `${field}.filters[${index}]`, `${what} is not supported on a backendRef`, 'IncompatibleFilters');
  }
  return {
    ...(backend === undefined || filters.blocked ? {} : { backend }),
    weight: ref.weight,
    requestHeaders: filters.requestHeaders,
    responseHeaders: filters.responseHeaders,
    ...(filters.rewrite?.hostname === undefined ? {} : { rewriteHostname: filters.rewrite.hostname }),
    mirrors: filters.mirrors,
  };
};

/** Filters that Envoy applies before it has chosen a backend: they belong on the rule. */
const misplaced = ({ type, urlRewrite }: HTTPRouteFilter): string | undefined => {
  if (type === 'RequestRedirect' || type === 'CORS' || type === 'ExternalAuth') return type;
  return urlRewrite?.path === undefined ? undefined : 'URLRewrite of the path';
};

/** Where a stream rule's connections or packets go. References without weight get none and are left out; what then remains may have no backend. */
export const streamSharesFrom = (refs: readonly BackendRef[], need: BackendNeed, scope: RuleScope): StreamRule['shares'] => {
  const shares = refs.map((ref, index) => {
    const backend = backendFrom(ref, need, `${scope.field}.backendRefs[${index}]`, scope);
    return { ...(backend === undefined ? {} : { backend }), weight: ref.weight };
  });
  const weighted = shares.filter(({ weight }) => weight > 0);
  return weighted.length > 0 ? weighted : [{ weight: 1 }];
};
