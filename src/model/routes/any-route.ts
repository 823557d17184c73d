/** Arbitrary routes of every kind, in the shape admission leaves them, right and wrong in what they say. */
import fc from 'fast-check';
import type { HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule } from '../../api/generated/gateway-api.ts';
import { grpcRouteOf, httpRouteOf, refTo, streamRouteOf } from './fixtures.ts';
import type { Route } from './route-node.ts';

const regex = fc.constantFrom('/a.*', '[a-z]+', '(', 'a{2000}', '', String.raw`\d`, '(?=x)');
const headerName = fc.constantFrom('a', 'A', 'x-b', 'Host', 'Cookie');
const text = fc.constantFrom('a', 'b c', '%REQ(a)%', '"', 'é');
const duration = fc.constantFrom('0s', '10s', '1h30m', '500ms');
const optional = { requiredKeys: [] };

const ref = fc
  .record({
    name: fc.constantFrom('web', 'api', 'gone'),
    port: fc.constantFrom(80, 81, 82, 83),
    kind: fc.constantFrom('Service', 'Service', 'Service', 'Bucket'),
    weight: fc.constantFrom(0, 1, 1_000_000),
    namespace: fc.constantFrom(undefined, undefined, 'other', 'default'),
  })
  .map(({ name, namespace, ...more }) => refTo(name, namespace === undefined ? more : { ...more, namespace }));

const valueMatch = fc.oneof(
  fc.record({ type: fc.constant('Exact' as const), name: headerName, value: text }),
  fc.record({ type: fc.constant('RegularExpression' as const), name: headerName, value: regex }),
);

const path = fc.oneof(
  fc.record({ type: fc.constantFrom('Exact' as const, 'PathPrefix' as const), value: fc.constantFrom('/', '/a', '/a/', '/a/b') }),
  fc.record({ type: fc.constant('RegularExpression' as const), value: regex }),
);

const httpMatch = fc.record(
  {
    path,
    headers: fc.array(valueMatch, { maxLength: 3 }),
    queryParams: fc.array(valueMatch, { maxLength: 3 }),
    method: fc.constantFrom('GET', 'POST'),
  },
  { requiredKeys: ['path'] },
) as fc.Arbitrary<HTTPRouteMatch>;

const header = fc.record({ name: headerName, value: text });
const headerChanges = fc.record(
  {
    set: fc.array(header, { maxLength: 2 }),
    add: fc.array(header, { maxLength: 2 }),
    remove: fc.array(fc.oneof(headerName, fc.constantFrom(':path', '')), { maxLength: 2 }),
  },
  optional,
);
const pathModifier = fc.oneof(
  fc.record({ type: fc.constant('ReplaceFullPath'), replaceFullPath: fc.constantFrom('', '/a', 'a b', '/a?b') }),
  fc.record({ type: fc.constant('ReplacePrefixMatch'), replacePrefixMatch: fc.constantFrom('', '/', '/a/', '//') }),
);
const names = fc.array(fc.constantFrom('X-A', 'x-b', '*', ''), { maxLength: 2 });

const commonFilters = [
  fc.record({ type: fc.constant('RequestHeaderModifier'), requestHeaderModifier: headerChanges }),
  fc.record({ type: fc.constant('ResponseHeaderModifier'), responseHeaderModifier: headerChanges }),
  fc.record({
    type: fc.constant('RequestMirror'),
    requestMirror: fc.oneof(
      fc.record({ backendRef: ref, percent: fc.nat(100) }),
      fc.record({ backendRef: ref, fraction: fc.constant({ numerator: 1, denominator: 7 }) }),
    ),
  }),
  fc.record({ type: fc.constant('ExtensionRef'), extensionRef: fc.constant({ group: 'a.io', kind: 'A', name: 'a' }) }),
];

const httpFilter = fc.oneof(
  ...commonFilters,
  fc.record({
    type: fc.constant('RequestRedirect'),
    requestRedirect: fc.record(
      { scheme: fc.constantFrom('http', 'https'), path: pathModifier, port: fc.constant(8443), statusCode: fc.constantFrom(301, 308) },
      { requiredKeys: ['statusCode'] },
    ),
  }),
  fc.record({ type: fc.constant('URLRewrite'), urlRewrite: fc.record({ hostname: fc.constant('a.b'), path: pathModifier }, optional) }),
  fc.record({ type: fc.constant('CORS'), cors: fc.record({ maxAge: fc.constant(5), allowHeaders: names, exposeHeaders: names }) }),
  fc.record({
    type: fc.constant('ExternalAuth'),
    externalAuth: fc.oneof(
      fc.record({ protocol: fc.constant('GRPC'), grpc: fc.record({ allowedHeaders: names }, optional), backendRef: ref }),
      fc.record({
        protocol: fc.constant('HTTP'),
        http: fc.record({ path: fc.constantFrom('', 'a', '/a'), allowedResponseHeaders: names }, optional),
        backendRef: ref,
      }),
    ),
  }),
) as unknown as fc.Arbitrary<HTTPRouteFilter>;

const sessionPersistence = fc.record(
  {
    type: fc.constantFrom('Cookie' as const, 'Header' as const),
    sessionName: fc.constantFrom('', 'session', 'a b'),
    absoluteTimeout: duration,
    cookieConfig: fc.record({ lifetimeType: fc.constantFrom('Permanent' as const, 'Session' as const) }),
  },
  { requiredKeys: ['type'] },
);

const few = { maxLength: 3 };

const httpRule = fc.record(
  {
    name: fc.constant('a'),
    matches: fc.array(httpMatch, { minLength: 1, maxLength: 3 }),
    filters: fc.array(httpFilter, few),
    backendRefs: fc.array(
      fc.tuple(ref, fc.array(httpFilter, { maxLength: 1 })).map(([to, filters]) => Object.assign({ filters }, to)),
      few,
    ),
    timeouts: fc.record({ request: duration, backendRequest: duration }, optional),
    retry: fc.record({ attempts: fc.constantFrom(1, 2 ** 40), codes: fc.constant([503, 500]), backoff: duration }, optional),
    sessionPersistence,
  },
  { requiredKeys: ['matches'] },
) as fc.Arbitrary<HTTPRouteRule>;

const grpcMethod = fc.record(
  {
    type: fc.constantFrom('Exact', 'RegularExpression'),
    service: fc.constantFrom('', 'a.B', '('),
    method: fc.constantFrom('', 'Get', 'G.*'),
  },
  { requiredKeys: ['type'] },
);

const grpcRule = fc.record(
  {
    matches: fc.array(fc.record({ method: grpcMethod, headers: fc.array(valueMatch, few) }, optional), few),
    filters: fc.array(fc.oneof(...commonFilters), few),
    backendRefs: fc.array(ref, few),
    sessionPersistence,
  },
  optional,
) as unknown as fc.Arbitrary<Parameters<typeof grpcRouteOf>[number]>;

export const anyRoute: fc.Arbitrary<Route> = fc.oneof(
  fc.array(httpRule, few).map((rules) => httpRouteOf(...rules)),
  fc.array(grpcRule, few).map((rules) => grpcRouteOf(...rules)),
  fc
    .tuple(fc.constantFrom('TCPRoute' as const, 'TLSRoute' as const, 'UDPRoute' as const), fc.array(ref, few))
    .map(([kind, refs]) => streamRouteOf(kind, refs)),
);
