import { memo } from '../../lib/memo.ts';
import type { HttpRule, RouteEntry } from '../graph.ts';
import { isUnknowable, isWithheld } from './groupless.ts';

/**
 * What one entry became under policies, in the order it is tried, where nobody can say who is in some groups: who may be in one that is denied does not pass, and
 * neither does who may be in one that more is asked of than of others. The same objects where that is nobody. `groupless`: the policy file cannot be read.
 */
export const withheldByGroup = (entries: readonly RouteEntry[], groupless: boolean): readonly RouteEntry[] =>
  entries.map((entry, index) => {
    if (isWithheld(entry.rule.identities ?? [], groupless)) return refusing(entry);
    const isDoubtful = entry.match.peers?.some(({ groups }) => groups.some((group) => isUnknowable(group, groupless))) ?? false;
    const isSpared = isDoubtful && entries.slice(index + 1).some((other) => asksMore(entry.rule, other.rule));
    return isSpared ? refusing(whoeverIsIn(entry)) : entry;
  });

const refusing = memo((entry: RouteEntry): RouteEntry => ({
  ...entry,
  rule: { ...entry.rule, blocked: true, action: { kind: 'respond', status: 403 } },
}));

/** The same for all who may be in its groups: for everybody who is else as it says. */
const whoeverIsIn = memo(({ match: { peers = [], ...match }, ...entry }: RouteEntry): RouteEntry => {
  const sure = peers
    .map((peer) => ({ ...peer, groups: [] }))
    .filter(({ users, tags, nodes }) => users.length + tags.length + nodes.length > 0);
  return { ...entry, match: { ...match, ...(sure.length === 0 ? {} : { peers: sure }) } };
});

/** Whether a rule keeps somebody out whom another lets in. */
const asksMore = (rule: HttpRule, other: HttpRule): boolean =>
  (rule.blocked === true && other.blocked !== true) ||
  (rule.jwt !== undefined && rule.jwt !== other.jwt) ||
  (rule.externalAuth !== undefined && rule.externalAuth !== other.externalAuth) ||
  (rule.identities ?? []).some((identity) => !(other.identities ?? []).includes(identity));
