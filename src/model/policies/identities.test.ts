import { describe, expect, it } from 'vitest';
import type { PolicyActions, TailscaleRoutePolicy } from '../../api/generated/tailscale.ts';
import { objectsOf } from '../tailnets/fixtures.ts';
import { tablesBuilder } from '../tables.ts';
import type { Policy } from './policy.ts';
import { resolvedPolicy } from './resolve.ts';

/** A policy that admission did not see: that of a CRD of another version, say. */
const policyOf = (identity: NonNullable<PolicyActions['identity']>): Policy => {
  const object: TailscaleRoutePolicy = {
    apiVersion: 'gateway.tailscale.com/v1alpha1',
    kind: 'TailscaleRoutePolicy',
    metadata: { name: 'who', namespace: 'default', generation: 1 },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'web' }],
      rules: [{ priority: 0, actions: { identity } }],
    },
  };
  return resolvedPolicy(object, tablesBuilder()(objectsOf(object)));
};

describe('an identity rule that names nobody', () => {
  it.each([
    ['neither list', {}, 'needs allow or deny'],
    ['an empty allow', { allow: {} }, '.allow: names nobody; name users, groups, tags or nodes, or leave it out'],
    ['an empty deny', { deny: {} }, '.deny: names nobody; name users, groups, tags or nodes, or leave it out'],
    ['an allow of empty lists', { allow: { users: [], groups: [], tags: [], nodes: [] } }, '.allow: names nobody'],
    ['an empty list beside a full one', { allow: { users: ['a@example.com'] }, deny: { tags: [] } }, '.deny: names nobody'],
  ])('lets nobody in, and says why: %s', (_, identity, message) => {
    const { rules, invalid } = policyOf(identity);
    expect(rules).toMatchObject([{ field: 'spec.rules[0]', blocked: true }]);
    expect(rules[0]?.actions).not.toHaveProperty('identity');
    expect(invalid).toMatchObject({
      all: true,
      verdict: { reason: 'Invalid', message: expect.stringContaining(`spec.rules[0].actions.identity`) },
    });
    expect(invalid?.verdict.message).toContain(message);
  });

  it('is none where one list of several has somebody', () => {
    expect(policyOf({ allow: { users: [], tags: ['tag:ci'] } }).rules).toMatchObject([
      { blocked: false, actions: { identity: { allow: { users: [], tags: ['tag:ci'] } } } },
    ]);
  });
});
