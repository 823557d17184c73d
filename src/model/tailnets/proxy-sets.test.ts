import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../../api/kinds.ts';
import type { Observations } from '../../api/observations.ts';
import { objectsIn, prelude } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../build.ts';
import type { ProxySet } from '../proxy-set.ts';
import {
  backendEntry,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  namespaceOf,
  objectsOf,
  observationsOf,
  proxyOf,
  servicesOf,
  stateOf,
  tailnetOf,
} from './fixtures.ts';

const builder = () => graphBuilder({ privilegedPorts: true, exclusivePorts: false, onCluster: true, defaultAddresses: [] });

const setsFor = (objects: readonly AnyObject[], observations: Observations = observationsOf([stateOf()])): ReadonlyMap<string, ProxySet> =>
  builder()(objectsOf(...prelude, ...objects), observations).proxySets;

const edge = (name: string): readonly AnyObject[] =>
  objectsIn(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec: { gatewayClassName: tailplane, listeners: [{ name: http, protocol: HTTP, port: 80 }] }
`);

const routeTo = (gateway: string, kind: string, name: string): readonly AnyObject[] =>
  objectsIn(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${gateway}-${name}, namespace: default }
spec:
  parentRefs: [{ name: ${gateway} }]
  hostnames: [${name}.example]
  rules: [{ backendRefs: [{ group: gateway.tailscale.com, kind: ${kind}, name: ${name}, port: 80 }] }]
`);

const machine = endpointOf('one', { tailscaleIP: '100.64.0.1' });

describe('the proxies of a TailscaleEndpoints', () => {
  it('are a StatefulSet with what is said of it, of its tailnet, and by default', () => {
    const proxy = proxyOf({ replicas: 2, image: 'tailscale:v1.98.0', nodeSelector: { disk: 'ssd' } });
    expect(setsFor([tailnetOf(), endpointsOf('db', { proxy, endpoints: [machine] }, { uid: 'u-1' })])).toEqual(
      new Map([
        [
          'default/db-egress',
          {
            owner: 'TailscaleEndpoints/default/db',
            uid: 'u-1',
            namespace: 'default',
            name: 'db-egress',
            direction: 'egress',
            mode: 'connect',
            replicas: 2,
            tailnet: 'prod',
            controlURL: 'https://control.example.com',
            tags: ['tag:k8s'],
            hostnamePrefix: 'default-db-egress',
            pod: { image: 'tailscale:v1.98.0', nodeSelector: { disk: 'ssd' } },
            forwards: new Map(),
            gateways: [],
            services: new Map(),
            going: false,
          },
        ],
      ]),
    );
  });

  it.each([
    ['egress', ['default/db-egress']],
    ['ingress', ['default/db-ingress']],
    ['bidirectional', ['default/db-egress', 'default/db-ingress']],
  ] as const)('of connectionType %s never share a pod', (connectionType, names) => {
    expect([...setsFor([tailnetOf(), endpointsOf('db', { proxy: proxyOf({ connectionType }) })]).keys()]).toEqual(names);
  });

  it('are none where Envoys stand in the tailnet, or a group has them', () => {
    const direct = endpointsOf('db', { proxy: proxyOf({ mode: 'direct' }) });
    expect(setsFor([tailnetOf(), direct, endpointsOf('more'), endpointsOf('grouped', { proxyGroup: 'exits' })]).size).toBe(0);
  });

  it('have the tags they are given, else those of the tailnet', () => {
    const tagsOf = (tags?: readonly string[]) =>
      [...setsFor([tailnetOf('prod', { tags: ['tag:all'] }), endpointsOf('db', { proxy: proxyOf(), ...(tags && { tags }) })]).values()][0]
        ?.tags;
    expect(tagsOf()).toEqual(['tag:all']);
    expect(tagsOf(['tag:db'])).toEqual(['tag:db']);
  });

  it('are of mode forward in both directions, and forward to its machines in that of egress', () => {
    const proxy = proxyOf({ mode: 'forward', connectionType: 'bidirectional' });
    const sets = setsFor([tailnetOf(), endpointsOf('db', { proxy, endpoints: [endpointOf('one', { tailscaleFQDN: 'db.tail1.ts.net' })] })]);
    expect(sets.get('default/db-egress')).toMatchObject({ mode: 'forward' });
    expect([...(sets.get('default/db-egress')?.forwards.keys() ?? [])]).toEqual(['db.tail1.ts.net']);
    expect(sets.get('default/db-ingress')).toMatchObject({ mode: 'forward', forwards: new Map() });
  });

  it('go when it goes, when its tailnet is gone, and when that does not let it any more', () => {
    const db = endpointsOf('db', { proxy: proxyOf() });
    const isGoing = (...objects: readonly AnyObject[]) => setsFor(objects).get('default/db-egress')?.going;
    expect(isGoing(tailnetOf(), db)).toBe(false);
    expect(isGoing(tailnetOf(), endpointsOf('db', { proxy: proxyOf() }, { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toBe(true);
    expect(isGoing(db)).toBe(true);
    const picky = tailnetOf('prod', { allowedNamespaces: { matchLabels: { tailnet: 'yes' } } });
    expect(isGoing(picky, db)).toBe(true);
    expect(isGoing(picky, db, namespaceOf('default', { tailnet: 'yes' }))).toBe(false);
  });

  it('have device names that fit, however long its own is', () => {
    const [set] = [...setsFor([tailnetOf(), endpointsOf('d'.repeat(200), { proxy: proxyOf() })]).values()];
    expect(set?.name.length).toBeLessThanOrEqual(52);
    expect(`${set?.hostnamePrefix ?? ''}-999`.length).toBeLessThanOrEqual(63);
  });
});

describe('the proxies of a group', () => {
  it('are called as it is, and its devices as it says', () => {
    const sets = setsFor([tailnetOf(), groupOf('exits', { replicas: 3, hostnamePrefix: 'door' }), groupOf('more', { type: 'ingress' })]);
    expect(sets.get('default/exits')).toMatchObject({ owner: 'TailscaleProxyGroup/default/exits', replicas: 3, hostnamePrefix: 'door' });
    expect(sets.get('default/more')).toMatchObject({ direction: 'ingress', hostnamePrefix: 'more' });
  });

  it('forward to the machines of all that use it', () => {
    const sets = setsFor([
      tailnetOf(),
      groupOf('exits', { mode: 'forward' }),
      endpointsOf('one', { proxyGroup: 'exits', endpoints: [endpointOf('x', { tailscaleIP: '100.64.0.1' })] }),
      endpointsOf('two', { proxyGroup: 'exits', endpoints: [endpointOf('x', { tailscaleIP: '100.64.0.2' })] }),
    ]);
    expect([...(sets.get('default/exits')?.forwards.keys() ?? [])]).toEqual(['100.64.0.1', '100.64.0.2']);
  });
});

describe('proxies admit', () => {
  const db = endpointsOf('db', { proxy: proxyOf(), endpoints: [machine] }, { labels: { app: 'all' } });

  it('Envoys of the Gateways whose routes lead through them, and no others', () => {
    const sets = setsFor([
      tailnetOf(),
      db,
      ...['a', 'b', 'c'].flatMap(edge),
      ...routeTo('b', 'TailscaleEndpoints', 'db'),
      ...routeTo('a', 'TailscaleEndpoints', 'db'),
    ]);
    expect(sets.get('default/db-egress')?.gateways).toEqual([
      { namespace: 'default', name: 'a' },
      { namespace: 'default', name: 'b' },
    ]);
  });

  it('those that reach them through a TailscaleServices, by its endpoints or by its backends', () => {
    const backends = [backendEntry({ tailscale: { tailnet: 'prod', address: '100.64.0.7', port: 80 } })];
    const sets = setsFor([
      tailnetOf(),
      db,
      groupOf('exits'),
      servicesOf('all'),
      servicesOf('lone', { backends }),
      ...edge('a'),
      ...edge('b'),
      ...routeTo('a', 'TailscaleServices', 'all'),
      ...routeTo('b', 'TailscaleServices', 'lone'),
    ]);
    expect(sets.get('default/db-egress')?.gateways).toEqual([{ namespace: 'default', name: 'a' }]);
    expect(sets.get('default/exits')?.gateways).toEqual([{ namespace: 'default', name: 'b' }]);
  });
});

it('are the same objects while nothing about them changes', () => {
  const build = builder();
  const objects = objectsOf(...prelude, tailnetOf(), endpointsOf('db', { proxy: proxyOf({ mode: 'forward' }), endpoints: [machine] }));
  const first = build(objects, observationsOf([stateOf([deviceOf('a', '100.64.0.9')])])).proxySets;
  expect(build(objects, observationsOf([stateOf([deviceOf('b', '100.64.0.8')])])).proxySets).toBe(first);
  const more = { ...objects, TailscaleProxyGroup: objectsOf(groupOf('exits')).TailscaleProxyGroup };
  const second = build(more, observationsOf([stateOf()])).proxySets;
  expect(second.get('default/db-egress')).toBe(first.get('default/db-egress'));
});

it('are nobody’s to run where there is no cluster', () => {
  const build = graphBuilder({ privilegedPorts: true, exclusivePorts: true, defaultAddresses: [] });
  expect(build(objectsOf(tailnetOf(), endpointsOf('db', { proxy: proxyOf() })), observationsOf()).proxySets.size).toBe(0);
});
