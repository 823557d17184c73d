import { describe, expect, it } from 'vitest';
import type { HTTPRouteFilter } from '../../api/generated/gateway-api.ts';
import type { HttpRule } from '../graph.ts';
import { filteredRouteOf, httpRouteOf, messageOf, portOf, refTo, ruleOf, serviceOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const tables = tablesOf(serviceOf('web'), serviceOf('copy'), serviceOf('auth', [portOf(80), portOf(9000)]));

const ruleWith = (...filters: readonly HTTPRouteFilter[]): HttpRule | undefined =>
  routeNodeOf(filteredRouteOf(...filters), tables).entries[0]?.rule;
const nodeWith = (...filters: readonly HTTPRouteFilter[]) => routeNodeOf(filteredRouteOf(...filters), tables);

const mirrorTo = (name: string, more = {}): HTTPRouteFilter => ({
  type: 'RequestMirror',
  requestMirror: { backendRef: refTo(name), ...more },
});
const setting = (name: string, value = 'x'): HTTPRouteFilter => ({
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { set: [{ name, value }] },
});
const redirect: HTTPRouteFilter = { type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } };
const cors: HTTPRouteFilter = { type: 'CORS', cors: { allowOrigins: ['https://*.example.com'], maxAge: 5 } };

describe('header modifiers', () => {
  it('change requests and responses, names in lower case', () => {
    const rule = ruleWith(
      { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-A', value: '1' }], remove: ['X-B', 'x-b'] } },
      { type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'X-C', value: '2' }] } },
    );
    expect(rule?.requestHeaders).toEqual({ set: [{ name: 'x-a', value: '1' }], add: [], remove: ['x-b'] });
    expect(rule?.responseHeaders).toEqual({ set: [], add: [{ name: 'x-c', value: '2' }], remove: [] });
  });

  it('take the first of several entries with one name', () => {
    const set = [
      { name: 'a', value: '1' },
      { name: 'A', value: '2' },
    ];
    expect(ruleWith({ type: 'RequestHeaderModifier', requestHeaderModifier: { set } })?.requestHeaders.set).toEqual([
      { name: 'a', value: '1' },
    ]);
  });

  it.each([
    ['two actions for one name', { set: [{ name: 'a', value: '1' }], remove: ['A'] }],
    ['a second Host', { add: [{ name: 'Host', value: 'a' }] }],
    ['the removal of Host', { remove: ['host'] }],
    ['a pseudo-header', { remove: [':path'] }],
    ['an empty name', { remove: [''] }],
    ['a value of two lines', { add: [{ name: 'a', value: 'b\r\nc: d' }] }],
  ])('cannot hold %s', (_what, requestHeaderModifier) => {
    const node = nodeWith({ type: 'RequestHeaderModifier', requestHeaderModifier });
    expect(node.rejected?.reason).toBe('UnsupportedValue');
    expect(messageOf(node.rejected)).toContain('spec.rules[0].filters[0].requestHeaderModifier');
  });
});

it('Host can be set on requests, and not on responses', () => {
  const changes = { set: [{ name: 'Host', value: 'b.example.com' }] };
  const rule = ruleWith({ type: 'RequestHeaderModifier', requestHeaderModifier: changes });
  expect(rule?.requestHeaders.set).toEqual([{ name: 'host', value: 'b.example.com' }]);
  expect(nodeWith({ type: 'ResponseHeaderModifier', responseHeaderModifier: changes }).rejected?.reason).toBe('UnsupportedValue');
});

describe('mirrors', () => {
  it('are several, each of a share of the requests', () => {
    const rule = ruleWith(
      mirrorTo('copy'),
      mirrorTo('copy', { percent: 20 }),
      mirrorTo('copy', { fraction: { numerator: 1, denominator: 3 } }),
    );
    expect(rule?.mirrors.map(({ numerator, denominator }) => [numerator, denominator])).toEqual([
      [100, 100],
      [20, 100],
      [1, 3],
    ]);
  });

  it('of no request are none', () => {
    expect(ruleWith(mirrorTo('copy', { percent: 0 }))?.mirrors).toEqual([]);
  });

  it('to nowhere are left out, and said, while requests go on', () => {
    const node = nodeWith(mirrorTo('gone'));
    expect(node.entries[0]?.rule).toMatchObject({ mirrors: [], action: { kind: 'forward' } });
    expect(messageOf(node.unresolved)).toContain('spec.rules[0].filters[0].requestMirror.backendRef: Service "default/gone" not found');
  });

  it('are among the backends of the route', () => {
    expect(nodeWith(mirrorTo('copy')).backends.map(({ id }) => id)).toEqual(['Service/default/copy/80', 'Service/default/web/80']);
  });
});

describe('redirects and rewrites', () => {
  it('a redirect takes no backend', () => {
    const { backendRefs: _none, ...rule } = ruleOf({ filters: [redirect] });
    const node = routeNodeOf(httpRouteOf(rule), tables);
    expect(node.entries[0]?.rule.action).toEqual({ kind: 'redirect', redirect: { scheme: 'https', statusCode: 301 } });
    expect(node.backends).toEqual([]);
  });

  it.each([
    ['/xyz/', '/xyz'],
    ['/', ''],
    ['', ''],
    ['xyz', '/xyz'],
  ])('a prefix replaced by %j is replaced by %j', (replacePrefixMatch, value) => {
    const rule = ruleWith({
      type: 'URLRewrite',
      urlRewrite: { hostname: 'b.example.com', path: { type: 'ReplacePrefixMatch', replacePrefixMatch } },
    });
    expect(rule?.rewrite).toEqual({ hostname: 'b.example.com', path: { type: 'prefix', value } });
  });

  it('a full path keeps its trailing slash', () => {
    const rule = ruleWith({ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a/' } } });
    expect(rule?.rewrite).toEqual({ path: { type: 'full', value: '/a/' } });
  });

  it('a path with a line break is refused', () => {
    const node = nodeWith({ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a\r\nb' } } });
    expect(node.rejected?.reason).toBe('UnsupportedValue');
  });

  it.each([
    ['a redirect and a rewrite', [redirect, { type: 'URLRewrite', urlRewrite: { hostname: 'a.example.com' } }]],
    ['a redirect and backends', [redirect]],
    [
      'two external authorizations',
      [0, 1].map(() => ({ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', http: {}, backendRef: refTo('auth') } })),
    ],
  ] as const)('%s are incompatible', (_what, filters) => {
    expect(nodeWith(...(filters as readonly HTTPRouteFilter[])).rejected?.reason).toBe('IncompatibleFilters');
  });

  it('replacing a prefix needs a prefix match', () => {
    const filters: readonly HTTPRouteFilter[] = [
      { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } } },
    ];
    const node = routeNodeOf(httpRouteOf(ruleOf({ matches: [{ path: { type: 'Exact', value: '/a' } }], filters })), tables);
    expect(messageOf(node.rejected)).toContain('ReplacePrefixMatch needs a PathPrefix match');
  });
});

it('a CORS filter says what is allowed, defaults included', () => {
  expect(ruleWith(cors)?.cors).toEqual({
    allowOrigins: ['https://*.example.com'],
    allowCredentials: false,
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    maxAgeSeconds: 5,
  });
});

describe('external authorization', () => {
  it('asks a gRPC service by HTTP/2', () => {
    const rule = ruleWith({
      type: 'ExternalAuth',
      externalAuth: {
        protocol: 'GRPC',
        grpc: { allowedHeaders: ['X-A'] },
        backendRef: refTo('auth', { port: 9000 }),
        forwardBody: { maxSize: 10 },
      },
    });
    expect(rule?.externalAuth).toMatchObject({
      backend: { id: 'Service/default/auth/9000/h2c' },
      allowedRequestHeaders: ['x-a'],
      maxBodyBytes: 10,
    });
  });

  it('asks an HTTP service below a path that begins with a slash', () => {
    const rule = ruleWith({ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', http: { path: 'check' }, backendRef: refTo('auth') } });
    expect(rule?.externalAuth).toMatchObject({ backend: { protocol: 'http1' }, pathPrefix: '/check', maxBodyBytes: 0 });
  });

  it('that cannot be asked lets no request pass', () => {
    const node = nodeWith({ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', http: {}, backendRef: refTo('gone') } });
    expect(node.entries[0]?.rule.action).toEqual({ kind: 'respond', status: 500 });
    expect(node.unresolved?.reason).toBe('BackendNotFound');
  });
});

describe('an ExtensionRef', () => {
  const extension: HTTPRouteFilter = { type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Filter', name: 'a' } };

  it('is not skipped: its rule answers 500', () => {
    const node = nodeWith(extension);
    expect(node.entries[0]?.rule.action).toEqual({ kind: 'respond', status: 500 });
    expect(node.unresolved).toEqual({
      reason: 'InvalidKind',
      message: 'spec.rules[0].filters[0].extensionRef: kind Filter of group "example.com" is not supported',
    });
  });

  it('of a backendRef costs that share only', () => {
    const backendRefs = [{ ...refTo('web'), filters: [extension] }, refTo('copy')];
    const action = routeNodeOf(httpRouteOf(ruleOf({ backendRefs })), tables).entries[0]?.rule.action;
    expect(action?.kind === 'forward' && action.shares.map(({ backend }) => backend?.id)).toEqual([undefined, 'Service/default/copy/80']);
  });
});

describe('filters of a backendRef', () => {
  const shareWith = (...filters: readonly HTTPRouteFilter[]) =>
    routeNodeOf(httpRouteOf(ruleOf({ backendRefs: [{ ...refTo('web'), filters }] })), tables);

  it('change headers, rewrite the host name and mirror for that backend only', () => {
    const node = shareWith(setting('a'), mirrorTo('copy'), { type: 'URLRewrite', urlRewrite: { hostname: 'b.example.com' } });
    const rule = node.entries[0]?.rule;
    expect(rule).toMatchObject({ requestHeaders: { set: [] }, mirrors: [] });
    expect(rule?.action).toMatchObject({
      shares: [{ requestHeaders: { set: [{ name: 'a', value: 'x' }] }, rewriteHostname: 'b.example.com', mirrors: [{ numerator: 100 }] }],
    });
    expect(node.backends.map(({ id }) => id)).toContain('Service/default/copy/80');
  });

  it.each([
    ['RequestRedirect', redirect],
    ['CORS', cors],
    ['ExternalAuth', { type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', http: {}, backendRef: refTo('gone') } }],
    ['URLRewrite of the path', { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a' } } }],
  ] as const)('%s cannot be honoured there, and is not skipped', (what, filter) => {
    const node = shareWith(filter);
    expect(node.rejected).toEqual({
      reason: 'IncompatibleFilters',
      message: `spec.rules[0].backendRefs[0].filters[0]: ${what} is not supported on a backendRef`,
    });
  });
});

it('a filter type of a later API is refused, not skipped', () => {
  expect(nodeWith({ type: 'Later' } as unknown as HTTPRouteFilter).rejected?.reason).toBe('UnsupportedValue');
});
