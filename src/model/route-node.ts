/** A route object after its own references are resolved, before anybody asks which listeners it attaches to. */
import type { ObjectKey } from '../lib/key.ts';
import type { Backend, RouteEntry, StreamRule, TlsSecret } from './graph.ts';

export type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute';

/** One condition a route earns by itself, whatever its parent: becomes the same condition on each parent. */
export type Verdict = { readonly reason: string; readonly message: string };

export type RouteNode = {
  readonly key: ObjectKey;
  readonly kind: RouteKind;
  /** Lower case; empty means any. Always empty for TCPRoute and UDPRoute. */
  readonly hostnames: readonly string[];
  /** HTTPRoute and GRPCRoute: every match of every rule, in the order of the object. */
  readonly entries: readonly RouteEntry[];
  /** TLSRoute, TCPRoute, UDPRoute: the rules in the order of the object (the first one counts). */
  readonly streams: readonly StreamRule[];
  /** Every backend of the above, once, by id: filters', mirrors' and external auth's too. */
  readonly backends: readonly Backend[];
  /** CA bundles and other secrets those backends need. */
  readonly secrets: readonly TlsSecret[];
  /** Set when the route cannot be accepted at all (`Accepted: False`): it then attaches nowhere. */
  readonly rejected?: Verdict;
  /** Set when some of its rules were dropped (`PartiallyInvalid: True`); the rest stands. */
  readonly partiallyInvalid?: Verdict;
  /** Set when a reference does not resolve (`ResolvedRefs: False`); its share of the traffic is answered with 500. */
  readonly unresolved?: Verdict;
  /** What the condition says where all references resolve, and users should know something else of them. */
  readonly remark?: string;
  /** TLSRoute only, and always there: what counts instead of this node on listeners that terminate TLS, where BackendTLSPolicies apply. */
  readonly terminated?: RouteNode;
};
