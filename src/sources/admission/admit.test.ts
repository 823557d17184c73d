import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, admitStored } from './admit.ts';
import { formatError } from './error.ts';

const gateway = 'gateway.networking.k8s.io/v1';

const route = (spec: object, metadata: object = {}) => ({
  apiVersion: gateway,
  kind: 'HTTPRoute',
  metadata: { name: 'shop', ...metadata },
  spec,
});

const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop' }, spec });
const slice = (fields: object) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'shop-1' },
  addressType: 'IPv4',
  ...fields,
});

const admitted = (raw: unknown): unknown => {
  const result = admit(raw);
  if (!result.ok) throw new Error(result.problem.errors.map(formatError).join('\n'));
  return result.value;
};

const errorsOf = (raw: unknown): readonly string[] => {
  const result = admit(raw);
  return result.ok ? [] : result.problem.errors.map(formatError);
};

it('refuses half of a surrogate pair, which no message to Envoy can hold', () => {
  expect(errorsOf(route({ hostnames: ['a\ud800b'] }))).toEqual([expect.stringContaining('half of a surrogate pair')]);
  expect(errorsOf(route({}, { annotations: { note: '\u{1f600}' } }))).toEqual([]);
});

describe('defaults', () => {
  it('fills in an HTTPRoute as the API server does, defaults inside of defaults included', () => {
    expect(admitted(route({ parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }] }))).toEqual({
      apiVersion: gateway,
      kind: 'HTTPRoute',
      metadata: { name: 'shop', namespace: 'default', generation: 1 },
      spec: {
        parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            backendRefs: [{ group: '', kind: 'Service', name: 'shop', port: 80, weight: 1 }],
          },
        ],
      },
    });
  });

  it('gives a route without rules the default rule', () => {
    expect(admitted(route({}))).toMatchObject({ spec: { rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }] } });
  });

  it('takes null as absent, and so defaults it', () => {
    const object = route({ hostnames: null, rules: [{ matches: null, backendRefs: [{ name: 'a', port: 1, weight: null }] }] });
    expect(admitted(object)).toMatchObject({ spec: { rules: [{ matches: [{ path: { value: '/' } }], backendRefs: [{ weight: 1 }] }] } });
    expect(admitted(object)).not.toHaveProperty('spec.hostnames');
  });

  it('does not change what it was given', () => {
    const raw = route({ rules: [{}] });
    const before = structuredClone(raw);
    admit(raw);
    expect(raw).toEqual(before);
  });

  it('drops status and what only a server can know, and keeps a creationTimestamp', () => {
    const server = { uid: 'u', resourceVersion: '7', generation: 7, managedFields: [], creationTimestamp: '2026-01-02T03:04:05Z' };
    expect(admitted({ ...route({}, server), status: { parents: 'nonsense' } })).toMatchObject({
      metadata: { name: 'shop', namespace: 'default', generation: 1, creationTimestamp: '2026-01-02T03:04:05Z' },
    });
    expect(Object.keys(admitted({ ...route({}, server), status: {} }) as object)).not.toContain('status');
  });

  it('gives older versions the shape of v1', () => {
    const spec = { rules: [{ backendRefs: [{ name: 'db', port: 5432 }] }] };
    expect(admitted({ apiVersion: 'gateway.networking.k8s.io/v1alpha2', kind: 'TLSRoute', metadata: { name: 'db' }, spec })).toMatchObject({
      apiVersion: gateway,
      spec: { hostnames: [], rules: [{ backendRefs: [{ kind: 'Service', weight: 1 }] }] },
    });
  });
});

describe('core kinds', () => {
  it('gives Service ports their protocol and targetPort', () => {
    expect(admitted(service({ ports: [{ port: 80 }] }))).toMatchObject({
      spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] },
    });
  });

  it.each([0, ''])('takes targetPort %j as none', (targetPort) => {
    expect(admitted(service({ ports: [{ port: 80, targetPort }] }))).toMatchObject({ spec: { ports: [{ targetPort: 80 }] } });
  });

  it('lets fields pass that it has no schema for', () => {
    expect(admitted(service({ ports: [{ port: 80 }], sessionAffinity: 'None' }))).toMatchObject({ spec: { sessionAffinity: 'None' } });
  });

  it('accepts loopback endpoints', () => {
    expect(admitted(slice({ ports: [{ port: 8080 }], endpoints: [{ addresses: ['127.0.0.1'] }] }))).toMatchObject({
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    });
  });

  it('folds stringData into data, where it wins', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'b2xk', b: 'a2VwdA==' },
      stringData: { a: 'new' },
    };
    expect(admitted(secret)).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default', generation: 1 },
      type: 'Opaque',
      data: { a: 'bmV3', b: 'a2VwdA==' },
    });
  });

  it('labels namespaces with their name', () => {
    expect(admitted({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', labels: { a: 'b' } } })).toMatchObject({
      metadata: { labels: { a: 'b', 'kubernetes.io/metadata.name': 'team' } },
    });
  });

  it.each([
    ['a port out of range', service({ ports: [{ port: 0 }] }), 'spec.ports[0].port: must be at least 1, not 0'],
    ['unnamed ports', service({ ports: [{ port: 1 }, { port: 2 }] }), 'spec.ports: every port needs a name when there are several'],
    [
      'a port twice',
      service({
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      }),
      'spec.ports[1]: duplicate of item 0: same port 1, protocol "TCP"',
    ],
    ['no ports', service({}), 'spec: ports are required unless the Service is headless or an ExternalName'],
    ['a family mixed up', slice({ endpoints: [{ addresses: ['::1'] }] }), 'endpoints must have addresses of the addressType'],
  ])('refuses %s', (_, raw, error) => {
    expect(errorsOf(raw)).toEqual([error]);
  });

  it('never shows what is in a Secret', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { key: 'hunter2!', other: ['hunter2'] }, type: 5 };
    expect(errorsOf(secret)).toHaveLength(3);
    expect(errorsOf(secret).join()).not.toContain('hunter2');
  });
});

describe('refusals', () => {
  it.each([
    ['an unknown field, with what was meant', route({ rulez: [] }), 'spec.rulez: unknown field, did you mean "rules"?'],
    [
      'a type',
      route({ rules: [{ matches: [{ path: { value: 5 } }] }] }),
      'spec.rules[0].matches[0].path.value: must be a string, not a whole number (put it in quotes)',
    ],
    [
      'an enum',
      route({ rules: [{}, { matches: [{ path: { type: 'Prefix' } }] }] }),
      'spec.rules[1].matches[0].path.type: must be one of "Exact", "PathPrefix", "RegularExpression", not "Prefix"',
    ],
    ['a maximum', route({ parentRefs: [{ name: 'a', port: 70000 }] }), 'spec.parentRefs[0].port: must be at most 65535, not 70000'],
    ['a missing field', route({ parentRefs: [{}] }), 'spec.parentRefs[0].name: is required'],
    [
      'too many items',
      route({ hostnames: Array.from({ length: 17 }, (_, i) => `h${i}.example`) }),
      'spec.hostnames: must have at most 16 items, not 17',
    ],
    ['a missing spec', { apiVersion: gateway, kind: 'Gateway', metadata: { name: 'a' } }, 'spec: is required'],
    ['no name', { apiVersion: gateway, kind: 'HTTPRoute', metadata: {}, spec: {} }, 'metadata.name: is required'],
    ['a bad name', route({}, { name: 'Shop_1' }), 'metadata.name: must be a lower-case DNS name (RFC 1123), not "Shop_1"'],
    [
      'a bad label',
      route({}, { labels: { 'a/b/c': 'x' } }),
      'metadata.labels["a/b/c"]: is no label key: an optional DNS name and a slash, then up to 63 letters, digits, -, _ or .',
    ],
    [
      'an unknown version',
      { ...route({}), apiVersion: 'gateway.networking.k8s.io/v2' },
      'apiVersion: HTTPRoute has no version "v2": use gateway.networking.k8s.io/v1',
    ],
    [
      'a namespace where there is none',
      { apiVersion: gateway, kind: 'GatewayClass', metadata: { name: 'a', namespace: 'b' }, spec: { controllerName: 'a.b/c' } },
      'metadata.namespace: must not be set: GatewayClass is cluster-scoped',
    ],
    [
      'a repeated list key',
      route({
        rules: [
          {
            matches: [
              {
                headers: [
                  { name: 'a', value: '1' },
                  { name: 'a', value: '2' },
                ],
              },
            ],
          },
        ],
      }),
      'spec.rules[0].matches[0].headers[1]: duplicate of item 0: same name "a"',
    ],
  ])('names the path and reason of %s', (_, raw, error) => {
    expect(errorsOf(raw)).toEqual([error]);
  });

  it('reports every mistake of an object, in its own place', () => {
    expect(errorsOf(route({ parentRefs: [{ nam: 'a' }], hostnames: ['UPPER'] }))).toHaveLength(3);
  });

  it('tells kinds that are none of ours from objects that are wrong, and guesses at slips', () => {
    expect(admit({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } })).toMatchObject({
      problem: { because: 'unknown-kind' },
    });
    expect(errorsOf({ apiVersion: gateway, kind: 'HttpRoute' })).toEqual([
      'kind: unknown kind gateway.networking.k8s.io/v1 HttpRoute: skipped, did you mean gateway.networking.k8s.io/v1 HTTPRoute?',
    ]);
    expect(admit(route({ nope: 1 }))).toMatchObject({ problem: { because: 'invalid', key: 'HTTPRoute/default/shop' } });
  });

  it('takes time in proportion to the value, even for values made to be slow to match', () => {
    const value = `${'a'.repeat(4000)}\u00e9`;
    expect(
      errorsOf(
        route({ rules: [{ filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x', value }] } }] }] }),
      ),
    ).toHaveLength(1);
  });
});

describe('any input', () => {
  it('is answered, never thrown at', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (value) => {
        expect(admit(value).ok).toBe(false);
        for (const kind of ['HTTPRoute', 'Gateway']) admit({ apiVersion: gateway, kind, metadata: { name: 'a' }, spec: value });
        for (const kind of ['Service', 'Secret', 'Node'])
          admit({ apiVersion: 'v1', kind, metadata: value, spec: value, data: value, status: value });
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when it holds itself, is too deep or too large', () => {
    const cyclic: Record<string, unknown> = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    cyclic['data'] = { self: cyclic };
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    let wide: unknown = 1;
    for (let level = 0; level < 40; level++) wide = [wide, wide];
    for (const raw of [cyclic, route({ rules: deep }), route({ rules: wide })]) expect(admit(raw).ok).toBe(false);
  });
});

describe('an object that an API server holds', () => {
  const stored = (raw: unknown): unknown => {
    const result = admitStored(raw);
    if (!result.ok) throw new Error(result.problem.errors.map(formatError).join('\n'));
    return result.value;
  };
  const metadata = { name: 'shop', namespace: 'web', uid: 'u1', generation: 7, creationTimestamp: '2026-01-01T00:00:00Z' };

  it('keeps its identity and age, and not what changes when nothing else does', () => {
    const noise = { resourceVersion: '12', finalizers: ['a/b'], ownerReferences: [{ name: 'x' }], managedFields: [{ manager: 'm' }] };
    expect(stored(route({}, { ...metadata, ...noise, deletionTimestamp: '2026-01-02T00:00:00Z' }))).toMatchObject({
      metadata: { ...metadata, deletionTimestamp: '2026-01-02T00:00:00Z' },
    });
    expect(stored(route({}, { ...metadata, ...noise }))).toEqual(stored(route({}, metadata)));
  });

  it('loses the fields that a newer CRD may have, wherever they stand', () => {
    const newer = route({ fromTomorrow: { a: 1 }, rules: [{ matches: [{ path: { value: '/', alsoNew: true } }] }] }, metadata);
    expect(stored(newer)).toEqual(stored(route({ rules: [{ matches: [{ path: { value: '/' } }] }] }, metadata)));
  });

  it('is still held to its schema and rules', () => {
    const result = admitStored(route({ rules: [{ matches: [{ path: { type: 'Guess', value: '/' } }] }] }, metadata));
    expect(result.ok ? [] : result.problem.errors.map(formatError)).toEqual([
      expect.stringContaining('spec.rules[0].matches[0].path.type'),
    ]);
  });

  it('of a core kind keeps only what we read', () => {
    const endpoint = { addresses: ['10.0.0.1'], conditions: { ready: true }, zone: 'a', deprecatedTopology: { b: 'c' } };
    const held = stored({ ...slice({ endpoints: [endpoint], ports: [{ name: '', port: 80 }] }), metadata });
    expect(held).toMatchObject({ endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, zone: 'a' }] });
    expect(held).not.toHaveProperty('endpoints[0].deprecatedTopology');
    expect(stored({ apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: ['kubernetes'] } })).not.toHaveProperty('spec');
  });

  it('without a name is refused and nothing thrown', () => {
    expect(admitStored({ apiVersion: gateway, kind: 'HTTPRoute', metadata: {}, spec: {} }).ok).toBe(false);
    expect(admitStored({ apiVersion: gateway, kind: 'HTTPRoute', spec: {} }).ok).toBe(false);
  });
});
