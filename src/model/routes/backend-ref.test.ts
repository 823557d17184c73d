import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../../api/kinds.ts';
import type { Backend, HttpAction } from '../graph.ts';
import type { RouteNode } from '../route-node.ts';
import { grantOf, grpcRouteOf, httpRouteOf, messageOf, portOf, refTo, ruleOf, serviceOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const nodeOf = (ref: Partial<ReturnType<typeof refTo>>, ...objects: readonly AnyObject[]): RouteNode =>
  routeNodeOf(httpRouteOf(ruleOf({ backendRefs: [refTo('web', ref)] })), tablesOf(...objects));

const actionOf = (node: RouteNode): HttpAction | undefined => node.entries[0]?.rule.action;

const backendWith = (appProtocol: string | undefined, kind: 'HTTPRoute' | 'GRPCRoute' = 'HTTPRoute'): Backend | undefined => {
  const tables = tablesOf(serviceOf('web', [portOf(80, appProtocol === undefined ? {} : { appProtocol })]));
  const route = kind === 'HTTPRoute' ? httpRouteOf(ruleOf()) : grpcRouteOf({ backendRefs: [refTo('web')] });
  return routeNodeOf(route, tables).backends[0];
};

describe('a reference to a backend', () => {
  it('resolves to a Service port, spoken to by HTTP/1.1', () => {
    const node = nodeOf({}, serviceOf('web'));
    expect(node.backends).toEqual([{ id: 'Service/default/web/80', key: 'Service/default/web', port: 80, protocol: 'http1' }]);
    expect(actionOf(node)).toMatchObject({ kind: 'forward', shares: [{ weight: 1, backend: node.backends[0] }] });
    expect(node).not.toHaveProperty('unresolved');
  });

  it.each([
    ['an unknown kind is InvalidKind', { kind: 'Bucket', group: 'example.com' }, 'InvalidKind', 'kind Bucket of group "example.com"'],
    ['a Service that does not exist is BackendNotFound', { name: 'gone' }, 'BackendNotFound', 'Service "default/gone" not found'],
    ['a port the Service has not is BackendNotFound', { port: 81 }, 'BackendNotFound', 'Service "default/web" has no port 81'],
    ['another namespace without a grant is RefNotPermitted', { namespace: 'other' }, 'RefNotPermitted', 'Service "other/web"'],
  ])('%s, named in the message, and its traffic gets 500', (_rule, ref, reason, message) => {
    const node = nodeOf(ref, serviceOf('web'), serviceOf('web', [portOf(80)], 'other'));
    expect(node.unresolved?.reason).toBe(reason);
    expect(messageOf(node.unresolved)).toContain(`spec.rules[0].backendRefs[0]: `);
    expect(messageOf(node.unresolved)).toContain(message);
    expect(actionOf(node)).toEqual({ kind: 'respond', status: 500 });
    expect(node).not.toHaveProperty('rejected');
  });

  it('without a port is BackendNotFound', () => {
    const { port: _port, ...ref } = refTo('web');
    const node = routeNodeOf(httpRouteOf(ruleOf({ backendRefs: [ref] })), tablesOf(serviceOf('web')));
    expect(node.unresolved?.reason).toBe('BackendNotFound');
  });

  it('to an ExternalName Service is refused', () => {
    const service = serviceOf('web');
    const node = nodeOf({}, { ...service, spec: { ...service.spec, type: 'ExternalName', externalName: 'example.com' } });
    expect(node.unresolved).toMatchObject({ reason: 'InvalidKind', message: expect.stringContaining('ExternalName') as string });
  });

  it('to a UDP port is UnsupportedProtocol for HTTP', () => {
    const node = nodeOf({}, serviceOf('web', [portOf(80, { protocol: 'UDP' })]));
    expect(node.unresolved).toMatchObject({ reason: 'UnsupportedProtocol', message: expect.stringContaining('is UDP, not TCP') as string });
  });

  it('into another namespace holds when a grant there covers it', () => {
    const service = serviceOf('web', [portOf(80)], 'other');
    expect(nodeOf({ namespace: 'other' }, service, grantOf('HTTPRoute', 'other', { name: 'web' })).backends).toHaveLength(1);
    expect(nodeOf({ namespace: 'other' }, service, grantOf('HTTPRoute', 'other', { name: 'api' })).unresolved?.reason).toBe(
      'RefNotPermitted',
    );
    expect(nodeOf({ namespace: 'other' }, service, grantOf('GRPCRoute', 'other')).unresolved?.reason).toBe('RefNotPermitted');
  });

  it('into another namespace without a grant does not tell whether the Service exists', () => {
    const there = nodeOf({ namespace: 'other' }, serviceOf('web', [portOf(80)], 'other'));
    expect(there.unresolved).toEqual(nodeOf({ namespace: 'other' }).unresolved);
  });

  it('that fails costs only its own share', () => {
    const rule = ruleOf({ backendRefs: [refTo('web', { weight: 3 }), refTo('gone', { weight: 1 })] });
    const node = routeNodeOf(httpRouteOf(rule), tablesOf(serviceOf('web')));
    const action = actionOf(node);
    expect(action).toMatchObject({ kind: 'forward', shares: [{ weight: 3, backend: { id: 'Service/default/web/80' } }, { weight: 1 }] });
    expect(action?.kind === 'forward' && action.shares[1]).not.toHaveProperty('backend');
    expect(messageOf(node.unresolved)).toBe('spec.rules[0].backendRefs[1]: Service "default/gone" not found');
  });

  it('shows the gravest reason of several, and every message in the order of the object', () => {
    const node = routeNodeOf(
      httpRouteOf(ruleOf({ backendRefs: [refTo('gone')] }), ruleOf({ backendRefs: [refTo('web', { namespace: 'other' })] })),
      tablesOf(),
    );
    expect(node.unresolved?.reason).toBe('RefNotPermitted');
    expect(messageOf(node.unresolved)).toMatch(/^spec\.rules\[0\]\.backendRefs\[0\]: .*; spec\.rules\[1\]\.backendRefs\[0\]: /);
  });
});

describe('weights', () => {
  it.each([
    ['all of zero', [refTo('web', { weight: 0 })]],
    ['none at all', []],
    ['no more than an unresolved reference', [refTo('web', { weight: 0 }), refTo('gone', { weight: 1 })]],
  ])('%s give 500', (_what, backendRefs) => {
    const node = routeNodeOf(httpRouteOf(ruleOf({ backendRefs })), tablesOf(serviceOf('web')));
    expect(actionOf(node)).toEqual({ kind: 'respond', status: 500 });
  });
});

describe('appProtocol', () => {
  it.each([
    [undefined, 'http1', undefined],
    ['mysql', 'http1', undefined],
    ['kubernetes.io/h2c', 'http2', undefined],
    ['kubernetes.io/ws', 'http1', undefined],
    ['kubernetes.io/wss', 'http1', 'none'],
    ['https', 'http1', 'none'],
    ['HTTPS', 'http1', 'none'],
  ])('%s makes an HTTPRoute speak %s, TLS verified by %s', (appProtocol, protocol, verified) => {
    const backend = backendWith(appProtocol);
    expect(backend?.protocol).toBe(protocol);
    expect(backend?.tls?.verify.by).toBe(verified);
  });

  it.each([[undefined], ['http'], ['kubernetes.io/h2c']])('%s makes a GRPCRoute speak HTTP/2', (appProtocol) => {
    expect(backendWith(appProtocol, 'GRPCRoute')).toMatchObject({ id: 'Service/default/web/80/h2c', protocol: 'http2' });
  });

  it('of the reserved prefix that is not known is refused', () => {
    expect(backendWith('kubernetes.io/later')).toBeUndefined();
  });

  it('that cannot carry gRPC is refused for a GRPCRoute', () => {
    expect(backendWith('kubernetes.io/ws', 'GRPCRoute')).toBeUndefined();
  });
});
