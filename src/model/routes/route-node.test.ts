import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../../api/kinds.ts';
import { anyRoute } from '../../../test/support/any-route.ts';
import {
  configMapOf,
  everything,
  grantOf,
  httpRouteOf,
  messageOf,
  policyOf,
  portOf,
  refTo,
  ruleOf,
  serviceOf,
  streamRouteOf,
  tablesOf,
} from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const web = serviceOf('web');
const api = serviceOf('api');

describe('a route', () => {
  it('lists host names once, in lower case', () => {
    const route = httpRouteOf(ruleOf());
    const { hostnames } = routeNodeOf(
      { ...route, spec: { ...route.spec, hostnames: ['A.example.com', 'a.example.com', '*.b.com'] } },
      tablesOf(web),
    );
    expect(hostnames).toEqual(['a.example.com', '*.b.com']);
  });

  it('lists every backend once, by id', () => {
    const rules = [ruleOf({ backendRefs: [refTo('web'), refTo('api')] }), ruleOf({ backendRefs: [refTo('api'), refTo('gone')] })];
    expect(routeNodeOf(httpRouteOf(...rules), tablesOf(web, api)).backends.map(({ id }) => id)).toEqual([
      'Service/default/api/80',
      'Service/default/web/80',
    ]);
  });

  it('that loses some rules names each', () => {
    const broken = ruleOf({ matches: [{ path: { type: 'RegularExpression', value: '(' } }] });
    const node = routeNodeOf(httpRouteOf(broken, ruleOf(), broken), tablesOf(web));
    expect(messageOf(node.partiallyInvalid)).toMatch(/^Dropped Rule spec\.rules\[0\].*; Dropped Rule spec\.rules\[2\]/);
  });

  it('never says more than a condition can hold', () => {
    const backendRefs = Array.from({ length: 16 }, () => refTo('x'.repeat(253), { namespace: 'y'.repeat(63) }));
    const node = routeNodeOf(httpRouteOf(...Array.from({ length: 16 }, () => ruleOf({ backendRefs }))), tablesOf());
    expect(messageOf(node.unresolved).length).toBe(32_768);
  });
});

describe('a rebuild', () => {
  const route = httpRouteOf(ruleOf(), ruleOf({ matches: [everything], backendRefs: [refTo('api')] }));

  it('gives the same node when nothing it looked at changed', () => {
    const node = routeNodeOf(route, tablesOf(web, api));
    expect(
      routeNodeOf(route, tablesOf(web, api, serviceOf('other'), configMapOf('unrelated', {}), policyOf('p', undefined, { service: 'o' }))),
    ).toBe(node);
  });

  it.each<[string, readonly AnyObject[]]>([
    ['a Service changed', [serviceOf('web', [portOf(80), portOf(81)]), api]],
    ['a Service is gone', [api]],
    ['a policy came', [web, api, policyOf('tls')]],
  ])('gives another one when %s, whose other rules and backends are the same objects', (_what, objects) => {
    const before = routeNodeOf(route, tablesOf(web, api));
    const after = routeNodeOf(route, tablesOf(...objects));
    expect(after).not.toBe(before);
    expect(after.entries[0]).not.toBe(before.entries[0]);
    expect(after.entries[1]).toBe(before.entries[1]);
    expect(after.backends.find(({ id }) => id === 'Service/default/api/80')).toBe(before.backends[0]);
  });

  it('sees a grant that came, and one that went', () => {
    const crossing = httpRouteOf(ruleOf({ backendRefs: [refTo('web', { namespace: 'other' })] }));
    const there = serviceOf('web', [portOf(80)], 'other');
    expect(routeNodeOf(crossing, tablesOf(there)).backends).toHaveLength(0);
    expect(routeNodeOf(crossing, tablesOf(there, grantOf('HTTPRoute', 'other'))).backends).toHaveLength(1);
    expect(routeNodeOf(crossing, tablesOf(there)).backends).toHaveLength(0);
  });
});

it('routes that use one backend in one way share the object', () => {
  const tables = tablesOf(web);
  const [first, second] = [routeNodeOf(httpRouteOf(ruleOf()), tables), routeNodeOf(httpRouteOf(ruleOf(), ruleOf()), tables)];
  expect(first.backends[0]).toBe(second.backends[0]);
  expect(routeNodeOf(streamRouteOf('TCPRoute', [refTo('web')]), tables).backends[0]?.id).not.toBe(first.backends[0]?.id);
});

const world = [
  serviceOf('web', [
    portOf(80),
    portOf(81, { protocol: 'UDP' }),
    portOf(82, { appProtocol: 'https' }),
    portOf(83, { appProtocol: 'kubernetes.io/ws' }),
  ]),
  serviceOf('api'),
  serviceOf('web', [portOf(80)], 'other'),
  grantOf('HTTPRoute', 'other'),
  policyOf('tls', { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'gone' }] }, { service: 'api' }),
];

it('no admitted route makes it throw, and deriving it afresh gives an equal node', () => {
  fc.assert(
    fc.property(anyRoute, fc.subarray(world), (route, objects) => {
      const node = routeNodeOf(route, tablesOf(...objects));
      expect(routeNodeOf(route, tablesOf(...objects, serviceOf('unrelated')))).toBe(node);
      expect(routeNodeOf(structuredClone(route), tablesOf(...objects.toReversed()))).toEqual(node);
    }),
  );
});

it('what every node promises holds', () => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      const node = routeNodeOf(route, tablesOf(...world));
      expect(node.rejected === undefined || node.entries.length === 0).toBe(true);
      expect(node.rejected === undefined || node.partiallyInvalid === undefined).toBe(true);
      expect(new Set(node.entries.map(({ id }) => id)).size).toBe(node.entries.length);
      const forwards = node.entries.flatMap(({ rule }) => (rule.action.kind === 'forward' ? [rule.action.shares] : []));
      expect(forwards.every((shares) => shares.some(({ backend, weight }) => backend !== undefined && weight > 0))).toBe(true);
      expect(forwards.flat().every(({ backend }) => backend === undefined || node.backends.includes(backend))).toBe(true);
      expect(node.streams.every(({ shares }) => shares.length > 0 && shares.every(({ weight }) => weight > 0))).toBe(true);
    }),
  );
});
