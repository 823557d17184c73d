import { describe, expect, it } from 'vitest';
import { any } from './any.ts';
import { decode, encode, typeNameOf } from './codec.ts';
import type { Cluster, Listener, RouteConfiguration } from './types.ts';

const names = {
  cluster: 'envoy.config.cluster.v3.Cluster',
  listener: 'envoy.config.listener.v3.Listener',
  routes: 'envoy.config.route.v3.RouteConfiguration',
  node: 'envoy.config.core.v3.Node',
};

const listener: Listener = {
  name: 'http',
  address: { socketAddress: { address: '0.0.0.0', portValue: 8080 } },
  filterChains: [
    {
      filters: [
        {
          name: 'hcm',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            statPrefix: 'http',
            rds: { routeConfigName: 'http', configSource: { ads: {}, resourceApiVersion: 'V3' } },
            httpFilters: [{ name: 'router', typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}) }],
          }),
        },
      ],
    },
  ],
};

describe('round trip', () => {
  it('gives back a listener with the extensions inside it', () => {
    expect(decode(names.listener, encode(names.listener, listener))).toEqual(listener);
  });

  it('gives back durations, wrappers, enums and 64-bit numbers in their ProtoJSON forms', () => {
    const cluster: Cluster = {
      name: 'c',
      type: 'EDS',
      connectTimeout: '0.250s',
      perConnectionBufferLimitBytes: 32768,
      healthChecks: [
        {
          timeout: '1s',
          interval: '-1.500s',
          unhealthyThreshold: 0,
          healthyThreshold: 3,
          httpHealthCheck: { path: '/', expectedStatuses: [{ start: '200', end: '9007199254740993' }] },
        },
      ],
    };
    expect(decode(names.cluster, encode(names.cluster, cluster))).toEqual(cluster);
  });

  it('gives back metadata of any JSON form', () => {
    const node = { id: 'n', metadata: { text: 'a', number: 1.5, none: null, list: [true, { deep: {} }] } };
    expect(decode(names.node, encode(names.node, node))).toEqual(node);
  });

  it('holds a well-known type in an Any under `value`', () => {
    const resource = { resource: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } };
    expect(decode('envoy.service.discovery.v3.Resource', encode('envoy.service.discovery.v3.Resource', resource))).toEqual(resource);
  });

  it('reads undefined and null as absent, and names as the .proto spells them', () => {
    expect(encode(names.cluster, { name: 'c', connectTimeout: undefined, lbPolicy: null, alt_stat_name: 'a' })).toEqual(
      encode(names.cluster, { name: 'c', altStatName: 'a' }),
    );
  });

  it('keeps a default that a oneof or wrapper makes meaningful', () => {
    const routes: RouteConfiguration = { validateClusters: false, virtualHosts: [{ routes: [{ match: { prefix: '' } }] }] };
    expect(decode(names.routes, encode(names.routes, routes))).toEqual(routes);
  });
});

describe('equal meaning is equal bytes', () => {
  it.each([
    ['fields', { name: 'c', type: 'EDS' }, { type: 'EDS', name: 'c' }],
    [
      'maps',
      {
        typedExtensionProtocolOptions: {
          b: listener.filterChains?.[0]?.filters?.[0]?.typedConfig,
          a: any('envoy.extensions.filters.http.cors.v3.Cors', {}),
        },
      },
      {
        typedExtensionProtocolOptions: {
          a: any('envoy.extensions.filters.http.cors.v3.Cors', {}),
          b: listener.filterChains?.[0]?.filters?.[0]?.typedConfig,
        },
      },
    ],
    [
      'structs',
      { metadata: { filterMetadata: { x: { a: 1, b: { c: 2, d: 3 } } } } },
      { metadata: { filterMetadata: { x: { b: { d: 3, c: 2 }, a: 1 } } } },
    ],
    ['spelled-out defaults', { name: 'c', respectDnsTtl: false, lbPolicy: 'ROUND_ROBIN' }, { name: 'c' }],
    ['enum names and numbers', { type: 'EDS' }, { type: 3 }],
  ])('whatever the order or spelling: %s', (_what, one, other) => {
    expect(encode(names.cluster, one)).toEqual(encode(names.cluster, other));
  });
});

describe('kept bytes', () => {
  it('spare elements of long lists from being read again, and no others', () => {
    const reads: string[] = [];
    const host = (name: string): object => ({
      get name(): string {
        reads.push(name);
        return `${name}, long enough to be worth remembering, in whatever message it stands`;
      },
      domains: ['*'],
    });
    const [known, alone] = [host('known'), host('alone')];
    const others = Array.from({ length: 8 }, (_, index) => ({ name: `v${index}`, domains: [`${index}.example`] }));
    const encodeBoth = (): void => {
      encode(names.routes, { name: 'long', virtualHosts: [known, ...others] });
      encode(names.routes, { name: 'short', virtualHosts: [alone] });
    };
    encodeBoth();
    expect(new Set(reads)).toEqual(new Set(['known', 'alone']));
    reads.length = 0;
    encodeBoth();
    expect(new Set(reads)).toEqual(new Set(['alone']));
  });

  it('are not mistaken for those of another message', () => {
    const shared = { name: 'a name long enough to be worth remembering, in whatever message' };
    encode(names.cluster, shared);
    expect(decode(names.routes, encode(names.routes, shared))).toEqual(shared);
    expect(decode(names.cluster, encode(names.cluster, shared))).toEqual(shared);
  });
});

describe('what does not fit is refused with its path', () => {
  it.each([
    [
      'an unknown field',
      names.routes,
      { virtualHosts: [{}, { routes: [{ match: { prefx: '/' } }] }] },
      'virtualHosts[1].routes[0].match.prefx: unknown field of envoy.config.route.v3.RouteMatch',
    ],
    [
      'an unknown enum value',
      names.cluster,
      { type: 'EDSS' },
      'type: unknown value "EDSS" of enum envoy.config.cluster.v3.Cluster.DiscoveryType',
    ],
    ['an inherited name as enum value', names.cluster, { type: 'toString' }, 'type: unknown value "toString"'],
    [
      'a scalar of another kind',
      names.listener,
      { address: { socketAddress: { portValue: 'http' } } },
      'address.socketAddress.portValue: expected uint32, got "http"',
    ],
    [
      'a default of another kind',
      names.listener,
      { address: { socketAddress: { portValue: false } } },
      'address.socketAddress.portValue: expected uint32, got false',
    ],
    ['a number out of range', names.listener, { address: { socketAddress: { portValue: -1 } } }, 'portValue: expected uint32, got -1'],
    ['a string where a list belongs', names.cluster, { healthChecks: 'x' }, 'healthChecks: expected array'],
    ['null in a list', names.cluster, { healthChecks: [null] }, 'healthChecks[0]: expected object, got null'],
    ['a number as duration', names.cluster, { connectTimeout: 5 }, "connectTimeout: expected duration like '5s', got 5"],
    ['a duration without unit', names.cluster, { connectTimeout: '5' }, 'connectTimeout: expected duration like \'5s\', got "5"'],
    [
      'two values of one oneof',
      names.routes,
      { virtualHosts: [{ routes: [{ match: { prefix: '/', path: '/' } }] }] },
      'match.path: excludes prefix: both are of oneof path_specifier',
    ],
    [
      'a field under both of its names',
      names.cluster,
      { altStatName: 'a', alt_stat_name: 'b' },
      'alt_stat_name: given twice, also as altStatName',
    ],
    [
      'an Any without type',
      names.cluster,
      { typedExtensionProtocolOptions: { x: {} } },
      'typedExtensionProtocolOptions["x"].@type: expected a type URL',
    ],
    [
      'an Any of an unknown type',
      names.cluster,
      { typedExtensionProtocolOptions: { x: { '@type': 'type.googleapis.com/no.Such' } } },
      'typedExtensionProtocolOptions["x"].@type: unknown message type no.Such',
    ],
    [
      'a wrong field inside an Any',
      names.cluster,
      { typedExtensionProtocolOptions: { x: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors', a: 1 } } },
      'typedExtensionProtocolOptions["x"].a: unknown field of envoy.extensions.filters.http.cors.v3.Cors',
    ],
    ['an unknown message', 'envoy.Nothing', {}, 'unknown message type envoy.Nothing'],
  ])('%s', (_what, typeName, value, message) => {
    expect(() => encode(typeName, value)).toThrow(message);
  });

  it('malformed bytes', () => {
    expect(() => decode(names.cluster, Buffer.from([0x0a, 0x7f]))).toThrow(/^cannot decode envoy\.config\.cluster\.v3\.Cluster: /);
  });
});

it('takes the message name from behind the last slash of a type URL', () => {
  expect(typeNameOf(`type.googleapis.com/${names.cluster}`)).toBe(names.cluster);
});
