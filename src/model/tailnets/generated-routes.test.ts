import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../../api/kinds.ts';
import type { Observations, VipService } from '../../api/observations.ts';
import { listenerIn, listenerStatus, messageOf, objectsIn, prelude, shown, statusOf } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../build.ts';
import type { Graph } from '../graph.ts';
import { groupOf, namespaceOf, objectsOf, observationsOf, stateOf, tailnetOf, vipServiceOf } from './fixtures.ts';
import { isGenerated } from './generated.ts';

const builder = () => graphBuilder({ privilegedPorts: true, exclusivePorts: false, onCluster: true, defaultAddresses: [] });

const web = vipServiceOf('svc:web', '100.100.0.1');
const known = (...services: readonly VipService[]): Observations => observationsOf([stateOf([], services)]);

const graphOf = (yaml: string, observations = known(web), ...more: readonly AnyObject[]): Graph =>
  builder()(objectsOf(...prelude, tailnetOf(), edge, ...objectsIn(yaml), ...more), observations);

const [edge] = objectsIn(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec: { gatewayClassName: tailplane, listeners: [{ name: http, protocol: HTTP, port: 80 }] }
`) as [AnyObject];

const sharing = (name = 'share', tailnets = tailnet('prod'), more = '', namespace = 'default'): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleGateway
metadata: { name: ${name}, namespace: ${namespace}${more} }
spec: { gatewayRef: { name: edge, namespace: default }, tailnets: [${tailnets}] }
---
`;

const tailnet = (ref: string, egress = '', more = ''): string =>
  `{ name: ${ref}, tailscaleTailnetRef: { name: ${ref} }, routeGeneration: { egress: { ${egress} } }${more} }`;

type Shown = Readonly<Record<string, readonly string[]>>;

/** By host, the backends that paths lead to, in the order they are tried. */
const hostsIn = (graph: Graph): Shown =>
  Object.fromEntries(
    listenerIn(graph, 'edge', 'http', 'HTTP')
      .virtualHosts.filter(({ domain }) => domain !== '*')
      .map(({ domain, entries }) => [
        domain,
        entries.map(({ match, rule }) => {
          const backends = rule.action.kind === 'forward' ? rule.action.shares.map(({ backend }) => backend?.id ?? '(none)') : [];
          return `${match.path.value} ${backends.join(',')}`;
        }),
      ]),
  );

const statusIn = (graph: Graph, name = 'share') => statusOf(graph, 'TailscaleGateway', name);

const route = (hostname: string, path: string, more = ''): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: mine, namespace: default }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [${hostname}]
  rules: [{ matches: [{ path: { type: PathPrefix, value: ${path} }${more} }], backendRefs: [{ name: web, port: 80 }] }]
---
`;

describe('a service of a tailnet', () => {
  it('is served at its own host and path, which the service does not see', () => {
    const graph = graphOf(sharing());
    expect(hostsIn(graph)).toEqual({
      'web.tailscale.local': ['/tailscale/web TailscaleEndpoints/default/share~prod~web/80'],
    });
    const host = listenerIn(graph, 'edge', 'http', 'HTTP').virtualHosts.find(({ domain }) => domain !== '*');
    expect(host?.entries[0]?.rule.rewrite).toEqual({ path: { type: 'prefix', value: '' } });
    expect(shown(statusIn(graph).conditions, 'Accepted')).toBe('True Accepted');
    expect(statusIn(graph).fields).toEqual({
      tailnetStatus: [{ name: 'prod', discoveredServices: 1, lastSync: '2026-01-01T00:00:00Z', observedGeneration: 1 }],
      generatedRoutes: { egressRoutes: 1 },
    });
  });

  it('is served as patterns say', () => {
    const egress = "hostPattern: '{service}-{tailnet}.{namespace}.{domain}', pathPrefix: /";
    expect(hostsIn(graphOf(sharing('share', tailnet('prod', egress))))).toEqual({
      'web-prod.default.tail1.ts.net': ['/ TailscaleEndpoints/default/share~prod~web/80'],
    });
  });

  it('goes through a group of proxies, if the namespace has one for the tailnet', () => {
    const reachOf = (...more: readonly AnyObject[]) =>
      [...(graphOf(sharing(), known(web), ...more).gateways.get('default/edge')?.backends ?? [])][0]?.reach?.form;
    expect(reachOf(groupOf('exits'))).toBe('tunnelled');
    expect(reachOf(groupOf('others', { tailnet: 'lab' }), groupOf('entries', { type: 'ingress' }))).toBe('plain');
    expect(messageOf(statusIn(graphOf(sharing())).conditions, 'Accepted')).toContain('Envoys have to stand in tailnet prod themselves');
    expect(messageOf(statusIn(graphOf(sharing(), known(web), groupOf('exits'))).conditions, 'Accepted')).toBe('Generated egress routes: 1');
  });

  it.each([
    ['HTTP', ['tcp:443', 'tcp:80-90'], '80'],
    ['HTTP', ['tcp:8443', 'tcp:8080'], '8080'],
    ['HTTPS', ['tcp:80', 'tcp:443'], '443'],
    ['HTTPS', ['do-not-validate'], '443'],
    ['HTTP', [], '80'],
  ])('is spoken to by %s, of ports %j at %s', (protocol, ports, port) => {
    const graph = graphOf(sharing('share', tailnet('prod', `protocol: ${protocol}`)), known(vipServiceOf('svc:web', '100.100.0.1', ports)));
    const [backend] = graph.gateways.get('default/edge')?.backends ?? [];
    expect(backend?.id).toBe(`TailscaleEndpoints/default/share~prod~web/${port}`);
    expect(backend?.tls === undefined).toBe(protocol === 'HTTP');
  });

  it.each([
    ['takes no TCP', '', ['udp:53'], 'svc:web: it takes no TCP'],
    ['makes no DNS name', "hostPattern: '-{service}.x'", ['tcp:80'], 'svc:web: hostPattern "-{service}.x" makes no DNS name of it'],
  ])('that %s is left out, and that is told', (_, egress, ports, told) => {
    const graph = graphOf(sharing('share', tailnet('prod', egress)), known(vipServiceOf('svc:web', '100.100.0.1', ports)));
    expect(hostsIn(graph)).toEqual({});
    expect(messageOf(statusIn(graph).conditions, 'Accepted')).toContain(`left out: ${told}`);
  });

  it('has its name shortened where it is too long for DNS', () => {
    const long = `svc:${'w'.repeat(60)}`;
    const graph = graphOf(
      sharing('share', tailnet('prod', "hostPattern: '{service}-{tailnet}.x'")),
      known(vipServiceOf(long, '100.100.0.1')),
    );
    const [host = ''] = Object.keys(hostsIn(graph));
    expect(host.split('.')[0]).toMatch(/^w{50}-[0-9a-f]{12}$/);
  });
});

describe('services', () => {
  const api = vipServiceOf('svc:api', '100.100.0.2');

  it('are taken by patterns', () => {
    const only = (discovery: string) =>
      Object.keys(hostsIn(graphOf(sharing('share', tailnet('prod', '', `, serviceDiscovery: { ${discovery} }`)), known(web, api))));
    expect(only('patterns: [w*]')).toEqual(['web.tailscale.local']);
    expect(only("excludePatterns: ['svc:w*']")).toEqual(['api.tailscale.local']);
    expect(only('enabled: false')).toEqual([]);
  });

  it('become nothing where nobody asks for egress routes', () => {
    const quiet = '{ name: prod, tailscaleTailnetRef: { name: prod } }';
    expect(hostsIn(graphOf(sharing('share', quiet)))).toEqual({});
    expect(hostsIn(graphOf(sharing('share', tailnet('prod', 'enabled: false'))))).toEqual({});
  });

  it('that did not change keep their routes when others come', () => {
    const build = builder();
    const objects = objectsOf(...prelude, tailnetOf(), edge, ...objectsIn(sharing()));
    const entryOf = (graph: Graph) =>
      listenerIn(graph, 'edge', 'http', 'HTTP').virtualHosts.find(({ domain }) => domain === 'web.tailscale.local');
    const first = build(objects, known(web));
    const second = build(objects, known(web, api));
    expect(second.gateways.get('default/edge')).not.toBe(first.gateways.get('default/edge'));
    expect(entryOf(second)).toBe(entryOf(first));
    expect(build(objects, observationsOf([stateOf([], [web, api])])).gateways).toBe(second.gateways);
  });
});

describe('routes of users win', () => {
  it.each([
    ['the same path', '/tailscale/web', ''],
    ['a shorter path', '/', ''],
    ['a shorter path on a condition', '/', ', headers: [{ name: x, value: y }]'],
  ])('with %s', (_, path, more) => {
    const [host] = Object.values(hostsIn(graphOf(sharing() + route('web.tailscale.local', path, more))));
    expect(host).toEqual([`${path} Service/default/web/80`, '/tailscale/web TailscaleEndpoints/default/share~prod~web/80']);
  });

  it('and leave their host to the generated one where they only name a wider one', () => {
    expect(hostsIn(graphOf(sharing() + route("'*.tailscale.local'", '/')))['web.tailscale.local']?.[0]).toContain('share~prod~web');
  });
});

describe('of two that claim one host and path of a Gateway', () => {
  const lab = tailnetOf('lab');
  const both = observationsOf([stateOf([], [web]), stateOf([], [web], { name: 'lab', suffix: 'lab.ts.net' })]);
  const at = (date: string) => `, creationTimestamp: '${date}T00:00:00Z'`;

  it('the tailnet that comes first has it, and the conflict names it', () => {
    const graph = graphOf(sharing('share', `${tailnet('lab')}, ${tailnet('prod')}`), both, lab);
    expect(hostsIn(graph)).toEqual({ 'web.tailscale.local': ['/tailscale/web TailscaleEndpoints/default/share~lab~web/80'] });
    expect(shown(statusIn(graph).conditions, 'Conflicted')).toBe('True HostConflict');
    expect(messageOf(statusIn(graph).conditions, 'Conflicted')).toBe(
      'web.tailscale.local/tailscale/web is that of tailnet "lab", which comes first',
    );
  });

  it('the older TailscaleGateway has it, and the younger one’s conflict names it', () => {
    const graph = graphOf(
      sharing('a-young', tailnet('prod'), at('2026-02-01')) + sharing('old', tailnet('lab'), at('2026-01-01')),
      both,
      lab,
    );
    expect(hostsIn(graph)).toEqual({ 'web.tailscale.local': ['/tailscale/web TailscaleEndpoints/default/old~lab~web/80'] });
    expect(shown(statusIn(graph, 'old').conditions, 'Conflicted')).toBe('False NoConflicts');
    expect(messageOf(statusIn(graph, 'a-young').conditions, 'Conflicted')).toContain('the older TailscaleGateway "default/old"');
  });

  it('both have theirs where names tell the tailnets apart', () => {
    const pattern = "hostPattern: '{service}.{tailnet}.local'";
    const graph = graphOf(sharing('share', `${tailnet('lab', pattern)}, ${tailnet('prod', pattern)}`), both, lab);
    expect(Object.keys(hostsIn(graph))).toEqual(['web.prod.local', 'web.lab.local']);
    expect(shown(statusIn(graph).conditions, 'Conflicted')).toBe('False NoConflicts');
  });
});

describe('a TailscaleGateway is told', () => {
  const grant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: sharing, namespace: default }
spec:
  from: [{ group: gateway.tailscale.com, kind: TailscaleGateway, namespace: apps }]
  to: [{ group: gateway.networking.k8s.io, kind: Gateway }]
---
`;
  const accepted = (graph: Graph, name = 'share') => shown(statusIn(graph, name).conditions, 'Accepted');

  it('that its Gateway is not there', () => {
    expect(accepted(graphOf(sharing().replace('name: edge', 'name: gone')))).toBe('False GatewayNotFound');
  });

  it('that its Gateway is in a namespace that does not permit it', () => {
    expect(accepted(graphOf(sharing('share', tailnet('prod'), '', 'apps')), 'apps/share')).toBe('False RefNotPermitted');
  });

  it('that no listener admits routes of its namespace, which a grant does not replace', () => {
    const graph = graphOf(sharing('share', tailnet('prod'), '', 'apps') + grant);
    expect(accepted(graph, 'apps/share')).toBe('False NotAllowedByListeners');
    expect(statusIn(graph, 'apps/share').fields.generatedRoutes).toEqual({ egressRoutes: 0 });
  });

  it('that a tailnet is not there, or does not let it, while others are served', () => {
    const graph = graphOf(sharing('share', `${tailnet('gone')}, ${tailnet('prod')}`));
    expect(accepted(graph)).toBe('False TailnetNotFound');
    expect(Object.keys(hostsIn(graph))).toEqual(['web.tailscale.local']);
    const picky = tailnetOf('lab', { allowedNamespaces: { matchLabels: { a: 'b' } } });
    expect(accepted(graphOf(sharing('share', tailnet('lab')), known(web), picky, namespaceOf('default', {})))).toBe(
      'False TailnetNotAllowed',
    );
  });
});

it('nothing is said of generated objects: nobody wrote them', () => {
  const graph = graphOf(sharing());
  expect([...graph.statuses.keys()].filter(isGenerated)).toEqual([]);
  expect(listenerStatus(graph, 'Gateway', 'edge', 'http').attachedRoutes).toBe(0);
});

it('generated endpoints are selected by nobody', () => {
  const all = `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: all, namespace: default }
spec: { selector: {} }
`;
  expect(statusOf(graphOf(sharing() + all), 'TailscaleServices', 'all').fields.selectedEndpoints).toEqual([]);
});
