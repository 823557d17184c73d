import type { Read } from '../../lib/memo.ts';
import type { ObjectKey } from '../../lib/key.ts';
import type { RouteKind, Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

/** What is wrong with one rule, in the order it was found: filled while the rule is derived, never changed after. */
export type Findings = {
  /** References that do not resolve: each costs its share of the traffic. */
  readonly unresolved: Verdict[];
  /** What makes the rule as a whole impossible to honour: it is dropped. */
  readonly invalid: Verdict[];
  /** What users should know of references that do resolve: of a tailnet that cannot be asked, and the like. */
  readonly remarks: string[];
};

/** Where a rule stands, what it may look up, and where to say what is wrong with it. */
export type RuleScope = {
  /** Of the object that refers to others. */
  readonly kind: RouteKind | 'TailscaleRoutePolicy';
  readonly namespace: string;
  /** The route, or policy. */
  readonly owner: ObjectKey;
  /** `HTTPRoute/namespace/name/rule/0`. */
  readonly id: string;
  /** `spec.rules[0]`. */
  readonly field: string;
  readonly read: Read<ModelTables>;
  readonly findings: Findings;
};

export const unresolved = (scope: RuleScope, field: string, reason: string, message: string): void => {
  scope.findings.unresolved.push({ reason, message: `${field}: ${message}` });
};

/** Records that the rule cannot be honoured; `UnsupportedValue` is the specification's reason wherever it names no other. */
export const invalid = (scope: RuleScope, field: string, message: string, reason = 'UnsupportedValue'): void => {
  scope.findings.invalid.push({ reason, message: `${field}: ${message}` });
};

export const remark = (scope: RuleScope, field: string, message: string): void => {
  scope.findings.remarks.push(`${field}: ${message}`);
};
