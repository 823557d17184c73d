import { describe, expect, it } from 'vitest';
import { graphOf, observed, route, share, tailnet } from '../../../test/support/shared-gateway.ts';
import { messageOf, objectsIn, shown, statusOf } from '../../../test/support/gateway-api.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { ObservedVipService } from '../../api/observations.ts';
import type { Graph } from '../graph.ts';
import type { HostedService } from '../proxy-set.ts';
import type { Status } from '../status.ts';
import { endpointsOf, proxyOf } from '../tailnets/fixtures.ts';
import { mappingFrom } from './kernel-plan.ts';

const set = 'default/hosts-ingress';
const hosts = endpointsOf('hosts', { proxy: proxyOf({ connectionType: 'ingress', mode: 'forward' }) });

const service = (name: string, spec: string, ready = true): readonly AnyObject[] =>
  objectsIn(`
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: ${spec}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 53 }]
endpoints: [{ addresses: [10.0.0.9], conditions: { ready: ${ready} } }]
`);

const both = '[{ name: tcp, port: 53 }, { name: udp, port: 53, protocol: UDP }]';
const dns = service('dns', `{ clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00:0::10"], ports: ${both} }`);

const asked = (vip = '', backends = '[{ kubernetes: { name: dns, port: 53 } }]'): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: site, namespace: default }
spec: { selector: {}, backends: ${backends}, vipService: { ${vip} } }
---
`;

const addressed = (more: Partial<ObservedVipService> = {}) =>
  observed({ 'prod/svc:site': { addresses: ['100.100.0.7', 'fd7a:115c:a1e0::7'], ports: ['do-not-validate'], ...more } });

const hosted = (graph: Graph): HostedService | undefined => graph.proxySets.get(set)?.services.get('svc:site');
const statusOfSite = (graph: Graph): Extract<Status, { kind: 'TailscaleServices' }> => statusOf(graph, 'TailscaleServices', 'site');
const told = (graph: Graph): string =>
  `${shown(statusOfSite(graph).conditions, 'VIPServiceReady')}: ${messageOf(statusOfSite(graph).conditions, 'VIPServiceReady')}`;

describe('a TailscaleServices whose proxies are of mode forward', () => {
  it('leads its addresses to those of the Service, by family, once it has some', () => {
    const waiting = graphOf(asked(), observed(), hosts, ...dns);
    expect(waiting.proxySets.get(set)).toMatchObject({ mode: 'forward', direction: 'ingress' });
    expect(hosted(waiting)).toEqual({ ports: new Map(), wanted: true, mapping: {} });
    expect(hosted(graphOf(asked(), addressed(), hosts, ...dns))?.mapping).toEqual({
      ipv4: { from: '100.100.0.7', to: '10.96.0.10' },
      ipv6: { from: 'fd7a:115c:a1e0::7', to: 'fd00::10' },
    });
  });

  it('tells the tailnet nothing of ports, and users those of the Service', () => {
    const graph = graphOf(asked('ports: [tcp:53, udp:53]'), addressed(), hosts, ...dns);
    expect(graph.vipServices.get('prod/svc:site')?.ports).toEqual(['do-not-validate']);
    expect(statusOfSite(graph).fields.vipServiceStatus?.ports).toEqual(['tcp:53', 'udp:53']);
  });

  it('says of a cluster of one family that nobody answers at the address of the other', () => {
    const alone = service('dns', `{ clusterIP: 10.96.0.10, ports: ${both} }`);
    expect(hosted(graphOf(asked(), addressed(), hosts, ...alone))?.mapping).toEqual({ ipv4: { from: '100.100.0.7', to: '10.96.0.10' } });
    const plan = observed(
      {
        'prod/svc:site': {
          addresses: ['100.100.0.7'],
          ports: ['do-not-validate'],
          hosts: new Map([['n1', { approved: true, configured: true }]]),
        },
      },
      {
        [set]: {
          led: ['svc:site'],
          pods: [
            {
              pod: 'hosts-ingress-0',
              ips: [],
              ready: true,
              joined: true,
              nodeId: 'n1',
              addresses: [],
              wantsKey: false,
              advertised: ['svc:site'],
            },
          ],
        },
      },
    );
    expect(told(graphOf(asked(), plan, hosts, ...alone))).toContain(
      'True VIPServiceReady: Peers of the tailnet reach svc:site; not possible: IPv6: Service "default/dns" has no such address',
    );
  });

  it('waits until the proxies are told', () => {
    const joined = { pod: 'p', ips: [], ready: true, joined: true, addresses: [], wantsKey: false };
    const world = observed({ 'prod/svc:site': { addresses: ['100.100.0.7'] } }, { [set]: { pods: [joined] } });
    expect(told(graphOf(asked(), world, hosts, ...dns))).toContain(
      'False NotServed: proxies of StatefulSet "default/hosts-ingress" are not told',
    );
  });

  it.each([
    ['is headless', `{ clusterIP: None, ports: ${both} }`],
    ['is of type ExternalName', `{ type: ExternalName, externalName: a.example, ports: ${both} }`],
    ['has no ClusterIP yet', `{ ports: ${both} }`],
    ['has no port 53', '{ clusterIP: 10.96.0.10, ports: [{ port: 54 }] }'],
  ])('cannot be led to a Service that %s, and says so', (why, spec) => {
    const graph = graphOf(asked(), addressed(), hosts, ...service('dns', spec));
    expect(told(graph)).toMatch(/^False NoForwardableBackend/);
    expect(told(graph)).toContain(`spec.backends[0]: Service "default/dns" ${why}`);
    expect(graph.vipServices.size).toBe(0);
  });

  it('leads to no machine and no outside address, and says what does', () => {
    const graph = graphOf(asked('', '[{ external: { address: db.example, port: 5432 } }]'), addressed(), hosts);
    expect(told(graph)).toContain('those of mode connect forward to outside addresses, too');
  });

  it('has no port of another number than the Service, nor less ports than that', () => {
    const differing = graphOf(asked('ports: [tcp:5353]'), addressed(), hosts, ...dns);
    expect(told(differing)).toMatch(/^False UnsupportedValue: spec.vipService.ports: .* which has tcp:53, udp:53 too: name these as well/);
    expect(told(differing)).toContain('tcp:5353: Service "default/dns" has no such port');
    expect(differing.vipServices.size).toBe(0);
    expect(told(graphOf(asked('ports: [tcp:53]'), addressed(), hosts, ...dns))).toContain('which has udp:53 too');
    expect(hosted(graphOf(asked('ports: [tcp:50-60, udp:53]'), addressed(), hosts, ...dns))?.mapping?.ipv4).toBeDefined();
    expect(hosted(graphOf(asked('ports: [do-not-validate]'), addressed(), hosts, ...dns))?.mapping?.ipv4).toBeDefined();
  });

  it('is withdrawn while the Service has no endpoint that is ready, and prefers another that has', () => {
    const down = service('dns', `{ clusterIP: 10.96.0.10, ports: ${both} }`, false);
    const spare = service('spare', `{ clusterIP: 10.96.0.11, ports: ${both} }`);
    expect(hosted(graphOf(asked(), addressed(), hosts, ...down))?.wanted).toBe(false);
    const two = '[{ kubernetes: { name: dns, port: 53 } }, { kubernetes: { name: spare, port: 53 } }]';
    expect(hosted(graphOf(asked('', two), addressed(), hosts, ...down, ...spare))).toMatchObject({
      wanted: true,
      mapping: { ipv4: { to: '10.96.0.11' } },
    });
  });

  it('has proxies of one mode', () => {
    const others = endpointsOf('others', { proxy: proxyOf({ connectionType: 'ingress' }) });
    expect(told(graphOf(asked(), addressed(), hosts, others, ...dns))).toContain(
      'False ModesDiffer: Its proxies are of different modes, "default/hosts-ingress" of forward, "default/others-ingress" of connect',
    );
  });

  it('is not for a TailscaleGateway, as Envoys could not tell who a peer is', () => {
    const group = objectsIn(`
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleProxyGroup
metadata: { name: front, namespace: default }
spec: { type: ingress, tailnet: prod, mode: forward }
`);
    const graph = graphOf(share('share', tailnet('prod', 'proxyGroup: front')) + route('HTTPRoute', 'web'), observed(), ...group);
    const { conditions } = statusOf(graph, 'TailscaleGateway', 'share');
    expect(shown(conditions, 'ServicesReady')).toBe('False InvalidProxyGroup');
    expect(messageOf(conditions, 'ServicesReady')).toContain(
      '"front" is of mode forward, which hides from Envoys who a peer is: use one of mode connect',
    );
    expect(graph.vipServices.size).toBe(0);
  });
});

describe('mappingFrom', () => {
  it('leads nothing where a family is missing on either side', () => {
    expect(mappingFrom(['100.100.0.7'], ['fd00::10'])).toEqual({});
    expect(mappingFrom([], ['10.96.0.10'])).toEqual({});
  });
});
