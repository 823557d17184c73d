import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../../api/kinds.ts';
import type { ObservedProxies, ObservedProxy, Observations } from '../../api/observations.ts';
import { messageOf, shown, statusOf } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import {
  backendEntry,
  deviceOf,
  endpointOf,
  endpointsOf,
  groupOf,
  objectsOf,
  observationsOf,
  offline,
  proxiesOf,
  proxyOf,
  servicesOf,
  stateOf,
  tailnetOf,
  vipServiceOf,
} from './fixtures.ts';

const options = { privilegedPorts: true, defaultAddresses: [] };
const builder = () => graphBuilder({ ...options, exclusivePorts: false, onCluster: true });

const graphOf = (observations: Observations, ...objects: readonly AnyObject[]): Graph =>
  builder()(objectsOf(tailnetOf(), ...objects), observations);

/** As `serve` is with files. */
const standaloneOf = (observations: Observations | undefined, ...objects: readonly AnyObject[]): Graph =>
  graphBuilder({ ...options, exclusivePorts: true })(objectsOf(...objects), observations);

const pod = (name: string, more: Partial<ObservedProxy> = {}): ObservedProxy => ({
  pod: name,
  ips: ['10.0.0.1'],
  ready: true,
  joined: true,
  nodeId: `n-${name}`,
  fqdn: `${name}.tail1.ts.net`,
  addresses: ['100.64.9.1'],
  wantsKey: false,
  ...more,
});

const running = (set: string, replicas: number, more: Partial<ObservedProxies> = {}): ObservedProxies => ({
  desired: replicas,
  ready: replicas,
  createdAt: '2026-01-01T00:00:00Z',
  pods: Array.from({ length: replicas }, (_, index) => pod(`${set}-${index}`)),
  ...more,
});

const ready = (graph: Graph, kind: 'TailscaleEndpoints' | 'TailscaleServices' | 'TailscaleProxyGroup', name: string): string =>
  shown(statusOf(graph, kind, name).conditions, 'Ready');

const one = endpointOf('one', { tailscaleIP: '100.64.0.1' });
const device = deviceOf('one', '100.64.0.1');

describe('machines with proxies', () => {
  const db = endpointsOf('db', { proxy: proxyOf({ replicas: 2 }), endpoints: [one] });
  const withProxies = (proxies: ObservedProxies | undefined, state = stateOf([device])) =>
    graphOf(observationsOf([state], proxies === undefined ? {} : { 'default/db-egress': proxies }), db);
  const conditionsIn = (graph: Graph) => statusOf(graph, 'TailscaleEndpoints', 'db').conditions;

  it('are ready when every replica is a machine of the tailnet', () => {
    const graph = withProxies(running('db-egress', 2), stateOf([device, deviceOf('db-egress-0', '100.64.9.1', { tags: ['tag:k8s'] })]));
    expect(conditionsIn(graph).map((condition) => `${condition.type} ${condition.status} ${condition.reason}`)).toEqual([
      'StatefulSetsReady True StatefulSetsReady',
      'Synced True Synced',
      'Ready True Ready',
    ]);
    const common = { name: 'db-egress', namespace: 'default', connectionType: 'egress', readyReplicas: 2, desiredReplicas: 2 };
    expect(statusOf(graph, 'TailscaleEndpoints', 'db').fields).toEqual({
      statefulSetRefs: [common],
      statefulSets: [{ ...common, service: 'db-egress', createdAt: '2026-01-01T00:00:00Z' }],
      devices: [
        {
          statefulSetPod: 'db-egress-0',
          hostname: 'db-egress-0',
          tailscaleIP: '100.64.9.1',
          tailscaleFQDN: 'db-egress-0.tail1.ts.net',
          nodeID: 'n-db-egress-0',
          connected: true,
          online: true,
          tags: ['tag:k8s'],
        },
        {
          statefulSetPod: 'db-egress-1',
          hostname: 'db-egress-1',
          tailscaleIP: '100.64.9.1',
          tailscaleFQDN: 'db-egress-1.tail1.ts.net',
          nodeID: 'n-db-egress-1',
          connected: false,
          online: false,
        },
      ],
      endpointStatus: [{ name: 'one', tailscaleIP: '100.64.0.1', healthStatus: 'healthy' }],
      totalEndpoints: 1,
      healthyEndpoints: 1,
      discoveredEndpoints: 0,
      lastSync: '2026-01-01T00:00:00Z',
    });
  });

  it.each<[string, ObservedProxies | undefined, string, string]>([
    ['are not there yet', undefined, 'Pending', 'StatefulSet "db-egress" is not there yet'],
    [
      'are not all machines of the tailnet',
      running('db-egress', 2, { pods: [pod('db-egress-0'), pod('db-egress-1', { joined: false })] }),
      'DevicesMissing',
      'StatefulSet "db-egress": 1 of 2 proxies are machines of the tailnet',
    ],
    [
      'are machines, but yet to go',
      running('db-egress', 2, { pods: [pod('db-egress-0'), pod('db-egress-2')] }),
      'DevicesMissing',
      'StatefulSet "db-egress": 1 of 2 proxies are machines of the tailnet',
    ],
    ['do not all serve', running('db-egress', 2, { ready: 1 }), 'ReplicasNotReady', 'StatefulSet "db-egress": 1 of 2 proxies are ready'],
    [
      'cannot be made',
      running('db-egress', 0, { failure: { reason: 'TagsNotOwned', message: 'tag:k8s is not owned' } }),
      'TagsNotOwned',
      'StatefulSet "db-egress": tag:k8s is not owned',
    ],
  ])('are not ready while these %s', (_, proxies, reason, message) => {
    const conditions = conditionsIn(withProxies(proxies));
    expect([shown(conditions, 'StatefulSetsReady'), shown(conditions, 'Ready')]).toEqual([`False ${reason}`, `False ${reason}`]);
    expect(messageOf(conditions, 'Ready')).toBe(message);
  });

  it('are known to be ready only once the tailnet is known', () => {
    const conditions = conditionsIn(graphOf(observationsOf([], { 'default/db-egress': running('db-egress', 2) }), db));
    expect([shown(conditions, 'Synced'), shown(conditions, 'Ready')]).toEqual(['Unknown TailnetNotHeard', 'Unknown TailnetNotHeard']);
  });

  it('stay as they were while a tailnet is silent, until that has lasted', () => {
    const trouble = { kind: 'unreachable', message: 'no answer', since: '2026-01-01T01:00:00Z' } as const;
    const known = stateOf([device]);
    const synced = (lasting: boolean) =>
      shown(conditionsIn(withProxies(running('db-egress', 2), { ...known, trouble: { ...trouble, lasting } })), 'Synced');
    expect([synced(false), synced(true)]).toEqual(['True Synced', 'False Stale']);
  });

  it('say when the tailnet was read to ten minutes, so that not every answer is written to thousands of objects', () => {
    const build = builder();
    const objects = objectsOf(tailnetOf(), db);
    const at = (lastSync: string) => {
      const { known, ...state } = stateOf([device]);
      return observationsOf([{ ...state, ...(known && { known: { ...known, lastSync } }) }]);
    };
    const said = (lastSync: string) => build(objects, at(lastSync)).statuses.get('TailscaleEndpoints/default/db');
    const first = said('2026-01-01T00:10:59Z');
    expect(first).toMatchObject({ fields: { lastSync: '2026-01-01T00:10:00Z' } });
    expect(said('2026-01-01T00:19:59Z')).toBe(first);
    expect(said('2026-01-01T00:20:00Z')).not.toBe(first);
  });
});

describe('machines', () => {
  it('that are offline are told, and with none left nothing is ready', () => {
    const two = endpointsOf('db', { endpoints: [one, endpointOf('two', { tailscaleFQDN: 'two.tail1.ts.net' })] });
    const graph = graphOf(observationsOf([stateOf([offline(device)])]), two);
    expect(statusOf(graph, 'TailscaleEndpoints', 'db').fields).toMatchObject({
      endpointStatus: [
        { name: 'one', tailscaleIP: '100.64.0.1', healthStatus: 'unhealthy' },
        { name: 'two', healthStatus: 'unknown' },
      ],
      totalEndpoints: 2,
      healthyEndpoints: 1,
    });
    expect(ready(graph, 'TailscaleEndpoints', 'db')).toBe('True Ready');
    const single = graphOf(observationsOf([stateOf([offline(device)])]), endpointsOf('db', { endpoints: [one] }));
    expect(ready(single, 'TailscaleEndpoints', 'db')).toBe('False NoHealthyEndpoints');
  });

  it('that nothing matches are missed', () => {
    const graph = graphOf(
      observationsOf([stateOf([device])]),
      endpointsOf('db', { endpoints: [endpointOf('web', { tags: ['tag:web'] })] }),
    );
    expect(ready(graph, 'TailscaleEndpoints', 'db')).toBe('False NoEndpoints');
  });

  it('that share a name are told once, as the API server takes names for keys', () => {
    const twins = [device, deviceOf('twin', '100.64.0.2', { fqdn: device.fqdn })];
    const graph = graphOf(observationsOf([stateOf(twins)]), endpointsOf('db', { autoDiscovery: { port: 80, protocol: 'TCP' } }));
    expect(statusOf(graph, 'TailscaleEndpoints', 'db').fields).toMatchObject({ totalEndpoints: 2, discoveredEndpoints: 2 });
    expect(statusOf(graph, 'TailscaleEndpoints', 'db').fields.endpointStatus).toHaveLength(1);
  });

  it.each<[string, string, AnyObject]>([
    ['a tailnet that is not there', 'TailnetNotFound', endpointsOf('db', { tailnet: 'gone' })],
    ['a group that is not there', 'ProxyGroupNotFound', endpointsOf('db', { proxyGroup: 'gone' })],
    ['a group of another tailnet', 'ProxyGroupMismatch', endpointsOf('db', { proxyGroup: 'lab' })],
    ['an address that is none', 'InvalidEndpoint', endpointsOf('db', { endpoints: [endpointOf('one', { tailscaleIP: '100.64.0.300' })] })],
    [
      'packets through proxies that carry none',
      'UnsupportedProtocol',
      endpointsOf('db', { proxy: proxyOf(), endpoints: [endpointOf('dns', { tailscaleIP: '100.64.0.1', protocol: 'UDP' })] }),
    ],
    [
      'more ports than proxies have',
      'TooManyPorts',
      endpointsOf('db', {
        proxy: proxyOf({ mode: 'forward' }),
        endpoints: Array.from({ length: 1001 }, (_, index) => endpointOf(`e${index}`, { tailscaleIP: '100.64.0.1', port: index + 1 })),
      }),
    ],
  ])('with %s are told so', (_, reason, endpoints) => {
    const group = groupOf('lab', { tailnet: 'lab' });
    expect(ready(graphOf(observationsOf([stateOf([device])]), endpoints, group), 'TailscaleEndpoints', 'db')).toBe(`False ${reason}`);
    // `check` has no tailnet to ask, and tells what users wrote all the same.
    expect(ready(standaloneOf(undefined, tailnetOf(), endpoints, group), 'TailscaleEndpoints', 'db')).toBe(`False ${reason}`);
  });

  it('of a group are ready with its proxies', () => {
    const objects = [groupOf('exits'), endpointsOf('db', { proxyGroup: 'exits', endpoints: [one] })];
    const at = (count: number) =>
      graphOf(observationsOf([stateOf([device])], { 'default/exits': running('exits', count, { desired: 2 }) }), ...objects);
    expect(ready(at(1), 'TailscaleEndpoints', 'db')).toBe('False ProxyGroupNotReady');
    expect(ready(at(1), 'TailscaleProxyGroup', 'exits')).toBe('False DevicesMissing');
    expect(ready(at(2), 'TailscaleEndpoints', 'db')).toBe('True Ready');
    expect(ready(at(2), 'TailscaleProxyGroup', 'exits')).toBe('True Ready');
    expect(statusOf(at(1), 'TailscaleProxyGroup', 'exits').fields).toMatchObject({
      readyReplicas: 1,
      devices: [{ statefulSetPod: 'exits-0' }],
    });
  });

  it('without a cluster are ready with a proxy that an EndpointSlice says is', () => {
    const db = endpointsOf('db', { proxy: proxyOf(), endpoints: [one] });
    const at = (...objects: readonly AnyObject[]) =>
      ready(standaloneOf(observationsOf([stateOf([device])]), tailnetOf(), db, ...objects), 'TailscaleEndpoints', 'db');
    expect(at()).toBe('False NoReadyProxies');
    expect(at(proxiesOf('db-egress', ['10.0.0.1']))).toBe('True Ready');
  });

  it('without anybody who looks are said nothing of but what is to be changed', () => {
    const graph = standaloneOf(undefined, tailnetOf(), endpointsOf('db', { endpoints: [one] }), groupOf('exits'));
    expect([...graph.statuses.keys()]).toEqual([]);
  });
});

describe('a TailscaleServices', () => {
  const web = (name: string, endpoints = [one]) => endpointsOf(name, { endpoints }, { labels: { app: 'web' } });
  const observed = observationsOf([stateOf([offline(device), deviceOf('two', '100.64.0.2')], [vipServiceOf('svc:web', '100.100.0.1')])]);
  const two = endpointOf('two', { tailscaleIP: '100.64.0.2' });

  it('tells of each TailscaleEndpoints it selects how many machines are well', () => {
    const graph = graphOf(observed, servicesOf('web'), web('a', [one, two]), web('b', [one]), endpointsOf('c'));
    const { conditions, fields } = statusOf(graph, 'TailscaleServices', 'web');
    expect(fields).toEqual({
      selectedEndpoints: [
        {
          name: 'a',
          namespace: 'default',
          machines: ['one', 'two'],
          status: 'Degraded',
          healthStatus: { healthyMachines: 1, unhealthyMachines: 1 },
        },
        {
          name: 'b',
          namespace: 'default',
          machines: ['one'],
          status: 'Unhealthy',
          healthStatus: { healthyMachines: 0, unhealthyMachines: 1 },
        },
      ],
      totalBackends: 3,
      healthyBackends: 1,
    });
    expect(conditions.map((condition) => `${condition.type} ${condition.status}`)).toEqual(['EndpointsSelected True', 'Ready True']);
  });

  it('is not ready with nothing selected, or nothing well', () => {
    expect(ready(graphOf(observed, servicesOf('web')), 'TailscaleServices', 'web')).toBe('False NoneSelected');
    expect(ready(graphOf(observed, servicesOf('web'), web('a', [])), 'TailscaleServices', 'web')).toBe('False NoBackends');
    expect(ready(graphOf(observed, servicesOf('web'), web('a', [one])), 'TailscaleServices', 'web')).toBe('False NoHealthyBackends');
  });

  it('counts its other backends', () => {
    const backends = [
      backendEntry({ external: { address: 'example.com', port: 80 } }),
      backendEntry({ tailscale: { tailnet: 'prod', address: '100.64.0.1', port: 80 } }),
      backendEntry({ tailscale: { tailnet: 'prod', address: 'svc:web', port: 80 } }),
      backendEntry({ kubernetes: { name: 'gone', port: 80 } }),
    ];
    const graph = graphOf(observed, servicesOf('web', { backends }));
    expect(statusOf(graph, 'TailscaleServices', 'web').fields).toMatchObject({ totalBackends: 4, healthyBackends: 2 });
  });

  it('tells what the tailnet knows of its service there, and says nothing of it when it has none', () => {
    const conditions = (services: AnyObject) =>
      statusOf(graphOf(observed, services, web('a', [two])), 'TailscaleServices', 'web').conditions;
    expect(shown(conditions(servicesOf('web')), 'VIPServiceReady')).toBe('(none)');
    expect(shown(conditions(servicesOf('web', { vipService: { autoApprove: false } })), 'VIPServiceReady')).toBe('True Found');
    expect(shown(conditions(servicesOf('web', { vipService: { name: 'svc:other', autoApprove: false } })), 'VIPServiceReady')).toBe(
      'False NoIngressProxies',
    );
    const graph = graphOf(observed, servicesOf('web', { vipService: { autoApprove: false } }), web('a', [two]));
    expect(statusOf(graph, 'TailscaleServices', 'web').fields.vipServiceStatus).toEqual({
      created: true,
      serviceName: 'svc:web',
      addresses: ['100.100.0.1'],
      dnsName: 'web.tail1.ts.net',
      ports: ['tcp:80'],
      backendCount: 1,
      healthyBackendCount: 1,
      consumers: [],
    });
  });

  it.each([
    [
      'clusters',
      { 'gateway.tailscale.com/service-registry': '{"ownerOperator":"tailplane-east","consumers":{"west":{},"east":{}}}' },
      'tailplane-east',
      ['east', 'west'],
    ],
    ['Tailscale’s operator', { 'tailscale.com/owner-references': '{"ownerRefs":[{"operatorID":"n1CNTRL"}]}' }, 'n1CNTRL', []],
    [
      'who cannot be understood',
      { 'gateway.tailscale.com/service-registry': '[', 'tailscale.com/owner-references': '{"ownerRefs":7}' },
      undefined,
      [],
    ],
  ])('tells of a service that is hosted elsewhere who uses it: %s', (_, annotations, ownerOperator, consumers) => {
    const there = { ...vipServiceOf('svc:web', '100.100.0.1'), annotations };
    const state = observationsOf([stateOf([deviceOf('two', '100.64.0.2')], [there])]);
    const { fields } = statusOf(
      graphOf(state, servicesOf('web', { vipService: { autoApprove: false } }), web('a', [two])),
      'TailscaleServices',
      'web',
    );
    expect([fields.vipServiceStatus?.ownerOperator, fields.vipServiceStatus?.consumers]).toEqual([ownerOperator, consumers]);
  });

  it.each([
    ['web', 'svc:web'],
    ['web.v2', 'svc:web-v2'],
    ['a'.repeat(63), `svc:${'a'.repeat(63)}`],
    ['a'.repeat(64), expect.stringMatching(/^svc:a{50}-[0-9a-f]{12}$/)],
    [`${'a'.repeat(60)}.${'b'.repeat(60)}`, expect.stringMatching(/^svc:a{50}-[0-9a-f]{12}$/)],
  ])('calls the service of %s a name that can be one', (name, serviceName) => {
    const graph = graphOf(observed, servicesOf(name, { vipService: { autoApprove: false } }));
    expect(statusOf(graph, 'TailscaleServices', name).fields.vipServiceStatus).toMatchObject({ serviceName });
  });

  it('selects what its template asks for at once where no cluster makes it', () => {
    const services = servicesOf('web', { endpointTemplate: { tailnet: 'prod' } });
    const standalone = standaloneOf(observed, tailnetOf(), services);
    expect(statusOf(standalone, 'TailscaleServices', 'web').fields.selectedEndpoints).toMatchObject([{ name: 'web', status: 'Empty' }]);
    const onCluster = graphOf(observed, services);
    expect(shown(statusOf(onCluster, 'TailscaleServices', 'web').conditions, 'EndpointsSelected')).toBe('False Provisioning');
    expect([...onCluster.provisioned.wanted.keys()]).toEqual(['default/web']);
  });

  it('tells why its template is not followed', () => {
    const services = servicesOf('web', { endpointTemplate: { tailnet: 'prod', labels: { app: 'other' } } });
    expect(ready(graphOf(observed, services), 'TailscaleServices', 'web')).toBe('False TemplateDoesNotMatch');
    expect(shown(statusOf(standaloneOf(undefined, services), 'TailscaleServices', 'web').conditions, 'EndpointsSelected')).toBe(
      'False TemplateDoesNotMatch',
    );
  });
});

it('statuses are the same objects while they say the same, and change with what they are about', () => {
  const build = builder();
  const objects = objectsOf(
    tailnetOf(),
    endpointsOf('a', { endpoints: [one] }),
    endpointsOf('b', { endpoints: [endpointOf('x', { tailscaleIP: '100.64.0.7' })] }),
  );
  const first = build(objects, observationsOf([stateOf([device])])).statuses;
  expect(build(objects, observationsOf([stateOf([device])])).statuses).toBe(first);
  const second = build(objects, observationsOf([stateOf([offline(device)])])).statuses;
  expect(second.get('TailscaleEndpoints/default/a')).not.toBe(first.get('TailscaleEndpoints/default/a'));
  expect(second.get('TailscaleEndpoints/default/b')).toBe(first.get('TailscaleEndpoints/default/b'));
});

it('nobody learns from a status what is in a tailnet that does not let their namespace', () => {
  const closed = tailnetOf('prod', { allowedNamespaces: { matchLabels: { team: 'other' } } });
  const labels = { app: 'all' };
  const all = endpointsOf('all', { autoDiscovery: { port: 80, protocol: 'TCP' } }, { labels });
  const backends = [backendEntry({ tailscale: { tailnet: 'prod', address: '100.64.0.1', port: 80 } })];
  const services = servicesOf('all', { backends, vipService: { autoApprove: false }, serviceDiscovery: { enabled: true } });
  const state = stateOf([device], [vipServiceOf('svc:all', '100.100.0.1')]);
  const graph = builder()(objectsOf(closed, all, services), observationsOf([state]));
  expect(shown(statusOf(graph, 'TailscaleEndpoints', 'all').conditions, 'Synced')).toBe('False TailnetNotAllowed');
  expect(statusOf(graph, 'TailscaleEndpoints', 'all').fields).toEqual({
    statefulSetRefs: [],
    statefulSets: [],
    devices: [],
    endpointStatus: [],
    totalEndpoints: 0,
    healthyEndpoints: 0,
    discoveredEndpoints: 0,
  });
  expect(statusOf(graph, 'TailscaleServices', 'all').fields).toEqual({
    selectedEndpoints: [
      { name: 'all', namespace: 'default', machines: [], status: 'Empty', healthStatus: { healthyMachines: 0, unhealthyMachines: 0 } },
    ],
    vipServiceStatus: { created: false, serviceName: 'svc:all', backendCount: 1, healthyBackendCount: 0 },
    totalBackends: 1,
    healthyBackends: 0,
  });
});
