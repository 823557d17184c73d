import { describe, expect, it } from 'vitest';
import { messageOf, shown, statusOf } from '../../../test/support/gateway-api.ts';
import type { Observations, ObservedProxies, ObservedProxy, ObservedVipService } from '../../api/observations.ts';
import type { Graph } from '../graph.ts';
import { deviceOf, groupOf, stateOf, tailnetOf } from '../tailnets/fixtures.ts';
import { aged, annotated, entrancesOf, graphOf, observed, route, share, slice, tailnet } from '../../../test/support/shared-gateway.ts';

const set = 'default/share-prod-ingress';
const web = route('HTTPRoute', 'web', '', '', 'default', 'https');

const podOf = (more: Partial<ObservedProxy> = {}): ObservedProxy => ({
  pod: 'share-prod-ingress-0',
  ips: ['10.0.0.9'],
  ready: true,
  joined: true,
  nodeId: 'n1',
  addresses: [],
  wantsKey: false,
  advertised: ['svc:web'],
  ...more,
});

const boundPorts = new Map(entrancesOf(graphOf(share() + web)).map(({ port, boundPort }) => [port, boundPort]));
const serving: Partial<ObservedProxies> = { pods: [podOf()], served: new Map([['svc:web', boundPorts]]) };
const there: Partial<ObservedVipService> = {
  addresses: ['100.100.0.1'],
  ports: ['tcp:443', 'tcp:80'],
  owner: 'tailplane-east',
  consumers: ['east', 'west'],
  hosts: new Map([['n1', { approved: true, configured: true }]]),
};
const worldOf = (service: Partial<ObservedVipService> | undefined, proxies: Partial<ObservedProxies> | undefined): Observations =>
  observed(service === undefined ? {} : { 'prod/svc:web': service }, proxies === undefined ? {} : { [set]: proxies });

const conditionsOf = (graph: Graph, name = 'share') => statusOf(graph, 'TailscaleGateway', name).conditions;

describe('a TailscaleGateway says what of its services is wrong first', () => {
  const pod = (more: Partial<ObservedProxy>): Partial<ObservedProxies> => ({ ...serving, pods: [podOf(more)] });
  const refused = { reason: 'NotShared', message: 'svc:web belongs to somebody. Use another name' };
  it.each([
    ['nothing', there, serving, 'True ServicesReady', 'Shared services: 1'],
    ['it is not there', undefined, serving, 'False Pending', 'svc:web is not on tailnet "prod" yet'],
    ['the tailnet refuses it', { ...there, failure: refused }, serving, 'False NotShared', refused.message],
    [
      'it has other ports',
      { ...there, ports: ['tcp:22'] },
      serving,
      'False PortsDiffer',
      'has ports tcp:22 in the tailnet, not tcp:80, tcp:443',
    ],
    ['proxies are not there', there, { pods: [] }, 'False ProxiesNotReady', 'no proxy of StatefulSet "default/share-prod-ingress"'],
    ['proxies cannot be made', there, { failure: { reason: 'TagsNotOwned', message: 'm' } }, 'False TagsNotOwned', 'StatefulSet'],
    [
      'proxies do not serve it',
      there,
      { pods: [podOf()] },
      'False NotServed',
      'until every Envoy of Gateway "default/edge" has its listener',
    ],
    ['proxies do not offer it', there, pod({ advertised: [] }), 'False NotAdvertised', 'offers it to the tailnet'],
    [
      'it is not approved',
      { ...there, hosts: new Map([['n1', { approved: false, configured: true }]]) },
      serving,
      'False NotApproved',
      'add "autoApprovers": {"services":{"svc:web":["tag:k8s"]}} to the policy of tailnet "prod"',
    ],
  ])('%s', (_, service, proxies, condition, message) => {
    const conditions = conditionsOf(graphOf(share() + web, worldOf(service, proxies)));
    expect(shown(conditions, 'ServicesReady')).toBe(condition);
    expect(messageOf(conditions, 'ServicesReady')).toContain(message);
  });

  describe('and not what only keeps us from writing, or concerns some of its hosts,', () => {
    const unapproved = new Map([['n1', { approved: false, configured: true }]]);
    const failing = (reason: string) => ({ reason, message: `what ${reason} means` });
    const second = { ...serving, pods: [podOf(), podOf({ pod: 'share-prod-ingress-1', nodeId: 'n2' })] };
    const approvedOnce = new Map([...(there.hosts ?? []), ['n2', { approved: false, configured: true }] as const]);
    it.each([
      ['one of two proxies is approved', { ...there, hosts: approvedOnce }, second, 'not approved as hosts: share-prod-ingress-1'],
      ...[
        'TagsDiffer',
        'PortsDiffer',
        'ApiUnreachable',
        'CredentialsRefused',
        'MissingScopes',
        'ApiRefused',
        'Billing',
        'TagsNotOwned',
      ].map((reason) => [reason, { ...there, failure: failing(reason) }, serving, `${reason}: what ${reason} means`] as const),
    ] as const)('as long as peers get through: %s', (_, service, proxies, remark) => {
      const graph = graphOf(share() + web, worldOf(service, proxies));
      expect(shown(conditionsOf(graph), 'ServicesReady')).toBe('True ServicesReady');
      expect(messageOf(conditionsOf(graph), 'ServicesReady')).toBe(`Shared services: 1; svc:web: ${remark}`);
      const [line] = statusOf(graph, 'TailscaleGateway', 'share').fields.services ?? [];
      expect(line).toMatchObject({ status: 'Ready', message: remark });
    });

    it.each([
      ['hosts cannot be asked about', { ...there, hosts: new Map(), failure: failing('ApiUnreachable') }, 'False ApiUnreachable'],
      ['hosts cannot be approved', { ...there, hosts: unapproved, failure: failing('MissingScopes') }, 'False MissingScopes'],
      ['others want other tags', { ...there, hosts: unapproved, failure: failing('TagsDiffer') }, 'False NotApproved'],
      ['it has no addresses', { failure: failing('TagsNotOwned') }, 'False TagsNotOwned'],
      ['somebody else has it', { ...there, failure: failing('OwnerUnknown') }, 'False OwnerUnknown'],
      ['a port is missing', { ...there, ports: ['tcp:80'], failure: failing('PortsDiffer') }, 'False PortsDiffer'],
    ] as const)('but when they do not: %s', (_, service, condition) => {
      expect(shown(conditionsOf(graphOf(share() + web, worldOf(service, serving))), 'ServicesReady')).toBe(condition);
    });
  });

  it('that it has no certificate', () => {
    const conditions = conditionsOf(
      graphOf(share('share', tailnet('prod', 'certificate: Listener')) + route('HTTPRoute', 'web', '', '', 'default', 'http')),
    );
    expect(shown(conditions, 'ServicesReady')).toBe('False CertificateMissing');
  });

  it('that the group that is to host it is missing, or no such group', () => {
    const grouped = share('share', tailnet('prod', 'proxyGroup: front')) + web;
    const condition = (...groups: Parameters<typeof graphOf>[2][]) =>
      shown(conditionsOf(graphOf(grouped, observed(), ...groups.filter((one) => one !== undefined))), 'ServicesReady');
    expect(condition()).toBe('False ProxyGroupNotFound');
    expect(condition(groupOf('front'))).toBe('False InvalidProxyGroup');
    expect(condition(groupOf('front', { type: 'ingress', tailnet: 'lab' }), tailnetOf('lab'))).toBe('False InvalidProxyGroup');
    expect(condition(groupOf('front', { type: 'ingress' }))).toBe('False Pending');
  });

  it('that a name is none', () => {
    const conditions = conditionsOf(graphOf(share() + route('HTTPRoute', 'web', '', annotated('Not_A_Name'))));
    expect(shown(conditions, 'ServicesReady')).toBe('False InvalidServiceName');
    expect(messageOf(conditions, 'ServicesReady')).toContain(
      'HTTPRoute "default/web": annotation gateway.tailscale.com/service-name says "Not_A_Name"',
    );
  });
});

it('a service without a healthy backend is withdrawn, and says so, unless it is to stay', () => {
  const world = worldOf(there, serving);
  const withdrawn = graphOf(share() + web, world, ...slice(false));
  expect(shown(conditionsOf(withdrawn), 'ServicesReady')).toBe('False Withdrawn');
  expect(withdrawn.proxySets.get(set)?.services.get('svc:web')?.wanted).toBe(false);
  const kept = graphOf(share('share', tailnet('prod', 'withdrawWhenUnhealthy: false')) + web, world, ...slice(false));
  expect(shown(conditionsOf(kept), 'ServicesReady')).toBe('True ServicesReady');
});

it('a service is told with all that is known of it', () => {
  const { fields } = statusOf(graphOf(share() + web, worldOf(there, serving)), 'TailscaleGateway', 'share');
  expect(fields.generatedRoutes).toEqual({ ingressRoutes: 1, egressRoutes: 0 });
  expect(fields.services).toEqual([
    {
      name: 'svc:web',
      tailnet: 'prod',
      dnsName: 'web.tail1.ts.net',
      ownerCluster: 'tailplane-east',
      vipAddresses: ['100.100.0.1'],
      ports: ['tcp:80', 'tcp:443'],
      routes: ['HTTPRoute/default/web'],
      consumerCount: 2,
      status: 'Ready',
    },
  ]);
});

it('of raw TCP, users are told that halves of connections are not carried', () => {
  const { fields } = statusOf(graphOf(share() + route('TCPRoute', 'shell', '', '', 'default', 'ssh')), 'TailscaleGateway', 'share');
  expect(fields.services?.[0]?.message).toMatch(/is not on tailnet "prod" yet; connections are closed in both directions/);
  const port = new Map(
    entrancesOf(graphOf(share() + route('TCPRoute', 'web', '', '', 'default', 'ssh'))).map((one) => [one.port, one.boundPort]),
  );
  const ready = worldOf({ ...there, ports: ['tcp:22'] }, { pods: [podOf()], served: new Map([['svc:web', port]]) });
  const all = statusOf(graphOf(share() + route('TCPRoute', 'web', '', '', 'default', 'ssh'), ready), 'TailscaleGateway', 'share').fields;
  expect(all.services?.[0]).toMatchObject({ status: 'Ready', message: expect.stringContaining('half-closed') as string });
});

it('of UDP, users are told that it cannot be shared, and nothing waits for it', () => {
  const conditions = conditionsOf(graphOf(share() + route('UDPRoute', 'dns').replace('web, port: 80', 'dns, port: 53')));
  expect(messageOf(conditions, 'Accepted')).toContain('not shared: UDPRoute "default/dns": Tailscale Services carry no UDP');
  expect(shown(conditions, 'ServicesReady')).toBe('True ServicesReady');
});

it('of a path prefix, users are told that it does nothing', () => {
  const conditions = conditionsOf(graphOf(share('share', tailnet('prod', '', 'pathPrefix: /apps')) + web));
  expect(messageOf(conditions, 'Accepted')).toContain('tailnet prod: routeGeneration.ingress.pathPrefix has no effect');
});

describe('conflicts name the winner', () => {
  const conflict = (graph: Graph, name?: string) => messageOf(conditionsOf(graph, name), 'Conflicted');

  it('of two routes the older one', () => {
    const both = route('HTTPRoute', 'web', '', aged(2025)) + route('HTTPRoute', 'web', '', aged(2024), 'other');
    expect(conflict(graphOf(share() + both))).toBe('HTTPRoute "default/web": svc:web is that of the older HTTPRoute "other/web"');
  });

  it('of two TailscaleGateways the older one', () => {
    const both = share('young', tailnet(), aged(2025)) + share('old', tailnet(), aged(2024));
    const graph = graphOf(both + web);
    expect(conflict(graph, 'young')).toBe('HTTPRoute "default/web": svc:web is that of the older TailscaleGateway "default/old"');
    expect(shown(conditionsOf(graph, 'old'), 'Conflicted')).toBe('False NoConflicts');
  });

  it('of one tailnet named twice the first entry', () => {
    const twice = tailnet().replace('name: prod', 'name: again');
    expect(conflict(graphOf(share('share', `${tailnet()}, ${twice}`) + web))).toContain(
      'tailnet "prod" of spec.tailnets, which comes first',
    );
  });

  describe('of one tailnet that two TailscaleTailnets mean', () => {
    const inBoth = (suffix: string | undefined) => [
      stateOf(),
      ...(suffix === undefined ? [] : [stateOf([], [], { name: 'same', suffix })]),
    ];
    const both = share('young', tailnet('same'), aged(2025)) + share('old', tailnet(), aged(2024));
    const told = (suffix: string | undefined, yaml = both) => graphOf(yaml + web, observed({}, {}, inBoth(suffix)), tailnetOf('same'));

    it('the older TailscaleGateway', () => {
      const graph = told('tail1.ts.net');
      expect([...graph.vipServices.keys()]).toEqual(['prod/svc:web']);
      expect(shown(conditionsOf(graph, 'young'), 'Conflicted')).toBe('True NameConflict');
      expect(conflict(graph, 'young')).toBe(
        'HTTPRoute "default/web": svc:web is that of the older TailscaleGateway "default/old": TailscaleTailnet "prod" is the same tailnet as "same"',
      );
    });

    it('nobody while it is not known that they are one', () => {
      expect([...told(undefined).vipServices.keys()]).toEqual(['prod/svc:web', 'same/svc:web']);
      expect([...told('tail2.ts.net').vipServices.keys()]).toEqual(['prod/svc:web', 'same/svc:web']);
    });

    it('the entry that comes first', () => {
      const graph = told('tail1.ts.net', share('share', `${tailnet('same')}, ${tailnet()}`));
      expect([...graph.vipServices.keys()]).toEqual(['same/svc:web']);
      expect(conflict(graph)).toContain('tailnet "same" of spec.tailnets, which comes first and is the same one');
    });
  });

  it('of a machine that', () => {
    expect(conflict(graphOf(share() + web, observed({}, {}, [stateOf([deviceOf('web', '100.64.0.9')])])))).toContain(
      'svc:web is that of a machine of the tailnet, web.tail1.ts.net',
    );
  });

  it('of ports the older route, and what does not want it is served', () => {
    const two =
      route('TCPRoute', 'a', '', annotated('box', aged(2024)), 'default', 'ssh') +
      route('TCPRoute', 'b', '', annotated('box', aged(2025)), 'default', 'ssh');
    const conditions = conditionsOf(graphOf(share() + two));
    expect(messageOf(conditions, 'Accepted')).toContain(
      'not shared: TCPRoute "default/b": port 22 of svc:box is that of the older TCPRoute "default/a"',
    );
  });

  it('of a host that a user wrote, that route', () => {
    const taken = route('HTTPRoute', 'mine', 'hostnames: [web.prod.gateway.local]');
    expect(conflict(graphOf(share() + web + taken))).toBe(
      'HTTPRoute "default/web": web.prod.gateway.local is that of HTTPRoute "default/mine"',
    );
  });

  it('of a host that two tailnets make, the first', () => {
    const pattern = "hostPattern: '{service}.local'";
    const both = share('share', `${tailnet('prod', '', pattern)}, ${tailnet('lab', '', pattern)}`);
    expect(conflict(graphOf(both + web, observed(), tailnetOf('lab')))).toContain(
      'web.local is that of svc:web of TailscaleGateway "default/share", tailnet "prod"',
    );
  });
});
