import { equal } from '../../lib/equal.ts';
import { byCodeUnit } from '../../lib/key.ts';
import type { PolicyGroups, User } from '../../tailscale/answers.ts';
import { refuseTooMany } from './wire.ts';

/** Members by `group:…`; what is no group is left out. Login names are the same in whichever case: here they are in lower case. */
export const groupsFrom = (given: PolicyGroups, previous: ReadonlyMap<string, readonly string[]> | undefined) => {
  const groups = new Map<string, readonly string[]>();
  for (const [name, members] of Object.entries(given).toSorted(([one], [other]) => byCodeUnit(one, other))) {
    if (!name.startsWith('group:')) continue;
    refuseTooMany(`members of ${name.slice(0, 80)}`, members.length);
    groups.set(name, [...new Set(members.map((member) => member.toLowerCase()))].toSorted(byCodeUnit));
  }
  return previous !== undefined && isSame(previous, groups) ? previous : groups;
};

/** What people are called, by login name in lower case. Who is called as they log in needs no other name. */
export const displayNamesFrom = (users: readonly User[], previous: ReadonlyMap<string, string> | undefined) => {
  refuseTooMany('users', users.length);
  const names = new Map<string, string>();
  for (const { loginName, displayName } of users)
    if (displayName !== '' && displayName !== loginName) names.set(loginName.toLowerCase(), displayName.slice(0, maxNameLength));
  return previous !== undefined && isSame(previous, names) ? previous : names;
};

/** They go into a header of every request. */
const maxNameLength = 200;

const isSame = <V>(one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>): boolean =>
  one.size === other.size && [...other].every(([key, value]) => equal(one.get(key), value));
