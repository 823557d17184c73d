import type { Device, KnownTailnet } from '../api/observations.ts';
import { byCodeUnit } from '../lib/key.ts';
import type { Peer } from './graph.ts';

/** What is known of the people of one tailnet. */
export type PeopleOf = {
  /** By login name in lower case. */
  readonly groupsOf: ReadonlyMap<string, readonly string[]>;
  readonly displayNames: ReadonlyMap<string, string>;
};

/** Groups of each member, sorted, by login name in lower case. */
export const groupsByUser = (groups: KnownTailnet['groups'] = new Map()): ReadonlyMap<string, readonly string[]> => {
  const byUser = new Map<string, string[]>();
  for (const name of [...groups.keys()].toSorted(byCodeUnit))
    for (const member of groups.get(name) ?? []) {
      const known = byUser.get(member);
      if (known === undefined) byUser.set(member, [name]);
      else known.push(name);
    }
  return byUser;
};

/**
 * Who is behind a machine. One that is shared in has the tags, and the first label of its name, of another tailnet: here they would mean what
 * somebody else decided, so it has neither.
 */
export const peerFrom = (device: Device, { groupsOf, displayNames }: PeopleOf): Peer => {
  const { fqdn, external, tags, user } = device;
  const login = user.toLowerCase();
  const addresses = [...new Set(device.addresses.map(canonicalAddress))];
  const groups = [...(login === '' ? [] : (groupsOf.get(login) ?? [])), ...autogroupsOf(device)].toSorted(byCodeUnit);
  const displayName = login === '' ? '' : (displayNames.get(login) ?? '');
  return { addresses, user, displayName, groups, tags: external ? [] : tags, node: fqdn, ...(external && { external }) };
};

/** Those of the tailnet's own groups that follow from a machine itself. Of others, such as `autogroup:admin`, nobody is known to be in them. */
export const autogroups = { member: 'autogroup:member', shared: 'autogroup:shared', tagged: 'autogroup:tagged' } as const;

const autogroupsOf = ({ external, tags, user }: Device): readonly string[] => {
  if (external) return user === '' ? [] : [autogroups.shared];
  if (tags.length > 0) return [autogroups.tagged];
  return user === '' ? [] : [autogroups.member];
};

/** As Envoy writes an address: IPv6 in lower case, with its longest run of zeros left out. `text` is an IP address. */
export const canonicalAddress = (text: string): string => (text.includes(':') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
