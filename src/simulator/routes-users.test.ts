import { expect, it } from 'vitest';
import { callerOf } from '../../test/support/simulated-call.ts';
import { join } from './state-devices.ts';

it('lists those who were given a name and owners of machines, and nobody for tagged ones', () => {
  const { call, arrange } = callerOf();
  arrange((tailnet) => join(tailnet, { hostname: 'phone', user: 'bob@example.com' }, 0).tailnet);
  arrange((tailnet) => join(tailnet, { hostname: 'guest', user: 'eve@elsewhere.com', isExternal: true }, 0).tailnet);
  arrange((tailnet) => ({ ...tailnet, users: [{ loginName: 'ann@example.com', displayName: 'Ann' }] }));
  expect(call('GET', '/tailnet/-/users').body).toEqual({
    users: [
      expect.objectContaining({ loginName: 'ann@example.com', displayName: 'Ann', type: 'member', deviceCount: 0 }),
      expect.objectContaining({ loginName: 'bob@example.com', displayName: 'bob', type: 'member', deviceCount: 1 }),
      expect.objectContaining({ loginName: 'eve@elsewhere.com', type: 'shared' }),
    ],
  });
});
