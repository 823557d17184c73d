import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpMatch, HttpRule, RouteEntry } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import { byAge, byMatch, inOrder, oldestFirst } from './precedence.ts';

type Match = { readonly path?: string; readonly method?: string; readonly headers?: number; readonly queries?: number };

const values = (count: number): HttpMatch['headers'] =>
  Array.from({ length: count }, (_, index) => ({ name: `n${index}`, type: 'exact', value: 'v' }));
const matchOf = ({ path = 'prefix /', method, headers = 0, queries = 0 }: Match): HttpMatch => {
  const [type, value = ''] = path.split(' ');
  return {
    path: { type: type as HttpMatch['path']['type'], value },
    ...(method === undefined ? {} : { method }),
    headers: values(headers),
    queryParams: values(queries),
    grpc: false,
  };
};
const rule = {} as HttpRule;
const routeOf = (name: string, ...matches: readonly HttpMatch[]): RouteNode => {
  const key = `HTTPRoute/default/${name}` as const;
  const entries = matches.map((match, index): RouteEntry => ({ id: `${name}/${index}`, owner: key, match, rule }));
  return { key, kind: 'HTTPRoute', hostnames: [], entries, streams: [], backends: [], secrets: [] };
};

describe('of two matches', () => {
  it.each<[string, Match, Match]>([
    ['an exact path comes before a longer prefix', { path: 'exact /a' }, { path: 'prefix /a/b/c' }],
    ['a longer prefix comes before a shorter', { path: 'prefix /a/b' }, { path: 'prefix /a' }],
    [
      'a longer prefix comes before a shorter with a method and headers',
      { path: 'prefix /a/b' },
      { path: 'prefix /a', method: 'GET', headers: 9 },
    ],
    ['one with a method comes before one with headers', { method: 'GET' }, { headers: 3, queries: 3 }],
    ['one with more headers comes before one with more query parameters', { headers: 2 }, { headers: 1, queries: 5 }],
    ['one with more query parameters comes first', { headers: 1, queries: 2 }, { headers: 1, queries: 1 }],
    ['a regular expression comes before a prefix', { path: 'regex /a' }, { path: 'prefix /a/b/c' }],
    ['an exact path comes before a regular expression', { path: 'exact /' }, { path: 'regex /a.*' }],
  ])('%s', (_, first, second) => {
    expect(byMatch(matchOf(first), matchOf(second))).toBeLessThan(0);
    expect(byMatch(matchOf(second), matchOf(first))).toBeGreaterThan(0);
  });
});

describe('entries', () => {
  it('go by the route’s hostname, then by match, then by age, then as written', () => {
    const old = routeOf('old', matchOf({}), matchOf({ path: 'prefix /a' }), matchOf({}));
    const young = routeOf('young', matchOf({}), matchOf({ path: 'exact /' }));
    const exact = routeOf('exact', matchOf({}));
    const order = inOrder([
      { asked: '*.example', age: 0, node: old },
      { asked: '*.example', age: 1, node: young },
      { asked: 'a.example', age: 2, node: exact },
    ]);
    expect(order.map(({ id }) => id)).toEqual(['exact/0', 'young/1', 'old/1', 'old/0', 'old/2', 'young/0']);
  });

  it('are in the same order however their routes came', () => {
    const match = fc.record({
      path: fc.constantFrom('exact /', 'prefix /', 'prefix /a', 'regex /a'),
      headers: fc.nat(2),
      queries: fc.nat(2),
    });
    const claims = fc
      .array(fc.tuple(fc.array(match, { maxLength: 3 }), fc.constantFrom('*', '*.a', 'x.a')), { maxLength: 5 })
      .map((routes) => routes.map(([matches, asked], age) => ({ asked, age, node: routeOf(`r${age}`, ...matches.map(matchOf)) })));
    fc.assert(
      fc.property(claims, (some) => {
        expect(inOrder(some.toReversed())).toEqual(inOrder(some));
      }),
    );
  });
});

describe('age', () => {
  it('is by time, then by namespace and name', () => {
    const meta = (namespace: string, name: string, creationTimestamp?: string) => ({
      namespace,
      name,
      generation: 1,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    });
    const objects = [
      meta('b', 'a', '2024-01-01T00:00:00Z'),
      meta('a', 'b', '2025-01-01T00:00:00Z'),
      meta('a', 'a', '2025-01-01T00:00:00Z'),
    ];
    expect(objects.toReversed().toSorted(byAge)).toEqual([objects[0], objects[2], objects[1]]);
  });
});

it('thousands are sorted by age as few are', () => {
  const metadata = fc.record({
    generation: fc.constant(1),
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('x', 'y'),
    creationTimestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
  });
  fc.assert(
    fc.property(fc.array(metadata), (objects) => {
      const sorted = oldestFirst(objects, (object) => object);
      expect(sorted).toEqual(objects.toSorted(byAge));
      sorted.forEach((object, index) => expect(object).toBe(objects.toSorted(byAge)[index]));
    }),
  );
});
