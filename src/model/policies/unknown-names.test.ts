import { describe, expect, it } from 'vitest';
import type { Device, KnownTailnet } from '../../api/observations.ts';
import type { Identities } from '../graph.ts';
import { deviceOf } from '../tailnets/fixtures.ts';
import type { Policy } from './policy.ts';
import { unknownNamesIn } from './unknown-names.ts';

const devices: readonly Device[] = [
  deviceOf('laptop', '100.64.0.1', { user: 'Ann@Example.com' }),
  deviceOf('ci', '100.64.0.2', { tags: ['tag:ci'] }),
  deviceOf('theirs', '100.64.0.3', { user: 'bob@other.example', tags: ['tag:theirs'], fqdn: 'theirs.tail2.ts.net', external: true }),
];

type Said = { readonly allow?: Partial<Identities>; readonly deny?: Partial<Identities> };
type Groups = NonNullable<KnownTailnet['groups']> | 'unread';

const all = (some: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...some });

/** What is said of a policy that allows and denies these. */
const saidOf = ({ allow, deny }: Said, groups: Groups = new Map()): readonly string[] => {
  const identity = { ...(allow === undefined ? {} : { allow: all(allow) }), ...(deny === undefined ? {} : { deny: all(deny) }) };
  const known: KnownTailnet = {
    devices: new Map(devices.map((device) => [device.id, device])),
    services: new Map(),
    lastSync: '2026-01-01T00:00:00Z',
    ...(groups === 'unread' ? {} : { groups }),
  };
  const policy = { rules: [{ actions: { identity } }] } as unknown as Policy;
  return unknownNamesIn(policy, new Map([['prod', { name: 'prod', known }]]));
};

const noScope = 'groups of a tailnet cannot be read: give its OAuth client the scope policy_file:read';
const withheld = 'until it is known who is in the groups that are denied, nobody passes';

describe('what is said of those whom a policy names', () => {
  it('is nothing where the tailnet has them, however the API spells their login', () => {
    const named = { users: ['ann@example.com'], groups: ['group:dev'], tags: ['tag:ci'], nodes: ['ci', 'laptop.tail1.ts.net'] };
    expect(saidOf({ allow: named }, new Map([['group:dev', []]]))).toEqual([]);
  });

  it('is which of them no tailnet has', () => {
    expect(saidOf({ allow: { users: ['eve@example.com'], groups: ['group:x'], tags: ['tag:x'], nodes: ['x'] } })).toEqual([
      'no tailnet knows users eve@example.com',
      'no tailnet knows groups group:x',
      'no tailnet knows tags tag:x',
      'no tailnet knows nodes x',
    ]);
  });

  it('is, of tags and short names of machines that are shared in, that no tailnet has them: here they mean nobody', () => {
    expect(saidOf({ allow: { tags: ['tag:theirs'], nodes: ['theirs', 'theirs.tail2.ts.net'] } })).toEqual([
      'no tailnet knows tags tag:theirs',
      'no tailnet knows nodes theirs',
    ]);
  });

  it('is nothing of groups that follow from machines, whether or not the policy file can be read', () => {
    const autogroups = { groups: ['autogroup:member', 'autogroup:shared', 'autogroup:tagged'] };
    for (const groups of [new Map<string, readonly string[]>(), 'unread'] as const) {
      expect(saidOf({ allow: autogroups }, groups)).toEqual([]);
      expect(saidOf({ deny: autogroups }, groups)).toEqual([]);
    }
  });

  it('is that others of its groups are not told, and what that means where they are denied', () => {
    const admins = { groups: ['autogroup:admin'] };
    const untold =
      'no tailnet tells who is in autogroup:admin: of autogroups autogroup:member, autogroup:shared, autogroup:tagged are known';
    expect(saidOf({ allow: admins })).toEqual([untold]);
    expect(saidOf({ deny: admins })).toEqual([untold, withheld]);
  });

  it('is which scope lets groups be read, and what it means until then where they are denied', () => {
    const named = { groups: ['group:dev'] };
    expect(saidOf({ allow: named }, 'unread')).toEqual([noScope]);
    expect(saidOf({ deny: named }, 'unread')).toEqual([noScope, withheld]);
  });
});
