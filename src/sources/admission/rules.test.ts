import { describe, expect, it } from 'vitest';
import { allKinds, kinds } from '../../api/kinds.ts';
import type { KindSchemas } from '../../api/schema.ts';
import gatewayApi from '../../api/generated/gateway-api.json' with { type: 'json' };
import tailscale from '../../api/generated/tailscale.json' with { type: 'json' };
import { admit } from './admit.ts';
import { ruleFrom } from './cel.ts';
import { formatError } from './error.ts';
import { compiledSchemaOf } from './schemas.ts';

const gateway = 'gateway.networking.k8s.io/v1';

const verdict = (kind: string, spec: object): readonly string[] => {
  const result = admit({ apiVersion: gateway, kind, metadata: { name: 'a' }, spec });
  return result.ok ? [] : result.problem.errors.map(formatError);
};

const listeners = (...list: readonly object[]) => ({ gatewayClassName: 'c', listeners: list });
const rule = (fields: object) => ({ rules: [fields] });
const filter = (fields: object) => rule({ filters: [fields] });
const backends = [{ name: 'b', port: 80 }];
const rewritePrefix = { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x' } } };
const certificate = { certificateRefs: [{ name: 'cert' }] };

describe('the rules of Gateway API accept and refuse what an API server does', () => {
  it.each<[string, string, object, readonly string[]]>([
    ['HTTPS with a certificate', 'Gateway', listeners({ name: 'a', port: 443, protocol: 'HTTPS', tls: certificate }), []],
    [
      'HTTPS with nothing to terminate with',
      'Gateway',
      listeners({ name: 'a', port: 443, protocol: 'HTTPS', tls: {} }),
      ['spec.listeners[0].tls: certificateRefs or options must be specified when mode is Terminate'],
    ],
    ['HTTPS with options only', 'Gateway', listeners({ name: 'a', port: 443, protocol: 'HTTPS', tls: { options: { 'a.b/c': 'd' } } }), []],
    [
      'HTTPS passed through',
      'Gateway',
      listeners({ name: 'a', port: 443, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }),
      ['spec.listeners: tls mode must be Terminate for protocol HTTPS'],
    ],
    ['TLS passed through', 'Gateway', listeners({ name: 'a', port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' } }), []],
    [
      'TLS without tls',
      'Gateway',
      listeners({ name: 'a', port: 443, protocol: 'TLS' }),
      ['spec.listeners: tls mode must be set for protocol TLS'],
    ],
    [
      'HTTP with tls',
      'Gateway',
      listeners({ name: 'a', port: 80, protocol: 'HTTP', tls: certificate }),
      ["spec.listeners: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"],
    ],
    [
      'TCP with a hostname',
      'Gateway',
      listeners({ name: 'a', port: 80, protocol: 'TCP', hostname: 'a.b' }),
      ["spec.listeners: hostname must not be specified for protocols ['TCP', 'UDP']"],
    ],
    [
      'listeners that differ by hostname',
      'Gateway',
      listeners({ name: 'a', port: 80, protocol: 'HTTP' }, { name: 'b', port: 80, protocol: 'HTTP', hostname: 'x.y' }),
      [],
    ],
    [
      'listeners that differ by name only',
      'Gateway',
      listeners({ name: 'a', port: 80, protocol: 'HTTP' }, { name: 'b', port: 80, protocol: 'HTTP' }),
      ['spec.listeners: Combination of port, protocol and hostname must be unique for each listener'],
    ],
    [
      'an address that is none',
      'Gateway',
      { ...listeners({ name: 'a', port: 80, protocol: 'HTTP' }), addresses: [{ value: '300.1.1.1' }] },
      ['spec.addresses[0]: does not fit: type is "IPAddress" and value is an IPv4 address, or an IPv6 address, or type is not "IPAddress"'],
    ],
    [
      'the same address twice',
      'Gateway',
      { ...listeners({ name: 'a', port: 80, protocol: 'HTTP' }), addresses: [{ value: '::1' }, { value: '::1' }] },
      ['spec.addresses: IPAddress values must be unique'],
    ],
    [
      'a parent twice by section',
      'HTTPRoute',
      {
        parentRefs: [
          { name: 'g', sectionName: 'a' },
          { name: 'g', sectionName: 'b' },
        ],
      },
      [],
    ],
    [
      'a parent twice',
      'HTTPRoute',
      {
        parentRefs: [
          { name: 'g', sectionName: 'a' },
          { name: 'g', sectionName: 'a' },
        ],
      },
      ['spec.parentRefs: sectionName or port must be unique when parentRefs includes 2 or more references to the same parent'],
    ],
    [
      'a parent twice in two namespaces',
      'HTTPRoute',
      {
        parentRefs: [
          { name: 'g', namespace: 'x' },
          { name: 'g', namespace: 'y' },
        ],
      },
      [],
    ],
    [
      'a parent with and without a section',
      'HTTPRoute',
      { parentRefs: [{ name: 'g', port: 80 }, { name: 'g' }] },
      ['spec.parentRefs: sectionName or port must be specified when parentRefs includes 2 or more references to the same parent'],
    ],
    [
      'a Service without port',
      'HTTPRoute',
      rule({ backendRefs: [{ name: 'b' }] }),
      ['spec.rules[0].backendRefs[0]: Must have port for Service reference'],
    ],
    ['another kind without port', 'HTTPRoute', rule({ backendRefs: [{ name: 'b', group: 'x.io', kind: 'Y' }] }), []],
    [
      'a relative path',
      'HTTPRoute',
      rule({ matches: [{ path: { value: 'a' } }] }),
      ["spec.rules[0].matches[0].path: value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']"],
    ],
    [
      'a path with a space',
      'HTTPRoute',
      rule({ matches: [{ path: { value: '/a b' } }] }),
      [
        "spec.rules[0].matches[0].path: must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
      ],
    ],
    ['an expression for a path', 'HTTPRoute', rule({ matches: [{ path: { type: 'RegularExpression', value: '.*a b' } }] }), []],
    [
      'a redirect beside backends',
      'HTTPRoute',
      rule({ backendRefs: backends, filters: [{ type: 'RequestRedirect', requestRedirect: {} }] }),
      ['spec.rules[0]: RequestRedirect filter must not be used together with backendRefs'],
    ],
    ['a prefix rewrite of a prefix', 'HTTPRoute', rule({ matches: [{ path: { value: '/a' } }], filters: [rewritePrefix] }), []],
    [
      'a prefix rewrite of two prefixes',
      'HTTPRoute',
      rule({ matches: [{}, { path: { value: '/b' } }], filters: [rewritePrefix] }),
      ['spec.rules[0]: When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified'],
    ],
    [
      'a filter without its fields',
      'HTTPRoute',
      filter({ type: 'CORS' }),
      ['spec.rules[0].filters[0]: filter.cors must be specified for CORS filter.type'],
    ],
    [
      'a filter with fields of another',
      'HTTPRoute',
      filter({ type: 'CORS', cors: {}, urlRewrite: {} }),
      ['spec.rules[0].filters[0]: filter.urlRewrite must be nil if the filter.type is not URLRewrite'],
    ],
    [
      'a backend timeout above the request timeout',
      'HTTPRoute',
      rule({ timeouts: { request: '1s', backendRequest: '1m' } }),
      ['spec.rules[0].timeouts: backendRequest timeout cannot be longer than request timeout'],
    ],
    ['a backend timeout under no request timeout', 'HTTPRoute', rule({ timeouts: { request: '0s', backendRequest: '1h30m10s5ms' } }), []],
    [
      'a fraction above one',
      'HTTPRoute',
      filter({ type: 'RequestMirror', requestMirror: { backendRef: backends[0], fraction: { numerator: 101 } } }),
      ['spec.rules[0].filters[0].requestMirror.fraction: numerator must be less than or equal to denominator'],
    ],
    [
      'a rule name twice',
      'HTTPRoute',
      { rules: [{ name: 'a' }, { name: 'a' }] },
      ['spec.rules: Rule name must be unique within the route'],
    ],
    [
      'more than 128 matches',
      'HTTPRoute',
      { rules: [1, 2, 3].map(() => ({ matches: Array.from({ length: 43 }, (_, i) => ({ path: { value: `/${i}` } })) })) },
      [
        'spec.rules: While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
      ],
    ],
    ['gRPC rules with and without matches', 'GRPCRoute', { rules: [{}, { matches: [{ method: { service: 'a.B' } }] }] }, []],
    [
      'a gRPC method that names nothing',
      'GRPCRoute',
      rule({ matches: [{ method: {} }] }),
      ["spec.rules[0].matches[0].method: One or both of 'service' or 'method' must be specified"],
    ],
    ['a gRPC service in any case', 'GRPCRoute', rule({ matches: [{ method: { service: 'Shop.v1.Cart' } }] }), []],
    [
      'a gRPC service that is none',
      'GRPCRoute',
      rule({ matches: [{ method: { service: 'shop/cart' } }] }),
      [
        'spec.rules[0].matches[0].method: service must only contain valid characters (matching ^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)',
      ],
    ],
    [
      'an IP as a TLS hostname',
      'TLSRoute',
      { hostnames: ['1.2.3.4'], ...rule({ backendRefs: backends }) },
      ['spec.hostnames: Hostnames cannot contain an IP'],
    ],
    ['a wildcard as a TLS hostname', 'TLSRoute', { hostnames: ['*.a.b'], ...rule({ backendRefs: backends }) }, []],
    [
      'neither CA certificates nor well-known ones',
      'BackendTLSPolicy',
      { targetRefs: [{ group: '', kind: 'Service', name: 's' }], validation: { hostname: 'a.b' } },
      ['spec.validation: must specify either CACertificateRefs or WellKnownCACertificates'],
    ],
    [
      'well-known CA certificates',
      'BackendTLSPolicy',
      { targetRefs: [{ group: '', kind: 'Service', name: 's' }], validation: { hostname: 'a.b', wellKnownCACertificates: 'System' } },
      [],
    ],
  ])('%s', (_, kind, spec, errors) => {
    expect(verdict(kind, spec)).toEqual(errors);
  });
});

it('every schema compiles, its rules included', () => {
  for (const kind of allKinds) for (const version of kinds[kind].versions) expect(() => compiledSchemaOf(kind, version)).not.toThrow();
});

it('the registry and the CRDs agree', () => {
  for (const [name, crd] of Object.entries({ ...gatewayApi.kinds, ...tailscale.kinds } as unknown as Record<string, KindSchemas>)) {
    const info = Object.values(kinds).find(({ kind }) => kind === name);
    expect(info).toMatchObject({ group: crd.group, plural: crd.plural, scope: crd.scope });
    expect(info?.versions.toSorted()).toEqual(Object.keys(crd.versions).toSorted());
    expect(crd.versions[info?.versions[0] ?? '']).toBe(0);
  }
});

describe('the dialect of CEL', () => {
  it.each<[string, unknown, boolean]>([
    ['has(self[0].a)', [{ a: 1 }], true],
    ['has(self.a.b)', { a: {} }, false],
    ['self.missing > 0 || self.a', { a: true }, true],
    ['self.missing > 0 && self.a', { a: true }, false],
    ["self.matches('^(?i)abc$')", 'ABC', true],
    ["self == 'has(x) .matches('", 'has(x) .matches(', true],
    ['isIP(self)', 'fe80::1%eth0', false],
    ['self.size() == 2', '\u{1f600}!', true],
  ])('%s', (expression, self, holds) => {
    expect(ruleFrom(expression)(self)).toBe(holds);
  });
});
