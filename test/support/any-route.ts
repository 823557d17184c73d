/** Arbitrary routes of every kind, in the shape admission leaves them, right and wrong in what they say. */
import fc from 'fast-check';
import type { HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule } from '../../src/api/generated/gateway-api.ts';
import { grpcRouteOf, httpRouteOf, refTo, streamRouteOf } from '../../src/model/routes/fixtures.ts';
import type { Route } from '../../src/model/routes/route-node.ts';

/** Mostly `good`: one mistake is enough to lose a rule, and rules that stand should be the most. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 15, arbitrary: good }, { weight: 1, arbitrary: bad });

const regex = mostly(fc.constantFrom('/a.*', '[a-z]+', String.raw`\d`, 'a{1000}'), fc.constantFrom('(', 'a{2000}', '', '(?=x)'));
const headerName = mostly(fc.constantFrom('a', 'A', 'x-b', 'X-C', 'Cookie', 'accept'), fc.constantFrom('Host', 'host'));
const text = fc.constantFrom('a', 'b c', '%REQ(a)%', '"', 'é');
const duration = fc.constantFrom('0s', '10s', '1h30m', '500ms');
const optional = { requiredKeys: [] };

const ref = fc
  .record({
    name: mostly(fc.constantFrom('web', 'api'), fc.constant('gone')),
    port: fc.constantFrom(80, 81, 82, 83),
    kind: mostly(fc.constant('Service'), fc.constant('Bucket')),
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

const headersNamed = (...names: readonly string[]) =>
  fc.array(fc.record({ name: mostly(fc.constantFrom(...names), headerName), value: text }), { maxLength: 2 });
const headerChanges = fc.record(
  {
    set: headersNamed('a', 'A', 'x-b'),
    add: headersNamed('x-c', 'x-d'),
    remove: fc.array(mostly(fc.constantFrom('x-e', 'X-E'), fc.constantFrom(':path', '', 'a')), { maxLength: 2 }),
  },
  optional,
);
const pathModifier = fc.oneof(
  fc.record({
    type: fc.constant('ReplaceFullPath'),
    replaceFullPath: mostly(fc.constantFrom('', '/a', 'a', '/a/'), fc.constantFrom('a b', '/a?b')),
  }),
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
];
const extension = fc.record({ type: fc.constant('ExtensionRef'), extensionRef: fc.constant({ group: 'a.io', kind: 'A', name: 'a' }) });

const hostRewrite = fc.record({ type: fc.constant('URLRewrite'), urlRewrite: fc.constant({ hostname: 'a.b' }) });

const redirect = fc.record({
  type: fc.constant('RequestRedirect'),
  requestRedirect: fc.record(
    { scheme: fc.constantFrom('http', 'https'), path: pathModifier, port: fc.constant(8443), statusCode: fc.constantFrom(301, 308) },
    { requiredKeys: ['statusCode'] },
  ),
});

const ruleFilters = [
  ...commonFilters,
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
];

/** Few of `usual`, each type once; now and then one of `others`. */
const filtersOf = (
  usual: readonly fc.Arbitrary<object>[],
  others: readonly fc.Arbitrary<object>[],
): fc.Arbitrary<readonly HTTPRouteFilter[]> =>
  fc.uniqueArray(mostly(fc.oneof(...usual), fc.oneof(...others)), {
    selector: (filter) => (filter as HTTPRouteFilter).type,
    maxLength: 3,
  }) as fc.Arbitrary<readonly HTTPRouteFilter[]>;

const sessionPersistence = fc.record(
  {
    type: fc.constantFrom('Cookie' as const, 'Header' as const),
    sessionName: mostly(fc.constantFrom('', 'session'), fc.constant('a b')),
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
    filters: filtersOf(ruleFilters, [redirect, extension]),
    backendRefs: fc.array(
      fc
        .tuple(ref, filtersOf([...commonFilters, hostRewrite], [...ruleFilters, redirect, extension]))
        .map(([to, filters]) => Object.assign({ filters }, to)),
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
    service: mostly(fc.constantFrom('', 'a.B'), fc.constant('(')),
    method: fc.constantFrom('', 'Get', 'G.*'),
  },
  { requiredKeys: ['type'] },
);

const grpcRule = fc.record(
  {
    matches: fc.array(fc.record({ method: grpcMethod, headers: fc.array(valueMatch, few) }, optional), few),
    filters: filtersOf(commonFilters, [extension]),
    backendRefs: fc.array(ref, few),
    sessionPersistence,
  },
  optional,
) as unknown as fc.Arbitrary<Parameters<typeof grpcRouteOf>[number]>;

const redirectRule = fc.record({
  matches: fc.array(httpMatch, { minLength: 1, maxLength: 3 }),
  filters: fc.tuple(redirect),
}) as unknown as fc.Arbitrary<HTTPRouteRule>;

export const anyRoute: fc.Arbitrary<Route> = fc.oneof(
  fc.array(fc.oneof({ weight: 5, arbitrary: httpRule }, { weight: 1, arbitrary: redirectRule }), few).map((rules) => httpRouteOf(...rules)),
  fc.array(grpcRule, few).map((rules) => grpcRouteOf(...rules)),
  fc
    .tuple(fc.constantFrom('TCPRoute' as const, 'TLSRoute' as const, 'UDPRoute' as const), fc.array(ref, few))
    .map(([kind, refs]) => streamRouteOf(kind, refs)),
);
