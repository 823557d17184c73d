/** Random configurations as a user might write them: mostly right, often wrong, now and then nonsense. */
import fc from 'fast-check';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type RawObject = { readonly [key: string]: Json };

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength });
const object = (fields: { readonly [key: string]: fc.Arbitrary<Json> }, required: readonly string[]): fc.Arbitrary<RawObject> =>
  fc.record(fields, { requiredKeys: [...required] }) as fc.Arbitrary<RawObject>;

const namespace = pick('default', 'other');
const hostname = pick('a.example', 'b.example', '*.example', '*.b.example', 'x.b.example', 'A.Example', '');
const headerName = pick('x-one', 'X-Two', 'Host', 'content-type');
const value = pick('v', 'some value', '%', '%REQ(:path)%', '100%', '', 'ü');
const header = object({ name: headerName, value }, ['name', 'value']);
const pattern = pick('^/a.*', '/a/(b|c)', '(?=x)', '[', '.*', '\\d+', 'a{1,2000}', '(a+)+$', '\\C');
const portNumber = pick<Json>(80, 81, 443, 8080, 10080, 0, 70_000, '80');

const serviceRef = object(
  {
    name: pick('web', 'api', 'grpc', 'udp', 'missing'),
    namespace,
    port: portNumber,
    weight: pick<Json>(0, 1, 9, 1_000_000, -1),
    kind: pick('Service', 'Gateway'),
    group: pick('', 'example.com'),
  },
  ['name', 'port'],
);
const headerChanges = object({ set: some(header, 2), add: some(header, 2), remove: some(headerName, 2) }, []);
const pathModifier = pick<Json>(
  { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' },
  { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new/' },
  { type: 'ReplaceFullPath', replaceFullPath: '/full' },
  { type: 'ReplaceFullPath', replaceFullPath: '/full?x=\\1' },
);
const httpFilter = fc.oneof(
  headerChanges.map((changes): Json => ({ type: 'RequestHeaderModifier', requestHeaderModifier: changes })),
  headerChanges.map((changes): Json => ({ type: 'ResponseHeaderModifier', responseHeaderModifier: changes })),
  object(
    {
      scheme: pick('http', 'https', 'ftp'),
      hostname,
      path: pathModifier,
      port: portNumber,
      statusCode: pick<Json>(301, 302, 303, 307, 308, 200),
    },
    [],
  ).map((redirect): Json => ({ type: 'RequestRedirect', requestRedirect: redirect })),
  object({ hostname, path: pathModifier }, []).map((rewrite): Json => ({ type: 'URLRewrite', urlRewrite: rewrite })),
  object({ backendRef: serviceRef, percent: pick<Json>(0, 42, 100, 101) }, ['backendRef']).map((mirror): Json => ({
    type: 'RequestMirror',
    requestMirror: mirror,
  })),
  object(
    {
      allowOrigins: some(pick('*', 'https://a.example', 'https://*.example', 'nonsense'), 2),
      allowMethods: some(pick('GET', '*', 'PUT'), 2),
      allowCredentials: pick<Json>(true, false),
      maxAge: pick<Json>(1, 60),
    },
    [],
  ).map((cors): Json => ({ type: 'CORS', cors })),
  pick<Json>({ type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Thing', name: 'x' } }),
);
const match = object(
  {
    path: fc.oneof(
      object({ type: pick('Exact', 'PathPrefix'), value: pick('/', '/a', '/a/', '/a/b', '/ä', '/%2F', 'a', '//a', '/a/../b') }, [
        'type',
        'value',
      ]),
      pattern.map((expression): RawObject => ({ type: 'RegularExpression', value: expression })),
    ),
    headers: some(
      object({ name: headerName, value: fc.oneof(value, pattern), type: pick('Exact', 'RegularExpression') }, ['name', 'value']),
      2,
    ),
    queryParams: some(
      object({ name: pick('q', 'p%'), value: fc.oneof(value, pattern), type: pick('Exact', 'RegularExpression') }, ['name', 'value']),
      2,
    ),
    method: pick('GET', 'POST', 'FETCH'),
  },
  [],
);
const duration = pick('0s', '10s', '1h30m', '5ms', '10', '1d');
const httpRule = object(
  {
    name: pick('first', 'second'),
    matches: some(match, 3),
    filters: some(httpFilter, 2),
    backendRefs: some(
      fc.tuple(serviceRef, some(httpFilter, 1)).map(([ref, filters]): Json => ({ ...ref, filters })),
      3,
    ),
    timeouts: object({ request: duration, backendRequest: duration }, []),
    retry: object({ attempts: pick<Json>(0, 1, 3), codes: some(pick<Json>(500, 503, 404), 2), backoff: duration }, []),
    sessionPersistence: object(
      {
        type: pick('Cookie', 'Header'),
        sessionName: pick('session', 'a b'),
        absoluteTimeout: duration,
        cookieConfig: pick<Json>({ lifetimeType: 'Permanent' }, { lifetimeType: 'Session' }),
      },
      [],
    ),
  },
  [],
);
const parentRef = object(
  {
    name: pick('one', 'two', 'missing'),
    namespace,
    sectionName: pick('http', 'https', 'tls', 'tcp', 'udp', 'missing'),
    port: portNumber,
    kind: pick('Gateway', 'ListenerSet', 'Service'),
  },
  ['name'],
);
const streamRule = object({ backendRefs: fc.array(serviceRef, { minLength: 1, maxLength: 3 }) }, ['backendRefs']);
const routeSpec = (rule: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  object({ parentRefs: some(parentRef, 3), hostnames: some(hostname, 3), rules: some(rule, 3) }, ['parentRefs', 'rules']);
const grpcRule = object(
  {
    matches: some(
      object(
        {
          method: object(
            { service: pick('pkg.Service', 'bad service'), method: pick('Get', '.*'), type: pick('Exact', 'RegularExpression') },
            [],
          ),
          headers: some(header, 1),
        },
        [],
      ),
      2,
    ),
    backendRefs: some(serviceRef, 2),
  },
  [],
);

const listener = object(
  {
    name: pick('http', 'https', 'tls', 'tcp', 'udp'),
    protocol: pick('HTTP', 'HTTPS', 'TLS', 'TCP', 'UDP', 'example.com/own'),
    port: portNumber,
    hostname,
    tls: object(
      {
        mode: pick('Terminate', 'Passthrough'),
        certificateRefs: some(object({ name: pick('certificate', 'garbage', 'missing'), namespace }, ['name']), 2),
      },
      [],
    ),
    allowedRoutes: pick<Json>(
      { namespaces: { from: 'All' } },
      { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } },
      { kinds: [{ kind: 'HTTPRoute' }] },
    ),
  },
  ['name', 'protocol', 'port'],
);

const named = (apiVersion: string, kind: string, names: readonly string[], spec: fc.Arbitrary<Json>): fc.Arbitrary<RawObject> =>
  fc
    .record({ name: pick(...names), namespace, spec })
    .map(({ name, namespace: space, spec: body }) => ({ apiVersion, kind, metadata: { name, namespace: space }, spec: body }));

const gatewayApi = 'gateway.networking.k8s.io/v1';
const anyObject = fc.oneof(
  {
    arbitrary: named(
      gatewayApi,
      'Gateway',
      ['one', 'two'],
      object(
        {
          gatewayClassName: pick('tailplane', 'missing'),
          listeners: fc.array(listener, { minLength: 1, maxLength: 4 }),
          addresses: some(pick<Json>({ value: '127.0.0.1' }, { type: 'Hostname', value: 'x.example' }, { value: 'x' }), 1),
        },
        ['gatewayClassName', 'listeners'],
      ),
    ),
    weight: 3,
  },
  { arbitrary: named(gatewayApi, 'HTTPRoute', ['r1', 'r2', 'r3'], routeSpec(httpRule)), weight: 6 },
  { arbitrary: named(gatewayApi, 'GRPCRoute', ['r1', 'g1'], routeSpec(grpcRule)), weight: 2 },
  { arbitrary: named(gatewayApi, 'TLSRoute', ['t1', 't2'], routeSpec(streamRule)), weight: 1 },
  { arbitrary: named(gatewayApi, 'TCPRoute', ['t1', 't2'], routeSpec(streamRule)), weight: 1 },
  { arbitrary: named(gatewayApi, 'UDPRoute', ['u1', 'u2'], routeSpec(streamRule)), weight: 1 },
  {
    arbitrary: named(
      gatewayApi,
      'ListenerSet',
      ['one', 'set'],
      object(
        {
          parentRef: object({ name: pick('one', 'two'), namespace }, ['name']),
          listeners: fc.array(listener, { minLength: 1, maxLength: 3 }),
        },
        ['parentRef', 'listeners'],
      ),
    ),
    weight: 1,
  },
  {
    arbitrary: named(
      gatewayApi,
      'BackendTLSPolicy',
      ['p1', 'p2'],
      object(
        {
          targetRefs: fc.array(object({ group: pick(''), kind: pick('Service'), name: pick('web', 'api') }, ['group', 'kind', 'name']), {
            minLength: 1,
            maxLength: 2,
          }),
          validation: object(
            {
              hostname: pick('web.example', 'not a name'),
              wellKnownCACertificates: pick('System'),
              caCertificateRefs: some(pick<Json>({ group: '', kind: 'ConfigMap', name: 'missing' }), 1),
            },
            ['hostname'],
          ),
        },
        ['targetRefs', 'validation'],
      ),
    ),
    weight: 1,
  },
  {
    arbitrary: named(
      gatewayApi,
      'ReferenceGrant',
      ['grant'],
      pick<Json>({
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' }],
        to: [{ group: '', kind: 'Service' }],
      }),
    ),
    weight: 1,
  },
);

const service = (name: string, space: string, port: RawObject): RawObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: space },
  spec: { ports: [port] },
});
const slice = (name: string, space: string, address: string): RawObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: space, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080 }],
  endpoints: [{ addresses: [address] }],
});
const fixed: readonly RawObject[] = [
  {
    apiVersion: gatewayApi,
    kind: 'GatewayClass',
    metadata: { name: 'tailplane' },
    spec: { controllerName: 'gateway.tailscale.com/tailplane' },
  },
  ...['default', 'other'].flatMap((space) => [
    service('web', space, { port: 80 }),
    service('api', space, { port: 80, appProtocol: 'https' }),
    service('grpc', space, { port: 8080, appProtocol: 'kubernetes.io/h2c' }),
    service('udp', space, { port: 80, protocol: 'UDP' }),
    slice('web', space, '127.0.0.1'),
  ]),
  {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'garbage', namespace: 'default' },
    stringData: { 'tls.crt': 'x', 'tls.key': 'y' },
  },
];

/** Puts `nonsense` somewhere inside `target`: at the path that `steps` takes through its keys. */
const spoil = (target: Json, steps: readonly number[], nonsense: Json): Json => {
  const [step, ...rest] = steps;
  if (step === undefined || target === null || typeof target !== 'object') return nonsense;
  const keys = Object.keys(target);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return nonsense;
  if (Array.isArray(target))
    return (target as readonly Json[]).map((item, index) => (String(index) === key ? spoil(item, rest, nonsense) : item));
  const fields = target as { readonly [key: string]: Json };
  return { ...fields, [key]: spoil(fields[key] ?? null, rest, nonsense) };
};

const nonsense = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
  pick<Json>(null, '', -1, 1e21, [], {}, '__proto__', { __proto__: null }),
);
const spoilt = (raw: fc.Arbitrary<RawObject>): fc.Arbitrary<Json> =>
  fc
    .tuple(raw, fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), nonsense)
    .map(([target, steps, rubbish]) => spoil(target, steps, rubbish));

/** Raw documents of one configuration, as a YAML parser would give them. `broken` says how many of ten are spoilt. */
export const documents = (certificates: readonly RawObject[], broken: number): fc.Arbitrary<readonly Json[]> =>
  fc
    .array(
      fc.oneof({ arbitrary: anyObject as fc.Arbitrary<Json>, weight: 10 - broken }, { arbitrary: spoilt(anyObject), weight: broken }),
      { minLength: 4, maxLength: 24 },
    )
    .map((random) => [...fixed, ...certificates, ...random]);
