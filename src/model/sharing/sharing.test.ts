import { describe, expect, it } from 'vitest';
import { messageOf, statusOf } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import { deviceOf, objectsOf, stateOf, tailnetOf } from '../tailnets/fixtures.ts';
import {
  aged,
  annotated,
  entrancesOf,
  gatewayOf,
  graphOf,
  observed,
  options,
  route,
  share,
  shownEntrances,
  tailnet,
  worldOf,
} from '../../../test/support/shared-gateway.ts';

describe('a route of a shared Gateway', () => {
  const web = route('HTTPRoute', 'web', 'hostnames: [a.example]');

  it('is a service of its name, by HTTPS at its names and its own, and by a redirect', () => {
    const graph = graphOf(share() + web, observed({ 'prod/svc:web': { addresses: ['100.100.0.1', 'fd7a:115c:a1e0::1'] } }));
    const hosts = 'web.prod.gateway.local [fd7a:115c:a1e0::1] web.tail1.ts.net 100.100.0.1 a.example web';
    expect(shownEntrances(graph)).toEqual([`prod/svc:web/443 HTTPS ${hosts}`, `prod/svc:web/80 HTTP ${hosts}`]);
    expect([...graph.vipServices]).toEqual([
      [
        'prod/svc:web',
        {
          tailnet: 'prod',
          name: 'svc:web',
          ports: ['tcp:443', 'tcp:65443', 'tcp:80'],
          tags: ['tag:k8s'],
          autoApprove: false,
          owners: ['TailscaleGateway/default/share'],
          routes: ['HTTPRoute/default/web'],
          sets: ['default/share-prod-ingress'],
        },
      ],
    ]);
    const set = graph.proxySets.get('default/share-prod-ingress');
    expect(set).toMatchObject({
      direction: 'ingress',
      mode: 'connect',
      replicas: 2,
      owner: 'TailscaleGateway/default/share',
      going: false,
    });
    expect(set?.gateways).toEqual([{ namespace: 'default', name: 'edge' }]);
    const [first] = entrancesOf(graph);
    expect(set?.services.get('svc:web')?.ports.get(443)).toEqual({
      host: 'edge-tailnet.default.svc',
      port: first?.boundPort,
      envoy: { gateway: 'default/edge', listener: 'tailnet/prod/svc:web/443' },
    });
  });

  it('answers there by the same entries as on its own listeners, and nothing else', () => {
    const graph = graphOf(share() + web);
    const own = gatewayOf(graph).sockets.find(({ port, tailnet: entrance }) => port === 443 && entrance === undefined);
    const [ours] = [own?.listeners[0]].flatMap((listener) =>
      listener !== undefined && 'virtualHosts' in listener ? listener.virtualHosts : [],
    );
    const [entrance] = entrancesOf(graph);
    const [listener] = entrance?.listeners ?? [];
    if (listener === undefined || !('virtualHosts' in listener)) throw new Error('no HTTP');
    expect(listener.virtualHosts.find(({ domain }) => domain === 'web.tail1.ts.net')?.entries[0]).toBe(ours?.entries[0]);
    expect(listener.virtualHosts.at(-1)).toEqual({ domain: '*', entries: [] });
  });

  it('is reached over HTTP alone where that is asked for', () => {
    expect(
      shownEntrances(graphOf(share('share', tailnet('prod', '', 'protocol: HTTP')) + web)).map((text) => text.split(' ', 2).join(' ')),
    ).toEqual(['prod/svc:web/80 HTTP']);
  });

  it('waits for a certificate, and says so, but the service and its proxies are there to get one', () => {
    const graph = graphOf(share() + route('HTTPRoute', 'web', '', '', 'default', 'http'));
    expect(entrancesOf(graph)).toEqual([]);
    expect(graph.vipServices.get('prod/svc:web')?.ports).toEqual(['tcp:443', 'tcp:65443', 'tcp:80']);
    expect(graph.proxySets.get('default/share-prod-ingress')?.services.get('svc:web')).toEqual({
      ports: new Map(),
      wanted: true,
      certificate: 'web.tail1.ts.net',
    });
  });

  it('has the port to obtain a certificate at only where proxies of ours obtain one', () => {
    const portsOf = (graph: Graph) => graph.vipServices.get('prod/svc:web')?.ports;
    expect(portsOf(graphOf(share('share', tailnet('prod', 'certificate: Listener')) + web))).toEqual(['tcp:443', 'tcp:80']);
    expect(portsOf(graphOf(share('share', tailnet('prod', '', 'protocol: HTTP')) + web))).toEqual(['tcp:80']);
    const onFiles = graphBuilder({ ...options, onCluster: false });
    expect(portsOf(onFiles(objectsOf(...worldOf(share() + web)), observed()))).toEqual(['tcp:443', 'tcp:80']);
  });

  it('keeps its names under names of its own', () => {
    const named = route('TCPRoute', 'shell', '', annotated('web'), 'default', 'ssh');
    expect(shownEntrances(graphOf(share() + web + named)).map((text) => text.split(' ')[0])).toEqual([
      'prod/svc:web/22',
      'prod/svc:web/443',
      'prod/svc:web/80',
    ]);
  });

  it('with TLS passed through is told from others by server names', () => {
    const tls = route('TLSRoute', 'db', 'hostnames: [db.example]');
    expect(shownEntrances(graphOf(share() + tls))).toEqual(['prod/svc:db/8443 TLS db.prod.gateway.local db.tail1.ts.net db.example db']);
  });
});

describe('of two that want one name', () => {
  it('the older route has it, whatever their namespaces are called', () => {
    const both = route('HTTPRoute', 'web', '', aged(2025)) + route('HTTPRoute', 'web', '', aged(2024), 'other');
    expect(graphOf(share() + both).vipServices.get('prod/svc:web')?.routes).toEqual(['HTTPRoute/other/web']);
  });

  it('a machine of the tailnet keeps it, unless the service is there already', () => {
    const machine = deviceOf('web', '100.64.0.9');
    const web = route('HTTPRoute', 'web');
    expect(graphOf(share() + web, observed({}, {}, [stateOf([machine])])).vipServices.size).toBe(0);
    const there = { 'prod/svc:web': { addresses: ['100.100.0.1'] } };
    expect(graphOf(share() + web, observed(there, {}, [stateOf([machine])])).vipServices.size).toBe(1);
  });

  it('neither minds the other on another tailnet', () => {
    const both = share('share', `${tailnet('prod')}, ${tailnet('lab')}`) + route('HTTPRoute', 'web');
    const graph = graphOf(both, observed({}, {}, [stateOf(), stateOf([], [], { name: 'lab', suffix: 'tail2.ts.net' })]), tailnetOf('lab'));
    expect([...graph.vipServices.keys()]).toEqual(['lab/svc:web', 'prod/svc:web']);
    expect(new Set(entrancesOf(graph).map(({ boundPort }) => boundPort)).size).toBe(4);
  });
});

describe('with scope Gateway', () => {
  it('all routes are one service, named after the Gateway', () => {
    const routes = route('HTTPRoute', 'web', 'hostnames: [a.example]') + route('HTTPRoute', 'api', 'hostnames: [b.example]', '', 'other');
    const graph = graphOf(share('share', tailnet('prod', 'scope: Gateway')) + routes);
    expect(graph.vipServices.get('prod/svc:edge')?.routes).toEqual(['HTTPRoute/default/web', 'HTTPRoute/other/api']);
    expect(shownEntrances(graph)[0]).toBe('prod/svc:edge/443 HTTPS edge.prod.gateway.local edge.tail1.ts.net a.example b.example edge');
  });
});

describe('with scope RouteAndGateway', () => {
  const both = (...routes: readonly string[]) => graphOf(share('share', tailnet('prod', 'scope: RouteAndGateway')) + routes.join(''));

  it('each route is a service, and all that have hostnames are one besides', () => {
    const ssh = route('TCPRoute', 'web', '', '', 'default', 'ssh');
    const graph = both(
      route('HTTPRoute', 'web', 'hostnames: [a.example]'),
      ssh,
      route('HTTPRoute', 'api', 'hostnames: [b.example]', '', 'other'),
    );
    expect([...graph.vipServices].map(([key, { routes }]) => [key, routes])).toEqual([
      ['prod/svc:api', ['HTTPRoute/other/api']],
      ['prod/svc:edge', ['HTTPRoute/default/web', 'HTTPRoute/other/api']],
      ['prod/svc:web', ['HTTPRoute/default/web', 'TCPRoute/default/web']],
    ]);
    expect(shownEntrances(graph)).toContain('prod/svc:edge/443 HTTPS edge.prod.gateway.local edge.tail1.ts.net a.example b.example edge');
    expect(shownEntrances(graph)).toContain('prod/svc:web/443 HTTPS web.prod.gateway.local web.tail1.ts.net a.example web');
  });

  it('no route takes the name of the one service, however old it is', () => {
    const graph = both(route('HTTPRoute', 'edge', 'hostnames: [a.example]', aged(2001)));
    expect(graph.vipServices.get('prod/svc:edge')?.routes).toEqual(['HTTPRoute/default/edge']);
    expect(shownEntrances(graph)).toHaveLength(2);
    expect(messageOf(statusOf(graph, 'TailscaleGateway', 'share').conditions, 'Conflicted')).toBe(
      'HTTPRoute "default/edge": svc:edge is that of the service that stands for the Gateway "default/edge"',
    );
  });
});

describe('the addresses of a Gateway', () => {
  const own = [{ type: 'IPAddress', value: '10.0.0.1' }];
  const led = [
    { type: 'IPAddress', value: '100.100.0.1' },
    { type: 'Hostname', value: 'edge.tail1.ts.net' },
  ];
  const addressesOf = (services: string, ...without: readonly string[]) => {
    const shared = { 'prod/svc:edge': { addresses: ['100.100.0.1'] }, 'prod/svc:web': { addresses: ['100.100.0.2'] } };
    const there = Object.fromEntries(Object.entries(shared).filter(([key]) => !without.includes(key)));
    const objects = objectsOf(...worldOf(share('share', tailnet('prod', services)) + route('HTTPRoute', 'web')));
    const graph = graphBuilder({ ...options, defaultAddresses: ['10.0.0.1'] })(objects, observed(there));
    return statusOf(graph, 'Gateway', 'edge').addresses;
  };

  it('are those of its service, too, where it is shared as one', () => {
    for (const scope of ['Gateway', 'RouteAndGateway']) expect(addressesOf(`scope: ${scope}`)).toEqual([...own, ...led]);
  });

  it('are only those where it is asked for, and none before there are any', () => {
    const services = 'scope: RouteAndGateway, gatewayAddresses: Replace';
    expect(addressesOf(services)).toEqual(led);
    expect(addressesOf(services, 'prod/svc:edge')).toEqual([]);
  });

  it('are its own where that is asked for', () => {
    expect(addressesOf('scope: Gateway, gatewayAddresses: Omit')).toEqual(own);
  });

  it('are none of those of its routes, which are not reached at each other’s', () => {
    for (const how of ['Append', 'Replace']) expect(addressesOf(`scope: Route, gatewayAddresses: ${how}`)).toEqual(own);
  });
});

it('nobody sees a Gateway that is not shared', () => {
  const graph = graphOf(route('HTTPRoute', 'web'));
  expect(entrancesOf(graph)).toEqual([]);
  expect([graph.vipServices.size, graph.fences.size, graph.proxySets.size]).toEqual([0, 0, 0]);
});
