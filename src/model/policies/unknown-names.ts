import type { KnownTailnet, Observations } from '../../api/observations.ts';
import { byCodeUnit } from '../../lib/key.ts';
import type { Identities } from '../graph.ts';
import { autogroups } from '../peers-device.ts';
import { isWithheld, originOf } from './groupless.ts';
import type { Policy } from './policy.ts';

/** Everybody that a policy names. */
const namedIn = ({ rules }: Policy): readonly Identities[] =>
  rules.flatMap(({ actions, matches }) =>
    [actions.identity?.allow, actions.identity?.deny, ...(matches ?? []).map(({ peer }) => peer)].flatMap((one) => one ?? []),
  );

/**
 * What users should know of those whom a policy names and no tailnet does: they may join any time, and until then nobody is meant. Nothing while
 * no tailnet was heard of.
 */
export const unknownNamesIn = (policy: Policy, tailnets: Observations['tailnets']): readonly string[] => {
  const named = namedIn(policy);
  if (named.length === 0) return [];
  const known = [...tailnets.values()].flatMap((tailnet) => tailnet.known ?? []);
  if (known.length === 0) return [];
  const groups = each(named, 'groups');
  const ofFile = groups.filter((group) => originOf(group) === 'file');
  const groupless = ofFile.length > 0 && known.some((tailnet) => tailnet.groups === undefined);
  const unknowable = groups.filter((group) => originOf(group) === 'nowhere');
  return [
    ...told('users', each(named, 'users'), known, ({ devices }, user) =>
      [...devices.values()].some((device) => device.user.toLowerCase() === user),
    ),
    ...(groupless ? ['groups of a tailnet cannot be read: give its OAuth client the scope policy_file:read'] : []),
    ...(groupless ? [] : told('groups', ofFile, known, (tailnet, group) => tailnet.groups?.has(group) ?? false)),
    ...(unknowable.length === 0 ? [] : [`no tailnet tells who is in ${unknowable.join(', ')}: of autogroups ${knowable} are known`]),
    ...(isDenied(policy, groupless) ? ['until it is known who is in the groups that are denied, nobody passes'] : []),
    ...told('tags', each(named, 'tags'), known, ({ devices }, tag) =>
      [...devices.values()].some(({ tags, external }) => !external && tags.includes(tag)),
    ),
    ...told('nodes', each(named, 'nodes'), known, ({ devices }, node) =>
      [...devices.values()].some(({ fqdn, external }) => fqdn === node || (!external && fqdn.split('.')[0] === node)),
    ),
  ];
};

const knowable = Object.values(autogroups).join(', ');

const isDenied = ({ rules }: Policy, groupless: boolean): boolean =>
  isWithheld(
    rules.flatMap(({ actions }) => actions.identity ?? []),
    groupless,
  );

const each = (named: readonly Identities[], list: keyof Identities): readonly string[] =>
  [...new Set(named.flatMap((one) => one[list]))].toSorted(byCodeUnit);

const told = (
  what: string,
  names: readonly string[],
  known: readonly KnownTailnet[],
  has: (tailnet: KnownTailnet, name: string) => boolean,
): readonly string[] => {
  const unknown = names.filter((name) => !known.some((tailnet) => has(tailnet, name)));
  return unknown.length === 0 ? [] : [`no tailnet knows ${what} ${unknown.join(', ')}`];
};
