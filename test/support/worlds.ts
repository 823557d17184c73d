/** Random configurations as a user might write them: mostly right, often wrong, now and then nonsense. */
import fc from 'fast-check';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type RawObject = { readonly [key: string]: Json };

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Mostly one of `usual`, now and then one of `odd`: so many fields meet in an object that each must be right almost always. */
const mostly = <T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: pick(...usual), weight: 80 }, { arbitrary: pick(...odd), weight: 1 });
/** Up to so many, told apart by name where they have one, as lists keyed by name must be. */
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(arbitrary, { maxLength, selector: nameIn });
const nameIn = (item: unknown): string => {
  const name: unknown = typeof item === 'object' && item !== null && 'name' in item && !('port' in item) ? item.name : item;
  return JSON.stringify(name).toLowerCase();
};
const object = (fields: { readonly [key: string]: fc.Arbitrary<Json> }, required: readonly string[]): fc.Arbitrary<RawObject> =>
  fc.record(fields, { requiredKeys: [...required] }) as fc.Arbitrary<RawObject>;

const namespace = pick('default', 'other');
const exactHost = mostly(['a.example', 'x.b.example'], ['*.example']);
const hostname = mostly(['a.example', 'b.example', '*.example', '*.b.example', 'x.b.example'], ['A.Example', '']);
const headerName = pick('x-one', 'X-Two', 'Host', 'content-type');
const value = mostly(['v', 'some value', '%', '%REQ(:path)%', '100%'], ['', 'ü']);
const header = object({ name: headerName, value }, ['name', 'value']);
const pattern = mostly(['^/a.*', '/a/(b|c)', '.*', '\\d+', 'a{1,200}', '(a+)+$'], ['(?=x)', '[', 'a{1,2000}', '\\C']);
const portNumber = mostly<Json>([80, 81, 443, 8080, 10080], [0, 70_000, '80']);

const serviceRef = object(
  {
    name: mostly(['web', 'api', 'grpc', 'udp'], ['missing']),
    namespace,
    port: portNumber,
    weight: mostly<Json>([0, 1, 9, 1_000_000], [-1]),
    kind: mostly(['Service'], ['Gateway']),
    group: mostly([''], ['example.com']),
  },
  ['name', 'port'],
);
const plainRef = serviceRef.map((ref): Json => Object.fromEntries(Object.entries(ref).filter(([field]) => field !== 'weight')));
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
      scheme: mostly(['http', 'https'], ['ftp']),
      hostname: exactHost,
      path: pathModifier,
      port: portNumber,
      statusCode: mostly<Json>([301, 302, 303, 307, 308], [200]),
    },
    [],
  ).map((redirect): Json => ({ type: 'RequestRedirect', requestRedirect: redirect })),
  object({ hostname: exactHost, path: pathModifier }, []).map((rewrite): Json => ({ type: 'URLRewrite', urlRewrite: rewrite })),
  object({ backendRef: plainRef, percent: mostly<Json>([0, 42, 100], [101]) }, ['backendRef']).map((mirror): Json => ({
    type: 'RequestMirror',
    requestMirror: mirror,
  })),
  object(
    {
      allowOrigins: some(mostly(['https://a.example', 'https://*.example'], ['*', 'nonsense']), 2),
      allowMethods: some(mostly(['GET', 'PUT'], ['*']), 2),
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
      object({ type: pick('Exact', 'PathPrefix'), value: mostly(['/', '/a', '/a/', '/a/b'], ['/%2F', '/ä', 'a', '//a', '/a/../b']) }, [
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
    method: mostly(['GET', 'POST'], ['FETCH']),
  },
  [],
);
const duration = mostly(['0s', '10s', '1h30m', '5ms'], ['10', '1d']);
const httpRule = object(
  {
    matches: some(match, 3),
    filters: some(httpFilter, 2),
    backendRefs: some(
      fc.tuple(serviceRef, some(httpFilter, 1)).map(([ref, filters]): Json => ({ ...ref, filters })),
      3,
    ),
    timeouts: mostly<Json>(
      [{ request: '10s' }, { request: '10s', backendRequest: '5ms' }, { backendRequest: '1h30m' }, {}],
      [{ request: '1s', backendRequest: '2s' }],
    ),
    retry: object({ attempts: mostly<Json>([1, 3], [0]), codes: some(pick<Json>(500, 503, 404), 2), backoff: duration }, []),
    sessionPersistence: object(
      {
        type: pick('Cookie'),
        sessionName: mostly(['session'], ['a b']),
        absoluteTimeout: duration,
        cookieConfig: pick<Json>({ lifetimeType: 'Session' }, {}),
      },
      [],
    ),
  },
  [],
);
const parentRef = fc
  .tuple(
    mostly(['one', 'two'], ['missing']),
    namespace,
    mostly<RawObject>(
      [{}, {}, { sectionName: 'http' }, { sectionName: 'tls' }, { kind: 'ListenerSet' }],
      [{ port: 80 }, { sectionName: 'missing' }, { kind: 'Service' }],
    ),
  )
  .map(([name, space, more]): RawObject => ({ name, namespace: space, ...more }));
const streamRule = object({ backendRefs: fc.array(serviceRef, { minLength: 1, maxLength: 3 }) }, ['backendRefs']);
const rulesOf = (rule: fc.Arbitrary<Json>, maxLength: number): fc.Arbitrary<Json> => fc.array(rule, { minLength: 1, maxLength });
const routeSpec = (rule: fc.Arbitrary<Json>, maxRules = 3): fc.Arbitrary<Json> =>
  object({ parentRefs: some(parentRef, 3), hostnames: some(hostname, 3), rules: rulesOf(rule, maxRules) }, ['parentRefs', 'rules']);
const streamSpec = object({ parentRefs: some(parentRef, 3), rules: rulesOf(streamRule, 1) }, ['parentRefs', 'rules']);
const tlsSpec = object(
  { parentRefs: some(parentRef, 3), hostnames: fc.array(hostname, { minLength: 1, maxLength: 3 }), rules: rulesOf(streamRule, 1) },
  ['parentRefs', 'hostnames', 'rules'],
);
const grpcRule = object(
  {
    matches: some(
      object(
        {
          method: object(
            {
              service: mostly(['pkg.Service'], ['bad service']),
              method: mostly(['Get'], ['.*']),
              type: pick('Exact', 'RegularExpression'),
            },
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

const allowedRoutes = mostly<Json>(
  [
    { namespaces: { from: 'All' } },
    { namespaces: { from: 'Same' } },
    { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } },
  ],
  [{ kinds: [{ kind: 'HTTPRoute' }] }],
);
const certificateRefs = fc.array(object({ name: mostly(['certificate'], ['garbage', 'missing']), namespace }, ['name']), {
  minLength: 1,
  maxLength: 2,
});
const terminate = object({ mode: pick('Terminate'), certificateRefs }, ['mode', 'certificateRefs']);
const passthrough = pick<Json>({ mode: 'Passthrough' });
const listenerOf = (
  protocol: string,
  more: { readonly [key: string]: fc.Arbitrary<Json> },
  required: readonly string[] = [],
): fc.Arbitrary<RawObject> =>
  object(
    {
      name: mostly([protocol.toLowerCase()], ['other']),
      protocol: mostly([protocol], ['example.com/own']),
      port: portNumber,
      allowedRoutes,
      ...more,
    },
    ['name', 'protocol', 'port', ...required],
  );
/** At most one of each protocol, as names must differ. */
const listeners = fc
  .tuple(
    fc.option(listenerOf('HTTP', { hostname }), { nil: undefined }),
    fc.option(listenerOf('HTTPS', { hostname, tls: terminate }, ['tls']), { nil: undefined }),
    fc.option(listenerOf('TLS', { hostname, tls: fc.oneof(terminate, passthrough) }, ['tls']), { nil: undefined }),
    fc.option(listenerOf('TCP', {}), { nil: undefined }),
    fc.option(listenerOf('UDP', {}), { nil: undefined }),
  )
  .map((all): Json => all.filter((one) => one !== undefined));

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
          gatewayClassName: mostly(['tailplane'], ['missing']),
          listeners: listeners,
          addresses: some(mostly<Json>([{ value: '127.0.0.1' }, {}], [{ type: 'Hostname', value: 'x.example' }, { value: 'x' }]), 1),
        },
        ['gatewayClassName', 'listeners'],
      ),
    ),
    weight: 3,
  },
  { arbitrary: named(gatewayApi, 'HTTPRoute', ['r1', 'r2', 'r3'], routeSpec(httpRule, 2)), weight: 6 },
  { arbitrary: named(gatewayApi, 'GRPCRoute', ['r1', 'g1'], routeSpec(grpcRule)), weight: 2 },
  { arbitrary: named(gatewayApi, 'TLSRoute', ['t1', 't2'], tlsSpec), weight: 1 },
  { arbitrary: named(gatewayApi, 'TCPRoute', ['t1', 't2'], streamSpec), weight: 1 },
  { arbitrary: named(gatewayApi, 'UDPRoute', ['u1', 'u2'], streamSpec), weight: 1 },
  {
    arbitrary: named(
      gatewayApi,
      'ListenerSet',
      ['one', 'set'],
      object(
        {
          parentRef: object({ name: pick('one', 'two'), namespace }, ['name']),
          listeners: listeners,
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
              hostname: mostly(['web.example'], ['not a name']),
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

const service = (name: string, space: string, more: RawObject): RawObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: space },
  spec: { ports: [80, 81, 443, 8080].map((port) => ({ name: `p${port}`, port, ...more })) },
});
const slice = (name: string, space: string, address: string): RawObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: space, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'p80', port: 8080 }],
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
    service('web', space, {}),
    service('api', space, { appProtocol: 'https' }),
    service('grpc', space, { appProtocol: 'kubernetes.io/h2c' }),
    service('udp', space, { protocol: 'UDP' }),
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

const gatewaySpec = object(
  {
    gatewayClassName: mostly(['tailplane'], ['missing']),
    listeners,
    addresses: some(mostly<Json>([{ value: '127.0.0.1' }, {}], [{ type: 'Hostname', value: 'x.example' }]), 1),
  },
  ['gatewayClassName', 'listeners'],
);
/** A Gateway of each name in each namespace, on addresses of their own where they have any, and what lets routes cross namespaces. */
const gateways = fc.tuple(
  ...['default', 'other'].flatMap((space) =>
    ['one', 'two'].map((name) =>
      gatewaySpec.map((spec): Json => ({ apiVersion: gatewayApi, kind: 'Gateway', metadata: { name, namespace: space }, spec })),
    ),
  ),
);
const grant = (space: string, from: string): RawObject => ({
  apiVersion: gatewayApi,
  kind: 'ReferenceGrant',
  metadata: { name: 'routes', namespace: space },
  spec: { from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: from }], to: [{ group: '', kind: 'Service' }] },
});

/** Raw documents of one configuration, as a YAML parser would give them. `broken` says how many of ten are spoilt. */
export const documents = (certificates: readonly RawObject[], broken: number): fc.Arbitrary<readonly Json[]> =>
  fc
    .tuple(
      gateways,
      fc.array(fc.oneof({ arbitrary: anyObject, weight: 10 - broken }, { arbitrary: spoilt(anyObject), weight: broken }), {
        minLength: 4,
        maxLength: 24,
      }),
    )
    .map(([some, random]) => [...fixed, grant('default', 'other'), grant('other', 'default'), ...certificates, ...some, ...random]);
