import { describe, expect, it } from 'vitest';
import { messageOf, objectsIn, shown, statusOf } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import { endpointsOf, objectsOf, proxiesOf, proxyOf } from '../tailnets/fixtures.ts';
import { entrancesOf, graphOf, observed, options, route, share, slice, tailnet, worldOf } from '../../../test/support/shared-gateway.ts';

const set = 'default/share-prod-ingress';
const web = route('HTTPRoute', 'web', '', '', 'default', 'https');

describe('ports that proxies lead to', () => {
  const serving = (ports: readonly (readonly [number, number])[]) =>
    observed({}, { [set]: { served: new Map([['svc:web', new Map(ports)]]) } });
  const bound = (graph: Graph) => entrancesOf(graph).map(({ port, boundPort }) => [port, boundPort]);

  it('stay those of their services', () => {
    expect(
      bound(
        graphOf(
          share() + web,
          serving([
            [443, 21_234],
            [80, 21_235],
          ]),
        ),
      ),
    ).toEqual([
      [443, 21_234],
      [80, 21_235],
    ]);
  });

  it('are answered when nobody wants them any more, by an end, for as long as proxies lead there', () => {
    const [socket, ...others] = entrancesOf(graphOf(share(), serving([[443, 21_234]])));
    expect(others).toEqual([]);
    expect(socket).toMatchObject({ port: 443, boundPort: 21_234, tailnet: { tailnet: 'prod', service: 'svc:web' } });
    expect(socket?.listeners).toEqual([{ name: 'tailnet/prod/svc:web/443', owner: 'TailscaleGateway/default/share', protocol: 'TCP' }]);
    expect(entrancesOf(graphOf(share()))).toEqual([]);
  });

  it('are given to nobody else meanwhile', () => {
    const [alone] = entrancesOf(graphOf(share() + web));
    const stranger = observed({}, { [set]: { served: new Map([['svc:gone', new Map([[443, alone?.boundPort ?? 0]])]]) } });
    const entrances = entrancesOf(graphOf(share() + web, stranger));
    expect(entrances.find(({ tailnet: entrance }) => entrance?.service === 'svc:web')?.boundPort).not.toBe(alone?.boundPort);
    expect(entrances.filter(({ boundPort }) => boundPort === alone?.boundPort).map(({ tailnet: entrance }) => entrance?.service)).toEqual([
      'svc:gone',
    ]);
  });

  it('are kept while their TailscaleGateway is going', () => {
    const [shared] = objectsIn(share());
    if (shared?.kind !== 'TailscaleGateway') throw new Error('no TailscaleGateway');
    const going = { ...shared, metadata: { ...shared.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const graph = graphOf(web, serving([[443, 21_234]]), going);
    expect(bound(graph)).toEqual([[443, 21_234]]);
    expect(graph.vipServices.size).toBe(0);
    expect(graph.proxySets.get(set)).toMatchObject({ going: true, services: new Map() });
  });
});

describe('who may speak for peers', () => {
  it('are the pods of a Gateway’s ingress proxies, and ranges that users say', () => {
    const pods = proxiesOf('share-prod-ingress', ['10.1.0.2', '10.1.0.1']);
    const build = graphBuilder({ ...options, ingressProxyRanges: ['192.0.2.0/24'] });
    expect([...build(objectsOf(...worldOf(share() + web, pods)), observed()).fences]).toEqual([
      ['default/edge', ['10.1.0.1', '10.1.0.2', '192.0.2.0/24']],
    ]);
  });

  it('is nobody where nothing is shared', () => {
    expect(graphOf(web).fences.size).toBe(0);
  });
});

describe('the proxies of a TailscaleGateway', () => {
  it('are as it says', () => {
    const graph = graphOf(share('share', tailnet(), '', ", proxy: { replicas: 3, tags: ['tag:in'], image: 'tailscale:v1.98.0' }") + web);
    expect(graph.proxySets.get(set)).toMatchObject({ replicas: 3, tags: ['tag:in'], pod: { image: 'tailscale:v1.98.0' } });
  });

  it('are none of its own where a group hosts its services', () => {
    const group = objectsIn(`
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleProxyGroup
metadata: { name: front, namespace: default }
spec: { type: ingress, tailnet: prod }
`);
    const graph = graphOf(share('share', tailnet('prod', 'proxyGroup: front')) + web, observed(), ...group);
    expect([...graph.proxySets.keys()]).toEqual(['default/front']);
    expect([...(graph.proxySets.get('default/front')?.services.keys() ?? [])]).toEqual(['svc:web']);
    expect(graph.proxySets.get('default/front')?.gateways).toEqual([{ namespace: 'default', name: 'edge' }]);
    expect(graph.vipServices.get('prod/svc:web')?.sets).toEqual(['default/front']);
  });

  it('never take the name of another’s', () => {
    const graph = graphOf(share() + web, observed(), endpointsOf('share-prod', { proxy: proxyOf({ connectionType: 'ingress' }) }));
    expect(graph.proxySets.get(set)?.owner).toBe('TailscaleEndpoints/default/share-prod');
    expect(shown(statusOf(graph, 'TailscaleGateway', 'share').conditions, 'ServicesReady')).toBe('False NameTaken');
    expect(graph.vipServices.size).toBe(0);
  });
});

describe('a TailscaleServices with a vipService', () => {
  const services = (vip: string, backends = '[{ kubernetes: { name: web, port: 80 } }]', name = 'site'): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: ${name}, namespace: default }
spec: { selector: {}, backends: ${backends}, vipService: { ${vip} } }
---
`;
  const hosts = endpointsOf('hosts', { proxy: proxyOf({ connectionType: 'bidirectional' }) });
  const hosted = (graph: Graph, name = 'svc:site') => graph.proxySets.get('default/hosts-ingress')?.services.get(name);
  const ready = (graph: Graph) => statusOf(graph, 'TailscaleServices', 'site').conditions;

  it('is forwarded to its backends without an Envoy', () => {
    const graph = graphOf(services(''), observed(), hosts);
    expect(graph.vipServices.get('prod/svc:site')).toMatchObject({
      ports: ['tcp:80'],
      owners: ['TailscaleServices/default/site'],
      sets: ['default/hosts-ingress'],
    });
    expect(hosted(graph)).toEqual({ ports: new Map([[80, { host: 'web.default.svc', port: 80 }]]), wanted: true });
    expect(shown(ready(graph), 'VIPServiceReady')).toBe('False Pending');
  });

  it('has the port it says, though its only backend has another', () => {
    expect(hosted(graphOf(services('ports: [tcp:443]'), observed(), hosts))?.ports).toEqual(
      new Map([[443, { host: 'web.default.svc', port: 80 }]]),
    );
  });

  it('has the ports that it can serve, each once and to one backend, however often they are written', () => {
    const two =
      '[{ kubernetes: { name: web, port: 80 } }, { external: { address: a.example, port: 85 } }, { external: { address: b.example, port: 85 } }]';
    const graph = graphOf(services('ports: ["tcp:80-90", "tcp:85"]', two), observed(), hosts);
    expect(graph.vipServices.get('prod/svc:site')?.ports).toEqual(['tcp:80', 'tcp:85']);
    expect(hosted(graph)?.ports).toEqual(
      new Map([
        [80, { host: 'web.default.svc', port: 80 }],
        [85, { host: 'a.example', port: 85 }],
      ]),
    );
    expect(messageOf(ready(graph), 'VIPServiceReady')).not.toContain('no backend');
  });

  it('leads a port that two backends have to the first that works', () => {
    const two = '[{ kubernetes: { name: web, port: 80 } }, { external: { address: b.example, port: 80 } }]';
    const portOf = (isReady: boolean) => hosted(graphOf(services('', two), observed(), hosts, ...slice(isReady)))?.ports.get(80)?.host;
    expect([portOf(true), portOf(false)]).toEqual(['web.default.svc', 'b.example']);
  });

  it('leads to outside addresses, too', () => {
    const graph = graphOf(services('', '[{ external: { address: db.example, port: 5432 } }]'), observed(), hosts);
    expect(hosted(graph)?.ports.get(5432)).toEqual({ host: 'db.example', port: 5432 });
  });

  it('says what is not possible', () => {
    const graph = graphOf(services('ports: [tcp:80, tcp:81, udp:53]'), observed(), hosts);
    expect(graph.vipServices.get('prod/svc:site')?.ports).toEqual(['tcp:80']);
    const plain = services('', '[{ tailscale: { address: 100.64.0.9, port: 80 } }]');
    expect(shown(ready(graphOf(plain, observed(), hosts)), 'VIPServiceReady')).toBe('False NoForwardableBackend');
    expect(hosted(graph)?.ports.size).toBe(1);
    expect(shown(ready(graphOf(services(''))), 'VIPServiceReady')).toBe('False NoIngressProxies');
  });

  it('gives way to an older TailscaleGateway, and is told', () => {
    const graph = graphOf(share() + web + services('name: svc:web'), observed(), hosts);
    const [winner] = graph.vipServices.get('prod/svc:web')?.owners ?? [];
    expect(winner).toBe('TailscaleGateway/default/share');
    expect(messageOf(ready(graph), 'VIPServiceReady')).toContain(
      'svc:web of tailnet "prod" is that of the older TailscaleGateway "default/share"',
    );
  });
});
