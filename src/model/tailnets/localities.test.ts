import { describe, expect, it } from 'vitest';
import type { EndpointSlice } from '../../api/core.ts';
import type { TailscaleEndpointsSpec } from '../../api/generated/tailscale.ts';
import type { AnyObject } from '../../api/kinds.ts';
import { noObservations, type ObservedProxies, type Observations } from '../../api/observations.ts';
import type { Backend, Locality } from '../graph.ts';
import {
  backendFor,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  observationsOf,
  offline,
  proxiesOf,
  proxyOf,
  stateOf,
  tablesFor,
  tailnetOf,
  vipServiceOf,
} from './fixtures.ts';
import { tailnetLocalitiesOf } from './localities.ts';

type World = { readonly objects?: readonly AnyObject[]; readonly observations?: Observations; readonly use?: 'http' | 'tcp' | 'udp' };

const db = deviceOf('db', '100.64.0.1');
const db2 = deviceOf('db2', '100.64.0.2', { tags: ['tag:db'] });
const known = observationsOf([stateOf([db, db2], [vipServiceOf('svc:web', '100.100.0.1')])]);

const locate = (spec: Partial<TailscaleEndpointsSpec>, { objects = [], observations = known, use = 'tcp' }: World = {}) => {
  const endpoints = endpointsOf('a', spec);
  const tables = tablesFor([tailnetOf(), endpoints, ...objects], observations);
  const backend = backendFor(endpoints, use, tables);
  return { backend, localities: tailnetLocalitiesOf(backend, tables).localities };
};

const placesOf = (localities: readonly Locality[] | undefined): readonly string[] | undefined =>
  localities?.flatMap(({ endpoints }) =>
    endpoints.map(({ address, port, via, healthy, weight }) => {
      const way = via === undefined ? '' : via.kind === 'dns' ? ' by name' : ` via ${via.proxy.host}:${via.proxy.port}`;
      return `${address} ${port}${way}${healthy ? '' : ' unhealthy'}${weight === undefined ? '' : ` weight ${weight}`}`;
    }),
  );

const formOf = ({ reach }: Backend): string | undefined => reach?.form;

const byIP = endpointOf('one', { tailscaleIP: '100.64.0.1' });
const byName = endpointOf('one', { tailscaleFQDN: 'DB.tail1.ts.net.' });

describe('with one proxy of mode connect', () => {
  const proxy = proxyOf();

  it('an address goes through it', () => {
    const { backend, localities } = locate({ proxy, endpoints: [byIP] }, { objects: [proxiesOf('a-egress', ['10.0.0.1'])] });
    expect(formOf(backend)).toBe('proxied');
    expect(placesOf(localities)).toEqual(['100.64.0.1 80 via 10.0.0.1:1055']);
  });

  it('a name goes through a tunnel, for the proxy to resolve', () => {
    const { backend, localities } = locate({ proxy, endpoints: [byName] }, { objects: [proxiesOf('a-egress', ['10.0.0.1'])] });
    expect(formOf(backend)).toBe('tunnelled');
    expect(placesOf(localities)).toEqual(['db.tail1.ts.net 80 via 10.0.0.1:1055']);
  });

  it('machines found by tags are addresses', () => {
    const { backend, localities } = locate(
      { proxy, endpoints: [endpointOf('one', { tags: ['tag:db'] })] },
      { objects: [proxiesOf('a-egress', ['10.0.0.1'])] },
    );
    expect(formOf(backend)).toBe('proxied');
    expect(placesOf(localities)).toEqual(['100.64.0.2 80 via 10.0.0.1:1055']);
  });

  it('the port that its EndpointSlice says counts, and only what is ready', () => {
    const slice = proxiesOf('a-egress', [], {
      ports: [{ name: 'proxy', protocol: 'TCP', port: 8899 }],
      endpoints: [
        { addresses: ['10.0.0.1'], conditions: { ready: false } },
        { addresses: ['10.0.0.2'], conditions: { ready: true } },
      ],
    });
    expect(placesOf(locate({ proxy, endpoints: [byIP] }, { objects: [slice] }).localities)).toEqual(['100.64.0.1 80 via 10.0.0.2:8899']);
  });

  it('nothing is reached while it is not ready, and the form stays', () => {
    const { backend, localities } = locate({ proxy, endpoints: [byIP] });
    expect(formOf(backend)).toBe('proxied');
    expect(localities).toEqual([]);
  });
});

describe('with several proxies of mode connect', () => {
  const proxy = proxyOf({ replicas: 2 });
  const ready = proxiesOf('a-egress', ['10.0.0.2', '10.0.0.1']);

  it('each machine is reached over each of them, and each machine has its part', () => {
    const spec = { proxy, endpoints: [byIP, endpointOf('two', { tailscaleFQDN: 'db2.tail1.ts.net', weight: 3 })] };
    const { backend, localities } = locate(spec, { objects: [ready] });
    expect(formOf(backend)).toBe('tunnelled');
    expect(placesOf(localities)).toEqual([
      '100.64.0.1 80 via 10.0.0.1:1055',
      '100.64.0.1 80 via 10.0.0.2:1055',
      'db2.tail1.ts.net 80 via 10.0.0.1:1055 weight 3',
      'db2.tail1.ts.net 80 via 10.0.0.2:1055 weight 3',
    ]);
  });

  it('what stands outside of the tailnet goes without them', () => {
    const spec = {
      proxy,
      endpoints: [endpointOf('ip', { externalTarget: '192.0.2.1:8080' }), endpointOf('dns', { externalTarget: 'db.example.com:5432' })],
    };
    expect(placesOf(locate(spec, { objects: [ready] }).localities)).toEqual(['192.0.2.1 8080', 'db.example.com 5432 by name']);
  });

  it('of two address families one is used', () => {
    const second: EndpointSlice = { ...proxiesOf('a-egress', ['fd00::1']), addressType: 'IPv6' };
    const named = { ...second, metadata: { ...second.metadata, name: 'a-egress-6' } };
    expect(placesOf(locate({ proxy, endpoints: [byIP] }, { objects: [ready, named] }).localities)).toHaveLength(2);
    expect(placesOf(locate({ proxy, endpoints: [byIP] }, { objects: [named] }).localities)).toEqual(['100.64.0.1 80 via fd00::1:1055']);
  });
});

it('proxies of a group serve whoever names it', () => {
  const objects = [groupOf('shared'), proxiesOf('shared', ['10.0.0.9'])];
  expect(placesOf(locate({ proxyGroup: 'shared', endpoints: [byIP] }, { objects }).localities)).toEqual([
    '100.64.0.1 80 via 10.0.0.9:1055',
  ]);
});

describe('where Envoys stand in the tailnet', () => {
  it('addresses are used as they are, and names by what the tailnet says', () => {
    const web = endpointOf('vip', { tailscaleFQDN: 'web.tail1.ts.net' });
    const { backend, localities } = locate({ endpoints: [byName, web, endpointOf('six', { tailscaleIP: 'FD7A:115C:A1E0:0::1' })] });
    expect(formOf(backend)).toBe('plain');
    expect(placesOf(localities)).toEqual(['100.100.0.1 80', '100.64.0.1 80', 'fd7a:115c:a1e0::1 80']);
  });

  it('a name that the tailnet does not know is nowhere', () => {
    expect(locate({ endpoints: [endpointOf('gone', { tailscaleFQDN: 'gone.tail1.ts.net' })] }).localities).toEqual([]);
  });
});

describe('with proxies of mode forward', () => {
  const proxy = proxyOf({ mode: 'forward', replicas: 2 });
  const ready = proxiesOf('a-egress', ['10.0.0.1', '10.0.0.2']);
  const pod = (name: string, ip: string, matchPort?: number): ObservedProxies['pods'][number] => ({
    pod: name,
    ips: [ip],
    ready: true,
    joined: true,
    addresses: [],
    wantsKey: false,
    ...(matchPort === undefined ? {} : { forwards: new Map([['100.64.0.1', [{ protocol: 'UDP' as const, matchPort, targetPort: 53 }]]]) }),
  });
  const dns = endpointOf('one', { tailscaleIP: '100.64.0.1', port: 53, protocol: 'UDP' });

  it('packets go to the ports that ready pods say they forward', () => {
    const pods = [pod('a-egress-0', '10.0.0.1', 10_007), pod('a-egress-1', '10.0.0.2')];
    const observations = observationsOf([stateOf([db])], { 'default/a-egress': { desired: 2, ready: 2, pods } });
    const { backend, localities } = locate({ proxy, endpoints: [dns] }, { objects: [ready], observations, use: 'udp' });
    expect(formOf(backend)).toBe('plain');
    expect(placesOf(localities)).toEqual(['10.0.0.1 10007']);
  });

  it('where nobody sees the pods they do what they should', () => {
    const { localities } = locate({ proxy, endpoints: [byName] }, { objects: [ready] });
    const [first = '', second = ''] = placesOf(localities) ?? [];
    expect(first).toMatch(/^10\.0\.0\.1 10\d{3}$/);
    expect(second).toBe(first.replace('10.0.0.1', '10.0.0.2'));
  });
});

describe('a machine that is offline', () => {
  const gone = observationsOf([stateOf([offline(db), db2])]);
  const objects = [proxiesOf('a-egress', ['10.0.0.1'])];

  it.each([
    ['by address', byIP],
    ['by name', byName],
  ])('is unhealthy at once, %s', (_how, endpoint) => {
    const { localities } = locate({ proxy: proxyOf(), endpoints: [endpoint] }, { objects, observations: gone });
    expect(localities?.[0]?.endpoints[0]?.healthy).toBe(false);
  });

  it('is not what is not known at all: that may be shared in', () => {
    const { localities } = locate({ endpoints: [endpointOf('other', { tailscaleIP: '100.64.9.9' })] });
    expect(placesOf(localities)).toEqual(['100.64.9.9 80']);
  });
});

describe('while a tailnet has not been heard of', () => {
  const autoDiscovery = { port: 80, protocol: 'TCP' } as const;

  it.each([
    ['explicit addresses are used', { endpoints: [byIP] }, ['100.64.0.1 80']],
    ['machines to be discovered leave everything to be told later', { endpoints: [byIP], autoDiscovery }, undefined],
    ['so do tags', { endpoints: [endpointOf('one', { tags: ['tag:db'] })] }, undefined],
    ['so do names that nobody else could resolve', { endpoints: [byName] }, undefined],
  ])('%s', (_rule, spec, expected) => {
    expect(placesOf(locate(spec, { observations: noObservations }).localities)).toEqual(expected);
    const silent = { name: 'prod', trouble: { kind: 'unreachable', message: 'no answer', since: '2026-01-01T00:00:00Z' } } as const;
    expect(placesOf(locate(spec, { observations: observationsOf([silent]) }).localities)).toEqual(expected);
  });
});

describe('machines', () => {
  it('of auto-discovery are those with a name and the tags, none twice, and no proxy of ours', () => {
    const proxy = deviceOf('proxy-0', '100.64.0.9');
    const pods = [{ pod: 'x-0', ips: [], ready: true, joined: true, nodeId: proxy.id, fqdn: proxy.fqdn, addresses: [], wantsKey: false }];
    const observations = observationsOf([stateOf([db, db2, proxy])], { 'default/x': { desired: 1, ready: 1, pods } });
    const autoDiscovery = { port: 80, protocol: 'TCP', excludePatterns: ['other*'] } as const;
    expect(placesOf(locate({ endpoints: [byIP], autoDiscovery }, { observations }).localities)).toEqual(['100.64.0.1 80', '100.64.0.2 80']);
  });

  it('without weight get nothing', () => {
    const spec = { endpoints: [byIP, endpointOf('none', { tailscaleIP: '100.64.0.2', weight: 0 })] };
    expect(placesOf(locate(spec).localities)).toEqual(['100.64.0.1 80']);
  });
});

describe('the array', () => {
  it('stays the same while nothing in it changes, whatever else a device says', () => {
    const endpoints = endpointsOf('a', { endpoints: [byIP] });
    const before = tablesFor([tailnetOf(), endpoints], observationsOf([stateOf([db, db2])]));
    const backend = backendFor(endpoints, 'tcp', before);
    const { localities } = tailnetLocalitiesOf(backend, before);
    const renamed = tablesFor([tailnetOf(), endpoints], observationsOf([stateOf([{ ...db, hostname: 'renamed' }, offline(db2)])]));
    expect(tailnetLocalitiesOf(backend, renamed).localities).toBe(localities);
    const gone = tablesFor([tailnetOf(), endpoints], observationsOf([stateOf([offline(db), db2])]));
    expect(tailnetLocalitiesOf(backend, gone).localities).not.toBe(localities);
  });
});
