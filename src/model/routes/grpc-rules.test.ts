import { describe, expect, it } from 'vitest';
import type { GRPCMethodMatch, GRPCRouteRule } from '../../api/generated/gateway-api.ts';
import { grpcRouteOf, messageOf, refTo, serviceOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const tables = tablesOf(serviceOf('web'));
const nodeWith = (rule: GRPCRouteRule) => routeNodeOf(grpcRouteOf({ backendRefs: [refTo('web')], ...rule }), tables);
const pathOf = (method: GRPCMethodMatch) => nodeWith({ matches: [{ method }] }).entries[0]?.match.path;

describe('a GRPCRoute', () => {
  it.each([
    [
      { service: 'a.B', method: 'Get' },
      { type: 'exact', value: '/a.B/Get' },
    ],
    [{ service: 'a.B' }, { type: 'prefix', value: '/a.B' }],
    [{ method: 'Get' }, { type: 'regex', value: '/[^/]+/Get' }],
  ])('matches %j as a path', (match, path) => {
    expect(pathOf({ type: 'Exact', ...match })).toEqual(path);
  });

  it.each([
    [{ service: 'a|b', method: 'G.*' }, '/(?:a|b)/(?:G.*)'],
    [{ service: 'a.*' }, '/(?:a.*)/[^/]+'],
  ])('matches the expressions %j each by itself', (match, value) => {
    expect(pathOf({ type: 'RegularExpression', ...match })).toEqual({ type: 'regex', value });
  });

  it('drops a rule whose expression is invalid, and names the field', () => {
    const node = nodeWith({ matches: [{ method: { type: 'RegularExpression', service: 'a)(b' } }] });
    expect(messageOf(node.rejected)).toContain('spec.rules[0].matches[0].method.service: invalid regular expression');
  });

  it('without matches takes every gRPC request, and only those', () => {
    expect(nodeWith({}).entries[0]?.match).toEqual({ path: { type: 'prefix', value: '/' }, headers: [], queryParams: [], grpc: true });
  });

  it('matches headers by lower-case name', () => {
    const headers = [{ type: 'Exact', name: 'Version', value: '1' }] as const;
    expect(nodeWith({ matches: [{ headers }] }).entries[0]?.match.headers).toEqual([{ name: 'version', type: 'exact', value: '1' }]);
  });

  it('without a valid backend answers what clients read as UNAVAILABLE', () => {
    const node = nodeWith({ backendRefs: [refTo('gone')] });
    expect(node.entries[0]?.rule.action).toEqual({ kind: 'respond', status: 503 });
    expect(node.unresolved?.reason).toBe('BackendNotFound');
  });

  it('mirrors to HTTP/2 backends', () => {
    const node = nodeWith({ filters: [{ type: 'RequestMirror', requestMirror: { backendRef: refTo('web') } }] });
    expect(node.entries[0]?.rule.mirrors[0]?.backend).toBe(node.backends[0]);
    expect(node.backends.map(({ id }) => id)).toEqual(['Service/default/web/80/h2c']);
  });

  it('without rules is a route without entries', () => {
    const { rules: _none, ...spec } = grpcRouteOf().spec;
    expect(routeNodeOf({ ...grpcRouteOf(), spec }, tables).entries).toEqual([]);
  });
});
