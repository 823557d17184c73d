import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import type { HttpMatch, ValueMatch } from '../graph.ts';
import { combined } from './combine.ts';
import type { PolicyMatch } from './policy.ts';

const matchOf = (more: Partial<HttpMatch> = {}): HttpMatch => ({
  path: { type: 'prefix', value: '/' },
  headers: [],
  queryParams: [],
  grpc: false,
  ...more,
});
const policyOf = (more: Partial<PolicyMatch> = {}): PolicyMatch => ({
  field: 'spec.rules[0].matches[0]',
  headers: [],
  queryParams: [],
  ...more,
});

type Path = HttpMatch['path'];
type Request = { readonly path: string; readonly method: string; readonly headers: Readonly<Record<string, string>> };

/** As Envoy does it. */
const holds = ({ path, method, headers }: HttpMatch, request: Request): boolean =>
  pathHolds(path, request.path) &&
  (method === undefined || method === request.method) &&
  headers.every((header) => valueHolds(header, header.name === ':path' ? request.path : request.headers[header.name]));
const pathHolds = ({ type, value }: Path, path: string): boolean => {
  if (type === 'exact') return path === value;
  if (type === 'regex') return RE2JS.compile(value).matcher(path).matches();
  return value === '/' || path === value || path.startsWith(`${value}/`);
};
const valueHolds = ({ type, value }: ValueMatch, found: string | undefined): boolean =>
  found !== undefined && (type === 'exact' ? found === value : RE2JS.compile(value).matcher(found).matches());

const paths = fc.constantFrom<Path>(
  { type: 'prefix', value: '/' },
  { type: 'prefix', value: '/a' },
  { type: 'prefix', value: '/a/b' },
  { type: 'prefix', value: '/a.b' },
  { type: 'exact', value: '/a' },
  { type: 'exact', value: '/a/b' },
  { type: 'regex', value: '/a/.*' },
  { type: 'regex', value: '/[ab].*' },
);
const methods = fc.constantFrom(undefined, 'GET', 'POST');
const headers = fc.uniqueArray(
  fc.constantFrom<ValueMatch>(
    { name: 'x', type: 'exact', value: '1' },
    { name: 'x', type: 'exact', value: '2' },
    { name: 'x', type: 'regex', value: '[0-9]+' },
    { name: 'y', type: 'regex', value: 'v.*' },
  ),
  { maxLength: 2, selector: ({ name }) => name },
);
const requests = fc.record({
  path: fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/ab', '/a.b', '/a.b/c', '/b', '/axb'),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  headers: fc.record({ x: fc.constantFrom('1', '2', '12', 'a'), y: fc.constantFrom('v', 'w') }, { requiredKeys: [] }) as fc.Arbitrary<
    Readonly<Record<string, string>>
  >,
});
const parts = fc.record({ path: paths, method: methods, headers });

describe('the match of a route and that of a policy', () => {
  it('hold together for the requests that both hold for, and no others', () => {
    fc.assert(
      fc.property(parts, parts, requests, (one, other, request) => {
        const route = matchOf(present(one));
        const policy = policyOf(present(other));
        const both = combined(route, policy);
        const expected = holds(route, request) && holds(matchOf(present(other)), request);
        if (both.kind === 'inexpressible') expect([one.path.type, other.path.type]).toEqual(['regex', 'regex']);
        else if (both.kind === 'never') expect(expected).toBe(false);
        else expect(holds(both.kind === 'some' ? both.match : route, request)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('are the same where the policy asks for nothing that the route does not', () => {
    expect(combined(matchOf({ path: { type: 'exact', value: '/a/b' } }), policyOf({ path: { type: 'prefix', value: '/a' } }))).toEqual({
      kind: 'same',
    });
    expect(combined(matchOf({ method: 'GET' }), policyOf({ method: 'GET' }))).toEqual({ kind: 'same' });
  });

  it('ask for every peer that is asked for', () => {
    const peer = { users: ['a@example.com'], groups: [], tags: [], nodes: [] };
    const first = combined(matchOf(), policyOf({ peer }));
    expect(first).toMatchObject({ kind: 'some', match: { peers: [peer] } });
    const match = first.kind === 'some' ? first.match : matchOf();
    expect(combined(match, policyOf({ peer: { ...peer, users: [] } }))).toMatchObject({ match: { peers: [peer, { ...peer, users: [] }] } });
  });
});

function present(given: { readonly path: Path; readonly method: string | undefined; readonly headers: readonly ValueMatch[] }) {
  const { method, ...others } = given;
  return method === undefined ? others : { ...others, method };
}
