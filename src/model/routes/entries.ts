import { present } from '../../lib/present.ts';
import type { HttpMatch, HttpRule, RouteEntry } from '../graph.ts';
import type { RuleScope } from './scope.ts';

/** One entry per match of a rule, all with the same `rule`. */
export const entriesFrom = <M>(
  ruleName: string | undefined,
  matches: readonly M[],
  rule: HttpRule,
  scope: RuleScope,
  matchFrom: (match: M, field: string, scope: RuleScope) => HttpMatch,
): readonly RouteEntry[] => {
  const common = present({ owner: scope.owner, ruleName, rule });
  return matches.map((match, index) => {
    const own = { id: `${scope.id}/match/${index}`, match: matchFrom(match, `${scope.field}.matches[${index}]`, scope) };
    return Object.assign(own, common);
  });
};
