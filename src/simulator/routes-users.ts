import { ok } from '../lib/result.ts';
import { stableId } from './identity.ts';
import type { Handler, Route } from './reply.ts';
import type { Tailnet } from './state.ts';

/** Everybody who was given a name or owns a machine, in the order of their login names. */
const list: Handler = (tailnet) => ok({ body: { users: loginNames(tailnet).map((loginName) => userJson(tailnet, loginName)) } });

const loginNames = ({ users = [], devices }: Tailnet): readonly string[] => {
  const owners = devices.filter(({ tags }) => tags.length === 0).map(({ user }) => user);
  return [...new Set([...users.map(({ loginName }) => loginName), ...owners])].filter((name) => name !== '').toSorted();
};

/** A user as the API shows it: without a name of their own people go by the part before the `@`. */
const userJson = (tailnet: Tailnet, loginName: string): Record<string, unknown> => {
  const owned = tailnet.devices.filter(({ user, tags }) => tags.length === 0 && user === loginName);
  return {
    id: stableId(`${tailnet.seed}/users/${loginName}`, 'u', 0),
    displayName: tailnet.users?.find((user) => user.loginName === loginName)?.displayName ?? loginName.split('@')[0],
    loginName,
    profilePicUrl: '',
    tailnetId: tailnet.id,
    type: owned.length > 0 && owned.every(({ isExternal }) => isExternal) ? 'shared' : 'member',
    role: 'member',
    status: 'active',
    deviceCount: owned.length,
    currentlyConnected: owned.some(({ connectedToControl }) => connectedToControl),
  };
};

export const userRoutes: readonly Route[] = [['GET', '/tailnet/:tailnet/users', ['users:read'], list]];
