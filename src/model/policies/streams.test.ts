import { describe, expect, it } from 'vitest';
import type { IdentityRule, StreamRule } from '../graph.ts';
import type { Governing } from './governing.ts';
import type { PolicyMatch } from './policy.ts';
import { streamUnder } from './streams.ts';

const rule: StreamRule = { id: 'TCPRoute/default/ssh/rule/0', owner: 'TCPRoute/default/ssh', shares: [{ weight: 1 }] };
const policy = 'TailscaleRoutePolicy/default/who' as const;
const identity: IdentityRule = { policy, allow: { users: [], groups: [], tags: ['tag:dev'], nodes: [] } };
const governedBy = (...matches: readonly Partial<PolicyMatch>[]): readonly Governing[] => [
  {
    policy: {
      rules: [
        {
          policy,
          field: 'spec.rules[0]',
          actions: { identity },
          blocked: false,
          ...(matches.length === 0 ? {} : { matches: matches.map((match) => ({ field: '', headers: [], queryParams: [], ...match })) }),
        },
      ],
    },
  } as unknown as Governing,
];

describe('a rule for bytes under a policy that asks who connects', () => {
  it('asks so where peers of a tailnet come in', () => {
    expect(streamUnder(rule, governedBy(), 'peers')).toEqual({ rule: { ...rule, identities: [identity] }, untold: [] });
  });

  it('has nobody where peers are not known, and the policy is told', () => {
    const { rule: closed, untold } = streamUnder(rule, governedBy(), 'nobody');
    expect(closed.shares).toEqual([{ weight: 1 }]);
    expect(untold.map(({ message }) => message)).toEqual([
      'spec.rules[0]: TCPRoute/default/ssh: who connects is known on services of a tailnet only, so all other connections are closed',
    ]);
  });

  it('has nobody where the policy asks by matches of peers', () => {
    const { rule: closed, untold } = streamUnder(
      rule,
      governedBy({ peer: { users: [], groups: [], tags: ['tag:a'], nodes: [] } }),
      'peers',
    );
    expect(closed).not.toHaveProperty('identities');
    expect(untold).toHaveLength(1);
  });

  it('has nobody where another rule takes some peers first, whatever that does with them', () => {
    const [asking] = governedBy();
    const some = {
      policy,
      field: 'spec.rules[0]',
      actions: {},
      blocked: false,
      matches: [{ field: '', headers: [], queryParams: [], peer: identity.allow }],
    };
    const both = { ...asking, policy: { rules: [some, ...(asking?.policy.rules ?? [])] } } as unknown as Governing;
    const { rule: closed, untold } = streamUnder(rule, [both], 'peers');
    expect(closed).not.toHaveProperty('identities');
    expect(closed.shares).toEqual([{ weight: 1 }]);
    expect(untold).toHaveLength(1);
  });

  it('is as it was where the policy speaks of requests only', () => {
    expect(streamUnder(rule, governedBy({ method: 'GET' }), 'peers')).toEqual({ rule, untold: [] });
  });
});
