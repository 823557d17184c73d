import type { IdentityRule as WrittenRule, TailnetIdentity } from '../../api/generated/tailscale.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { present } from '../../lib/present.ts';
import type { Identities, IdentityRule } from '../graph.ts';
import { invalid, type RuleScope } from '../routes/scope.ts';

/** Who may pass; undefined, and a finding, where nobody is named: whether everybody or nobody is meant nobody can tell. */
export const identityFrom = ({ allow, deny }: WrittenRule, field: string, scope: RuleScope): IdentityRule | undefined => {
  const lists = Object.entries({ allow, deny }).flatMap(([name, list]) => (list === undefined ? [] : [[name, list] as const]));
  const empty = lists.filter(([, list]) => isEmpty(list)).map(([name]) => name);
  if (lists.length === 0) invalid(scope, field, 'needs allow or deny', 'Invalid');
  for (const name of empty)
    invalid(scope, `${field}.${name}`, 'names nobody; name users, groups, tags or nodes, or leave it out', 'Invalid');
  if (lists.length === 0 || empty.length > 0) return undefined;
  return { policy: scope.owner, ...present({ allow: allow && identitiesFrom(allow), deny: deny && identitiesFrom(deny) }) };
};

const isEmpty = ({ users = [], groups = [], tags = [], nodes = [] }: TailnetIdentity): boolean =>
  users.length + groups.length + tags.length + nodes.length === 0;

/** Sorted, each once. Login and MagicDNS names are lower case, and the latter end without a dot. */
export const identitiesFrom = ({ users = [], groups = [], tags = [], nodes = [] }: TailnetIdentity): Identities => ({
  users: sorted(users.map((user) => user.toLowerCase())),
  groups: sorted(groups),
  tags: sorted(tags),
  nodes: sorted(nodes.map((node) => node.toLowerCase().replace(/\.$/, ''))),
});

const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].toSorted(byCodeUnit);
