import fc from 'fast-check';
import { expect, it } from 'vitest';
import { objectKey } from '../../lib/key.ts';
import { proxySetName } from './names.ts';

const endpoints = (name: string) => objectKey('TailscaleEndpoints', 'apps', name);
const group = (name: string) => objectKey('TailscaleProxyGroup', 'apps', name);

it('names the proxies of one direction after their TailscaleEndpoints', () => {
  expect(proxySetName(endpoints('db'), 'egress')).toBe('db-egress');
  expect(proxySetName(endpoints('db'), 'ingress')).toBe('db-ingress');
});

it('names the proxies of a group as the group', () => {
  expect(proxySetName(group('exits'))).toBe('exits');
});

it('keeps a group apart from the TailscaleEndpoints that it is named after', () => {
  expect(proxySetName(group('db-egress'))).toMatch(/^db-egress-[0-9a-f]{12}$/);
});

it('keeps long names apart that begin alike', () => {
  const long = 'a'.repeat(60);
  expect(proxySetName(endpoints(`${long}b`), 'egress')).not.toBe(proxySetName(endpoints(`${long}c`), 'egress'));
  expect(proxySetName(endpoints(long), 'egress')).not.toBe(proxySetName(endpoints(long), 'ingress'));
});

it('gives the same name to the same owner for ever', () => {
  expect(proxySetName(endpoints('a'.repeat(60)), 'egress')).toBe(`${'a'.repeat(39)}-7133dc4ab576`);
});

it('always gives what a StatefulSet, a Service and their children may be named', () => {
  const label = fc.stringMatching(/^[a-z0-9](?:[-a-z0-9]{0,60}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(name, fc.constantFrom('egress', 'ingress', undefined), (text, direction) => {
      const made = proxySetName(direction === undefined ? group(text) : endpoints(text), direction);
      expect(made).toMatch(/^[a-z](?:[-a-z0-9]*[a-z0-9])?$/);
      expect(`${made}-999-config`.length).toBeLessThanOrEqual(63);
    }),
  );
});
