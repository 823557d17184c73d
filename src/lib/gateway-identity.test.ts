import { expect, it } from 'vitest';
import { gatewayIdentity, gatewayOfIdentity } from './gateway-identity.ts';

it('names a Gateway, and is read back as that Gateway', () => {
  expect(gatewayOfIdentity(gatewayIdentity('team-a', 'edge.example.com'))).toBe('team-a/edge.example.com');
});

it.each([
  '',
  'spiffe://other/ns/a/gateway/b',
  'spiffe://tailplane/ns/a/gateway/b/c',
  'spiffe://tailplane/ns/a/gateway/',
  'spiffe://tailplane/ns/a%2Fb/gateway/c',
  'SPIFFE://tailplane/ns/a/gateway/b',
  'spiffe://tailplane/ns/a/gateway/b\n',
])('reads no Gateway into %j', (uri) => {
  expect(gatewayOfIdentity(uri)).toBeUndefined();
});
