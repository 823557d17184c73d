import { describe, expect, it } from 'vitest';
import type { HttpRule } from '../../src/model/graph.ts';
import { backendOf, entryOf, noChanges, shareOf } from '../../test/support/graph.ts';
import { missingCluster } from '../names.ts';
import type { CorsPolicy, Route } from '../types.ts';
import { corsPolicyFrom } from './cors.ts';
import { routesFrom } from './route.ts';

const front = { scheme: 'http', port: 80 } as const;
const routes = (rule: Partial<HttpRule>, match: Parameters<typeof entryOf>[1] = {}): readonly Route[] =>
  routesFrom(entryOf('r', match, rule), front);
const one = (rule: Partial<HttpRule>): Route => routes(rule)[0] ?? {};

const app = backendOf('app');
const canary = backendOf('canary');

describe('a route', () => {
  it('names its cluster plainly when one share gets everything, whatever the other weights', () => {
    expect(one({ action: { kind: 'forward', shares: [shareOf(app, 5), shareOf(canary, 0)] } }).route?.cluster).toBe(app.id);
  });

  it('answers 500, and not 503, for a share without a backend', () => {
    const { route } = one({ action: { kind: 'forward', shares: [shareOf(app, 1), shareOf(undefined, 1)] } });
    expect(route?.weightedClusters?.clusters?.map(({ name }) => name)).toEqual([app.id, missingCluster]);
    expect(route?.clusterNotFoundResponseCode).toBe('INTERNAL_SERVER_ERROR');
  });

  it('answers 503, which is UNAVAILABLE, to gRPC for a share without a backend', () => {
    const [route] = routes({ action: { kind: 'forward', shares: [shareOf(app, 1), shareOf(undefined, 1)] } }, { grpc: true });
    expect(route?.route?.weightedClusters?.clusters).toHaveLength(2);
    expect(route?.route?.clusterNotFoundResponseCode).toBeUndefined();
  });

  it('answers 503 while a backend that exists is not there yet', () => {
    const { route } = one({ action: { kind: 'forward', shares: [shareOf(app, 1), shareOf(canary, 1)] } });
    expect(route?.clusterNotFoundResponseCode).toBeUndefined();
  });

  it('has no time limit unless one is asked for', () => {
    expect(one({}).route).toMatchObject({ timeout: '0s', idleTimeout: undefined, retryPolicy: undefined });
  });

  it.each([
    [{ requestTimeoutMs: 1_500 }, '1.5s', undefined],
    [{ requestTimeoutMs: 0 }, '0s', '0s'],
    [{ requestTimeoutMs: 600_000 }, '600s', '600s'],
    [{ backendTimeoutMs: 600_000 }, '0s', '600s'],
  ] as const)('lets a stream be silent as long as its request may take: %j', (limits, timeout, idleTimeout) => {
    expect(one(limits).route).toMatchObject({ timeout, idleTimeout });
  });

  it('limits each attempt at a backend, with the retries every route has, or with its own', () => {
    expect(one({ backendTimeoutMs: 100 }).route?.retryPolicy).toMatchObject({ perTryTimeout: '0.1s', numRetries: 2 });
    const retry = { attempts: 4, statusCodes: [503, 500], backoffMs: 50 };
    expect(one({ backendTimeoutMs: 100, retry }).route?.retryPolicy).toMatchObject({
      perTryTimeout: '0.1s',
      numRetries: 4,
      retryOn: 'connect-failure,refused-stream,reset,retriable-status-codes',
      retriableStatusCodes: [500, 503],
      retryBackOff: { baseInterval: '0.1s', maxInterval: '1s' },
    });
  });

  it('never asks Envoy to add or remove Host or a pseudo-header, which it refuses', () => {
    const requestHeaders = { set: [{ name: 'Host', value: 'a' }], add: [{ name: ':path', value: '/' }], remove: ['HOST', 'x'] };
    expect(one({ requestHeaders })).toMatchObject({
      requestHeadersToAdd: undefined,
      requestHeadersToRemove: ['x'],
      route: { hostRewriteLiteral: 'a' },
    });
  });

  it('takes percent signs in header values as text', () => {
    const responseHeaders = { ...noChanges, set: [{ name: 'x', value: '%REQ(cookie)% 5%' }] };
    expect(one({ responseHeaders }).responseHeadersToAdd?.[0]?.header?.value).toBe('%%REQ(cookie)%% 5%%');
  });

  it('becomes one per share where a share has mirrors, in fractions that add up to the weights', () => {
    const mirrored = shareOf(app, 2, { mirrors: [{ backend: canary, numerator: 1, denominator: 1 }] });
    const split = routes({ action: { kind: 'forward', shares: [mirrored, shareOf(canary, 1), shareOf(undefined, 5)] } });
    expect(split.map(({ match }) => match?.runtimeFraction?.defaultValue)).toEqual([
      { numerator: 25, denominator: 'HUNDRED' },
      { numerator: 375_000, denominator: 'MILLION' },
      undefined,
    ]);
    expect(split.map(({ route }) => route?.requestMirrorPolicies?.length)).toEqual([1, undefined, undefined]);
  });

  it('has its preflights answered where its match names a method', () => {
    const cors = { allowOrigins: ['*'], allowCredentials: false, allowMethods: [], allowHeaders: [], exposeHeaders: [], maxAgeSeconds: 5 };
    expect(routes({ cors }, { method: 'POST' }).map(({ name }) => name?.split('/').at(-1))).toEqual(['preflight', '0']);
    expect(routes({ cors }, { method: 'OPTIONS' })).toHaveLength(1);
    expect(routes({ cors })).toHaveLength(1);
  });

  it('takes an origin wildcard for labels and ports, and never for what comes after a slash', () => {
    const cors = { allowOrigins: ['https://*.example.com'], allowMethods: [], allowHeaders: [], exposeHeaders: [], maxAgeSeconds: 5 };
    const { allowOriginStringMatch } = corsPolicyFrom({ ...cors, allowCredentials: true }) as CorsPolicy;
    const pattern = new RegExp(`^(?:${allowOriginStringMatch?.[0]?.safeRegex?.regex})$`);
    const allowed = (origin: string): boolean => pattern.test(`https://${origin}`);
    expect(['a.example.com', 'a.b.example.com'].filter(allowed)).toEqual(['a.example.com', 'a.b.example.com']);
    expect(['example.com', 'evil/.example.com', 'aXexample.com', 'a.example.com.evil'].filter(allowed)).toEqual([]);
  });
});
