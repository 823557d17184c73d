import { expect, it } from 'vitest';
import type { HttpRule, Reach } from '../../src/model/graph.ts';
import { backendOf, entryOf, shareOf } from '../../test/support/graph.ts';
import { routesFrom } from './route.ts';

const front = { scheme: 'http', port: 80 } as const;
const tunnelled: Reach = { form: 'tunnelled', balancing: 'round-robin', outlierDetection: true };

const routesTo = (reach: Reach | undefined, method?: string, rule: Partial<HttpRule> = {}) => {
  const backend = backendOf('app', reach === undefined ? {} : { reach });
  const entry = entryOf('app', method === undefined ? {} : { method }, {
    action: { kind: 'forward', shares: [shareOf(backend)] },
    ...rule,
  });
  return routesFrom(entry, front).map(({ name, route }) => [name?.split('/match/0')[1], route?.retryPolicy?.retryOn]);
};
const repeated = 'connect-failure,refused-stream,reset';

it('idempotent requests to a backend behind proxies have a route of their own, before the others, that repeats what broke', () => {
  expect(routesTo(tunnelled)).toEqual([
    ['/idempotent', repeated],
    ['', undefined],
  ]);
  expect(routesTo({ ...tunnelled, form: 'proxied' })).toHaveLength(2);
});

it('a match by method needs one route: with repetition where the method is idempotent', () => {
  expect(routesTo(tunnelled, 'GET')).toEqual([['', repeated]]);
  expect(routesTo(tunnelled, 'POST')).toEqual([['', undefined]]);
});

it('plain addresses are retried as ever, and so is what a rule itself says something of', () => {
  expect(routesTo(undefined)).toEqual([['', undefined]]);
  expect(routesTo({ ...tunnelled, form: 'plain' })).toEqual([['', undefined]]);
  expect(routesTo(tunnelled, undefined, { retry: { attempts: 1, statusCodes: [] } })).toHaveLength(1);
  expect(routesTo(tunnelled, undefined, { backendTimeoutMs: 100 })).toHaveLength(1);
});
