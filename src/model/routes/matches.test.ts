import { describe, expect, it } from 'vitest';
import type { HTTPRouteMatch } from '../../api/generated/gateway-api.ts';
import type { HttpMatch } from '../graph.ts';
import { everything, httpRouteOf, messageOf, ruleOf, serviceOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const tables = tablesOf(serviceOf('web'));

const matchOf = (match: Partial<HTTPRouteMatch>): HttpMatch | undefined =>
  routeNodeOf(httpRouteOf(ruleOf({ matches: [{ ...everything, ...match }] })), tables).entries[0]?.match;

describe('a match', () => {
  it('keeps exact paths and methods as written', () => {
    expect(matchOf({ path: { type: 'Exact', value: '/a/' }, method: 'GET' })).toEqual({
      path: { type: 'exact', value: '/a/' },
      method: 'GET',
      headers: [],
      queryParams: [],
      grpc: false,
    });
  });

  it.each([
    ['/a/', '/a'],
    ['/a', '/a'],
    ['/', '/'],
  ])('ignores the trailing slash of the prefix %s', (written, meant) => {
    expect(matchOf({ path: { type: 'PathPrefix', value: written } })?.path).toEqual({ type: 'prefix', value: meant });
  });

  it('takes the first of several headers with one name, whatever its case', () => {
    const headers = [
      { type: 'Exact', name: 'Version', value: '1' },
      { type: 'Exact', name: 'version', value: '2' },
    ] as const;
    expect(matchOf({ headers })?.headers).toEqual([{ name: 'version', type: 'exact', value: '1' }]);
  });

  it('tells query parameters apart by case, and takes the first of equal ones', () => {
    const queryParams = [
      { type: 'Exact', name: 'q', value: '1' },
      { type: 'RegularExpression', name: 'Q', value: '[0-9]+' },
      { type: 'Exact', name: 'q', value: '3' },
    ] as const;
    expect(matchOf({ queryParams })?.queryParams.map(({ name, value }) => [name, value])).toEqual([
      ['q', '1'],
      ['Q', '[0-9]+'],
    ]);
  });

  it('of every request is meant by an empty list', () => {
    const { entries } = routeNodeOf(httpRouteOf(ruleOf({ matches: [] })), tables);
    expect(entries.map(({ match }) => match.path)).toEqual([{ type: 'prefix', value: '/' }]);
  });

  it('has an entry of its own, with an id that tells its place, and shares its rule with the others', () => {
    const rule = ruleOf({ name: 'both', matches: [everything, { path: { type: 'Exact', value: '/a' } }] });
    const { entries } = routeNodeOf(httpRouteOf(ruleOf(), rule), tables);
    expect(entries.map(({ id }) => id)).toEqual([
      'HTTPRoute/default/web/rule/0/match/0',
      'HTTPRoute/default/web/rule/1/match/0',
      'HTTPRoute/default/web/rule/1/match/1',
    ]);
    expect(entries[1]?.rule).toBe(entries[2]?.rule);
    expect(entries.map(({ ruleName }) => ruleName)).toEqual([undefined, 'both', 'both']);
  });
});

describe('an invalid regular expression', () => {
  const broken = ruleOf({ matches: [{ path: { type: 'RegularExpression', value: '/a(' } }] });

  it('costs its rule, and the message names rule and field', () => {
    const node = routeNodeOf(httpRouteOf(broken, ruleOf()), tables);
    expect(node.entries.map(({ id }) => id)).toEqual(['HTTPRoute/default/web/rule/1/match/0']);
    expect(node).not.toHaveProperty('rejected');
    expect(node.partiallyInvalid?.reason).toBe('UnsupportedValue');
    expect(messageOf(node.partiallyInvalid)).toMatch(
      /^Dropped Rule spec\.rules\[0\]\.matches\[0\]\.path\.value: invalid regular expression/,
    );
  });

  it('costs the route when no rule is left', () => {
    const node = routeNodeOf(httpRouteOf(broken), tables);
    expect(node.rejected?.reason).toBe('UnsupportedValue');
    expect(node).not.toHaveProperty('partiallyInvalid');
    expect(node.entries).toEqual([]);
  });

  it.each([
    ['headers', { headers: [{ type: 'RegularExpression', name: 'a', value: '(' }] }],
    ['queryParams', { queryParams: [{ type: 'RegularExpression', name: 'a', value: '(' }] }],
  ] as const)('is found in %s too', (field, match) => {
    const node = routeNodeOf(httpRouteOf(ruleOf({ matches: [{ ...everything, ...match }] })), tables);
    expect(messageOf(node.rejected)).toContain(`spec.rules[0].matches[0].${field}[0].value`);
  });
});

it('an enum value of a later API is refused, not misread', () => {
  const later = { path: { type: 'Glob', value: '/*' } } as unknown as HTTPRouteMatch;
  expect(routeNodeOf(httpRouteOf(ruleOf({ matches: [later] })), tables).rejected?.reason).toBe('UnsupportedValue');
});
