import type { PolicyMatch as WrittenMatch, PolicyRule as WrittenRule, TailscaleRoutePolicy } from '../../api/generated/tailscale.ts';
import { keyOf } from '../../lib/key.ts';
import { memoByReads, type Read } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { headerMatchesFrom, pathMatchFrom, queryParamMatchesFrom } from '../routes/matches.ts';
import { invalid, type RuleScope } from '../routes/scope.ts';
import { unresolvedOf } from '../routes/verdicts.ts';
import type { ModelTables } from '../tables.ts';
import { actionsFrom, isProtecting } from './actions.ts';
import { identitiesFrom } from './identities.ts';
import type { Policy, PolicyMatch, PolicyRule } from './policy.ts';

/** A policy by itself; the same object until it, or what it refers to, is another. */
export const resolvedPolicy: (object: TailscaleRoutePolicy, tables: ModelTables) => Policy = memoByReads((object, read) => {
  const derived = object.spec.rules.map((rule, index) => ruleFrom(rule, index, object, read));
  const wrong = derived.filter(({ scope }) => scope.findings.invalid.length > 0);
  const messages = wrong.map(({ scope }) => scope.findings.invalid.map(({ message }) => message).join(', '));
  const [first] = wrong.flatMap(({ scope }) => scope.findings.invalid);
  const unresolved = unresolvedOf(derived.flatMap(({ scope }) => scope.findings.unresolved));
  return {
    key: keyOf(object),
    object,
    rules: derived
      .flatMap(({ rule, priority }) => (rule === undefined ? [] : [{ rule, priority }]))
      .toSorted((one, other) => other.priority - one.priority)
      .map(({ rule }) => rule),
    ...(first === undefined
      ? {}
      : { invalid: { verdict: { reason: first.reason, message: messages.join('; ') }, all: wrong.length === derived.length } }),
    ...(unresolved === undefined ? {} : { unresolved }),
    remarks: [...new Set(derived.flatMap(({ scope }) => scope.findings.remarks))],
  };
});

type Derived = { readonly rule: PolicyRule | undefined; readonly priority: number; readonly scope: RuleScope };

/** A rule with a mistake counts for nothing, unless it was to protect something: then what it matches gets an error. */
const ruleFrom = (written: WrittenRule, index: number, object: TailscaleRoutePolicy, read: Read<ModelTables>): Derived => {
  const scope: RuleScope = {
    kind: 'TailscaleRoutePolicy',
    namespace: object.metadata.namespace ?? '',
    owner: keyOf(object),
    id: `${keyOf(object)}/rule/${index}`,
    field: `spec.rules[${index}]`,
    read,
    findings: { unresolved: [], invalid: [], remarks: [] },
  };
  const matches = written.matches?.map((match, at) => matchFrom(match, `${scope.field}.matches[${at}]`, scope));
  const badMatches = scope.findings.invalid.length > 0;
  const { actions, blocked } = actionsFrom(written.actions, scope);
  if ((actions.circuitBreaker ?? actions.outliers) !== undefined && (matches ?? []).length > 0)
    invalid(scope, `${scope.field}.matches`, 'circuitBreaker and outlierDetection hold for all of a backend, whatever a request is');
  const { priority } = written;
  const common = { policy: scope.owner, field: scope.field };
  const isWrong = scope.findings.invalid.length > 0;
  if (isWrong && !isProtecting(written.actions)) return { rule: undefined, priority, scope };
  // What cannot be matched cannot be left out either: the error is for everybody.
  const conditions = badMatches || matches === undefined || matches.length === 0 ? {} : { matches };
  return { rule: { ...common, ...conditions, actions, blocked: blocked || isWrong }, priority, scope };
};

const matchFrom = (match: WrittenMatch, field: string, scope: RuleScope): PolicyMatch => ({
  field,
  ...present({
    path: match.path && pathMatchFrom(match.path, `${field}.path`, scope),
    method: match.method,
    peer: match.identity && identitiesFrom(match.identity),
  }),
  headers: headerMatchesFrom(match.headers, `${field}.headers`, scope),
  queryParams: queryParamMatchesFrom(match.queryParams, `${field}.queryParams`, scope),
});
