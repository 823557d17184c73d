import { expect, it } from 'vitest';
import { any } from './any.ts';
import type { Cluster } from './types.ts';

it('puts the type URL beside the fields', () => {
  expect(any('envoy.extensions.filters.http.router.v3.Router', { suppressEnvoyHeaders: true })).toEqual({
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
    suppressEnvoyHeaders: true,
  });
});

it('lets the compiler refuse what Envoy would (checked by tsc)', () => {
  // @ts-expect-error an unknown message
  const unknownMessage = any('envoy.extensions.filters.http.router.v3.Ruter', {});
  // @ts-expect-error a field of another message
  const foreignField = any('envoy.extensions.filters.http.router.v3.Router', { statPrefix: 'x' });
  // @ts-expect-error a misspelt enum value
  const enumValue: Cluster = { type: 'EDSS' };
  // @ts-expect-error a duration without its unit
  const duration: Cluster = { connectTimeout: '5' };
  expect([unknownMessage, foreignField, enumValue, duration]).toHaveLength(4);
});
