import { describe, expect, it } from 'vitest';
import type { HTTPRouteRule } from '../../api/generated/gateway-api.ts';
import type { HttpRule } from '../graph.ts';
import { httpRouteOf, ruleOf, serviceOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const tables = tablesOf(serviceOf('web'));
const nodeWith = (rule: Partial<HTTPRouteRule>) => routeNodeOf(httpRouteOf(ruleOf(rule)), tables);
const ruleWith = (rule: Partial<HTTPRouteRule>): HttpRule | undefined => nodeWith(rule).entries[0]?.rule;

describe('timeouts', () => {
  it('are milliseconds, and zero stays zero', () => {
    expect(ruleWith({ timeouts: { request: '1m', backendRequest: '0s' } })).toMatchObject({
      requestTimeoutMs: 60_000,
      backendTimeoutMs: 0,
    });
  });

  it('are absent when not given', () => {
    expect(ruleWith({})).not.toHaveProperty('requestTimeoutMs');
  });
});

describe('retries', () => {
  it('happen as often and for what is written', () => {
    expect(ruleWith({ retry: { attempts: 3, codes: [503, 500], backoff: '100ms' } })?.retry).toEqual({
      attempts: 3,
      statusCodes: [500, 503],
      backoffMs: 100,
    });
  });

  it('happen once when nothing is written, and a backoff of zero is none', () => {
    expect(ruleWith({ retry: { backoff: '0s' } })?.retry).toEqual({ attempts: 1, statusCodes: [] });
  });
});

describe('session persistence', () => {
  it('uses the name given', () => {
    expect(ruleWith({ sessionPersistence: { type: 'Header', sessionName: 'X-Session' } })?.sessionPersistence).toEqual({
      type: 'Header',
      name: 'X-Session',
    });
  });

  it('makes a name from the place of the rule, the same each time and for no other rule', () => {
    const names = (): readonly (string | undefined)[] => {
      const rule = ruleOf({ sessionPersistence: { type: 'Cookie' } });
      return routeNodeOf(httpRouteOf(rule, { ...rule }), tables).entries.map((entry) => entry.rule.sessionPersistence?.name);
    };
    const [first, second] = names();
    expect(first).toMatch(/^session-[0-9a-f]{12}$/);
    expect(first).not.toBe(second);
    expect(names()).toEqual([first, second]);
  });

  it('lasts as long as a permanent cookie may, in whole seconds', () => {
    const sessionPersistence = { type: 'Cookie', absoluteTimeout: '1s500ms', cookieConfig: { lifetimeType: 'Permanent' } } as const;
    expect(ruleWith({ sessionPersistence })?.sessionPersistence?.ttlSeconds).toBe(2);
  });

  it('by session cookie has no lifetime of its own', () => {
    const sessionPersistence = { type: 'Cookie', absoluteTimeout: '1h', cookieConfig: { lifetimeType: 'Session' } } as const;
    expect(ruleWith({ sessionPersistence })?.sessionPersistence).not.toHaveProperty('ttlSeconds');
  });

  it('refuses a name that is no token', () => {
    expect(nodeWith({ sessionPersistence: { type: 'Cookie', sessionName: 'a; Path=/' } }).rejected?.reason).toBe('UnsupportedValue');
  });
});
