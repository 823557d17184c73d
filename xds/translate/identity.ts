import { any } from '../any.ts';
import { memo } from '../../src/lib/memo.ts';
import type { Identities, IdentityRule } from '../../src/model/graph.ts';
import { peerMetadata } from '../names.ts';
import type { Any, Principal, StringMatcher } from '../types.ts';

/**
 * What a route asks of its peers: every rule must let one through, `deny` before `allow`. It reads what the identity tables wrote of the peer's address,
 * which is nothing for a peer they do not know or a client that is not of a tailnet. Constant in size, whatever a tailnet holds.
 */
export const identityFrom = memo((rules: readonly IdentityRule[]): Any =>
  any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {
    rbac: {
      rules: {
        action: 'ALLOW',
        policies: { identity: { permissions: [{ any: true }], principals: [allOf(rules.flatMap(principalsFrom))] } },
      },
    },
  }),
);

const principalsFrom = ({ allow, deny }: IdentityRule): readonly Principal[] => [
  ...(deny === undefined ? [] : [known, { notId: meant(deny) }]),
  ...(allow === undefined ? [] : [meant(allow)]),
];

const meant = ({ users, groups, tags, nodes }: Identities): Principal =>
  anyOf([
    ...users.map((user) => said('user', { exact: user, ignoreCase: true })),
    ...groups.map((group) => said('groups', { contains: `,${group},` })),
    ...tags.map((tag) => said('tags', { contains: `,${tag},` })),
    ...nodes.map((node) => said('names', { contains: `,${node},`, ignoreCase: true })),
  ]);

const said = (key: string, stringMatch: StringMatcher): Principal => ({
  sourcedMetadata: { metadataMatcher: { filter: peerMetadata, path: [{ key }], value: { stringMatch } } },
});

/** Whom the tailnet does not know may be one that is denied. */
const known: Principal = {
  sourcedMetadata: { metadataMatcher: { filter: peerMetadata, path: [{ key: 'node' }], value: { presentMatch: true } } },
};

const everybody: Principal = { any: true };
const nobody: Principal = { notId: everybody };

const anyOf = (ids: readonly Principal[]): Principal => (ids.length === 0 ? nobody : { orIds: { ids } });
const allOf = (ids: readonly Principal[]): Principal => (ids.length === 0 ? everybody : { andIds: { ids } });
