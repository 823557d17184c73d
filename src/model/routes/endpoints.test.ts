import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint, EndpointConditions, EndpointSlice, Service } from '../../api/core.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Backend, Locality } from '../graph.ts';
import type { ModelTables } from '../tables.ts';
import { localitiesOf } from './endpoints.ts';
import { configMapOf, httpRouteOf, portOf, refTo, ruleOf, serviceOf, sliceOf, streamRouteOf, tablesOf } from './fixtures.ts';
import { routeNodeOf } from './route-node.ts';

const web = serviceOf('web');

const backendIn = (tables: ModelTables): Backend => {
  const [backend] = routeNodeOf(httpRouteOf(ruleOf()), tables).backends;
  if (backend === undefined) throw new Error('no backend');
  return backend;
};

const localitiesIn = (...objects: readonly AnyObject[]): readonly Locality[] => {
  const tables = tablesOf(...objects);
  return localitiesOf(backendIn(tables), tables);
};

const addressesIn = (...objects: readonly AnyObject[]): readonly string[] =>
  localitiesIn(...objects).flatMap(({ endpoints }) => endpoints.map(({ address, port }) => `${address}:${port}`));

const at = (address: string, conditions: EndpointConditions = {}, zone?: string): Endpoint => ({
  addresses: [address],
  conditions,
  ...(zone === undefined ? {} : { zone }),
});

const withEndpoints = (...endpoints: readonly Endpoint[]): EndpointSlice => sliceOf('web', { endpoints });

describe('the endpoints of a backend', () => {
  it('are those of its slices, at the port the slice says, sorted', () => {
    expect(addressesIn(web, withEndpoints(at('10.0.0.2'), at('10.0.0.1')))).toEqual(['10.0.0.1:8080', '10.0.0.2:8080']);
  });

  it('are none without a slice, and none of another Service', () => {
    expect(localitiesIn(web)).toEqual([]);
    expect(localitiesIn(web, sliceOf('other', { endpoints: [at('10.0.0.1')] }))).toEqual([]);
  });

  it('come from the slice port with the Service port name and protocol', () => {
    const service = serviceOf('web', [portOf(80, { name: 'http' }), portOf(81, { name: 'admin' })]);
    const ports = [
      { name: 'admin', protocol: 'TCP', port: 9000 },
      { name: 'http', protocol: 'UDP', port: 9001 },
      { name: 'http', protocol: 'TCP', port: 9002 },
    ] as const;
    expect(addressesIn(service, sliceOf('web', { ports, endpoints: [at('10.0.0.1')] }))).toEqual(['10.0.0.1:9002']);
  });

  it.each([
    [9000, '10.0.0.1:9000'],
    ['http', '10.0.0.1:80'],
  ])('of a slice for all ports are at the target port %s', (targetPort, expected) => {
    const slice = sliceOf('web', { ports: [{ name: '', protocol: 'TCP' }], endpoints: [at('10.0.0.1')] });
    expect(addressesIn(serviceOf('web', [portOf(80, { targetPort })]), slice)).toEqual([expected]);
  });

  it('of a headless Service are used like any others', () => {
    const headless: Service = { ...web, spec: { ...web.spec, clusterIP: 'None' } };
    expect(addressesIn(headless, withEndpoints(at('10.0.0.1')))).toEqual(['10.0.0.1:8080']);
  });

  it('are by their first address only', () => {
    expect(addressesIn(web, withEndpoints({ addresses: ['10.0.0.1', '10.0.0.9'] }))).toEqual(['10.0.0.1:8080']);
  });

  it('count once when several slices name them', () => {
    const second = sliceOf('web', { endpoints: [at('10.0.0.1'), at('10.0.0.2')] }, 'web-2');
    expect(addressesIn(web, withEndpoints(at('10.0.0.1')), second)).toEqual(['10.0.0.1:8080', '10.0.0.2:8080']);
  });

  it('are not those of a slice of host names', () => {
    expect(localitiesIn(web, sliceOf('web', { addressType: 'FQDN', endpoints: [at('a.example.com')] }))).toEqual([]);
  });

  it('are grouped by zone, weighted by their number, in the order of the names', () => {
    const slice = withEndpoints(at('10.0.0.3', {}, 'b'), at('10.0.0.1', {}, 'a'), at('10.0.0.2', {}, 'b'), at('10.0.0.4'));
    expect(localitiesIn(web, slice).map(({ zone, weight }) => [zone, weight])).toEqual([
      ['', 1],
      ['a', 1],
      ['b', 2],
    ]);
  });
});

describe('of endpoints that are not ready', () => {
  const dead = at('10.0.0.1', { ready: false });
  const leaving = at('10.0.0.2', { ready: false, serving: true, terminating: true });
  const gone = at('10.0.0.3', { ready: false, serving: false, terminating: true });

  it('none is used while one is ready', () => {
    expect(addressesIn(web, withEndpoints(dead, leaving, gone, at('10.0.0.4', { ready: true })))).toEqual(['10.0.0.4:8080']);
  });

  it('those that terminate and still serve are used when none is ready, whatever slice they are in', () => {
    expect(addressesIn(web, withEndpoints(dead, leaving, gone), sliceOf('web', { endpoints: [gone] }, 'web-2'))).toEqual(['10.0.0.2:8080']);
  });
});

describe('of two address families', () => {
  const v4 = withEndpoints(at('10.0.0.1'));
  const v6 = sliceOf('web', { addressType: 'IPv6', endpoints: [at('fd00::1')] }, 'web-6');
  const dual: Service = { ...web, spec: { ...web.spec, ipFamilies: ['IPv6', 'IPv4'] } };

  it('the first of the Service is used', () => {
    expect(addressesIn(dual, v4, v6)).toEqual(['fd00::1:8080']);
  });

  it('the other is used when the first has no endpoint', () => {
    expect(addressesIn(dual, v4)).toEqual(['10.0.0.1:8080']);
  });

  it('both are used when the Service names none', () => {
    expect(addressesIn(web, v4, v6)).toHaveLength(2);
  });
});

it('a UDP backend takes the UDP port of the slice', () => {
  const service = serviceOf('web', [portOf(80), portOf(80, { protocol: 'UDP', name: 'udp' })]);
  const slice = sliceOf('web', { ports: [{ name: 'udp', protocol: 'UDP', port: 53 }], endpoints: [at('10.0.0.1')] });
  const tables = tablesOf(service, slice);
  const [backend] = routeNodeOf(streamRouteOf('UDPRoute', [refTo('web')]), tables).backends;
  expect(backend && localitiesOf(backend, tables)).toMatchObject([{ endpoints: [{ address: '10.0.0.1', port: 53 }] }]);
});

describe('the array', () => {
  it('stays the same when a slice changes in what does not matter here', () => {
    const before = tablesOf(web, withEndpoints(at('10.0.0.1')));
    const backend = backendIn(before);
    const first = localitiesOf(backend, before);
    const relabelled = withEndpoints({ ...at('10.0.0.1'), nodeName: 'node-1' });
    expect(localitiesOf(backend, tablesOf(web, relabelled, configMapOf('unrelated', {})))).toBe(first);
    expect(localitiesOf(backend, tablesOf(web, withEndpoints(at('10.0.0.2'))))).not.toBe(first);
  });

  it('does not depend on the order of slices and endpoints', () => {
    const endpoint = fc.record({
      addresses: fc.tuple(fc.nat(5).map((n) => `10.0.0.${n}`)),
      conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }, { requiredKeys: [] }),
      zone: fc.constantFrom('a', 'b', 'c'),
    });
    const slices = fc.array(fc.array(endpoint, { maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(slices, (lists) => {
        const named = lists.map((endpoints, index) => sliceOf('web', { endpoints }, `web-${index}`));
        const reversed = named.toReversed().map((slice) => ({ ...slice, endpoints: slice.endpoints.toReversed() }));
        expect(localitiesIn(web, ...reversed)).toEqual(localitiesIn(web, ...named));
        for (const { weight, endpoints } of localitiesIn(web, ...named)) expect(weight).toBe(endpoints.length);
      }),
    );
  });
});
