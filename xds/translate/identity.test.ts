import { describe, expect, it } from 'vitest';
import type { Identities } from '../../src/model/graph.ts';
import { entryOf } from '../../test/support/graph.ts';
import { identityFrom } from './identity.ts';
import { routesFrom } from './route.ts';

const policy = 'TailscaleRoutePolicy/default/who' as const;
const front = { scheme: 'https', port: 443 } as const;
const identities = (more: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...more });
const principalsOf = (rules: Parameters<typeof identityFrom>[0]) => {
  const { rbac } = identityFrom(rules) as unknown as {
    readonly rbac: { readonly rules: { readonly policies: { readonly identity: { readonly principals: readonly object[] } } } };
  };
  return rbac.rules.policies.identity.principals;
};
const said = (key: string, stringMatch: object) => ({
  sourcedMetadata: { metadataMatcher: { filter: 'tailplane.peer', path: [{ key }], value: { stringMatch } } },
});

describe('what a route asks of its peers', () => {
  it('is that the tailnet knows them where some are denied, no rule denies them, and all that allow somebody allow them', () => {
    const [alice, eve] = [identities({ users: ['alice@example.com'] }), identities({ users: ['eve@example.com'] })];
    const isAlice = { orIds: { ids: [said('user', { exact: 'alice@example.com', ignoreCase: true })] } };
    const isKnown = {
      sourcedMetadata: { metadataMatcher: { filter: 'tailplane.peer', path: [{ key: 'node' }], value: { presentMatch: true } } },
    };
    const isEve = { orIds: { ids: [said('user', { exact: 'eve@example.com', ignoreCase: true })] } };
    expect(
      principalsOf([
        { policy, deny: eve, allow: alice },
        { policy, allow: alice },
      ]),
    ).toEqual([{ andIds: { ids: [isKnown, { notId: isEve }, isAlice, isAlice] } }]);
  });

  it('takes tags and groups whole, and a node by its name or its first label', () => {
    expect(
      principalsOf([{ policy, allow: identities({ tags: ['tag:dev'], groups: ['group:ops'], nodes: ['ci', 'web.tail1.ts.net'] }) }]),
    ).toEqual([
      {
        andIds: {
          ids: [
            {
              orIds: {
                ids: [
                  said('groups', { contains: ',group:ops,' }),
                  said('tags', { contains: ',tag:dev,' }),
                  said('names', { contains: ',ci,', ignoreCase: true }),
                  said('names', { contains: ',web.tail1.ts.net,', ignoreCase: true }),
                ],
              },
            },
          ],
        },
      },
    ]);
  });

  it('cannot be met by anybody where an allow names nobody', () => {
    expect(principalsOf([{ policy, allow: identities({}) }])).toEqual([{ andIds: { ids: [{ notId: { any: true } }] } }]);
  });

  it('is asked whatever answers: backends, redirects and preflights', () => {
    const rules = [{ policy, allow: identities({ tags: ['tag:dev'] }) }];
    const asked = { identities: rules };
    const actions = [
      asked,
      { ...asked, action: { kind: 'redirect', redirect: { statusCode: 301 } } },
      { ...asked, action: { kind: 'respond', status: 500 } },
    ] as const;
    for (const rule of actions)
      for (const route of routesFrom(entryOf('a', {}, rule), front))
        expect(route.typedPerFilterConfig).toEqual({ 'envoy.filters.http.rbac': identityFrom(rules) });
  });

  it('is nothing where no policy says anything', () => {
    expect(routesFrom(entryOf('a', {}, { identities: [] }), front)[0]?.typedPerFilterConfig).toBeUndefined();
  });
});
