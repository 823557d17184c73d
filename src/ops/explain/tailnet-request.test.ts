import { describe, expect, it } from 'vitest';
import {
  annotated,
  entrancesOf,
  graphOf,
  observed,
  options,
  route,
  share,
  slice,
  tailnet,
  worldOf,
} from '../../../test/support/shared-gateway.ts';
import type { AnyObject } from '../../api/kinds.ts';
import type { Observations, ObservedProxies, ObservedVipService } from '../../api/observations.ts';
import { objectsIn } from '../../../test/support/gateway-api.ts';
import { graphBuilder } from '../../model/build.ts';
import { deviceOf, objectsOf, stateOf } from '../../model/tailnets/fixtures.ts';
import type { Path } from './explanation.ts';
import { explainTarget, type Question } from './target.ts';

const set = 'default/share-prod-ingress';
const web = route('HTTPRoute', 'web', 'hostnames: [a.example]', '', 'default', 'https');
const boundPorts = new Map(entrancesOf(graphOf(share() + web)).map(({ port, boundPort }) => [port, boundPort]));
const pod = { pod: 'share-prod-ingress-0', ips: [], ready: true, joined: true, nodeId: 'n1', addresses: [], wantsKey: false };
const serving: Partial<ObservedProxies> = {
  pods: [{ ...pod, advertised: ['svc:web'] }],
  served: new Map([['svc:web', boundPorts]]),
};
const there: Partial<ObservedVipService> = {
  addresses: ['100.100.0.1', 'fd7a:115c:a1e0::1'],
  ports: ['tcp:443', 'tcp:80'],
  owner: 'tailplane-east',
  consumers: ['east', 'west'],
  hosts: new Map([['n1', { approved: true, configured: true }]]),
};
const peers = [
  deviceOf('laptop', '100.64.0.1', { user: 'Ann@example.com' }),
  deviceOf('ci', '100.64.0.2', { tags: ['tag:ci'] }),
  deviceOf('old', '100.64.0.3', { user: 'ann@example.com', expired: true, usable: false }),
];
const known = stateOf(peers);

type Rest = Partial<Question> & {
  readonly yaml?: string;
  readonly service?: Partial<ObservedVipService> | undefined;
  readonly proxies?: Partial<ObservedProxies>;
  readonly more?: readonly AnyObject[];
};

const explained = (target: string, { yaml = share() + web, service = there, proxies = serving, more = [], ...question }: Rest = {}) => {
  const observations = observed({ 'prod/svc:web': service }, { [set]: proxies }, [known]);
  return answerTo(target, yaml, observations, more, question);
};

/** `observations`: absent where files alone are read. */
const answerTo = (
  target: string,
  yaml: string,
  observations: Observations | undefined,
  more: readonly AnyObject[] = [],
  question: Partial<Question> = {},
) => {
  const objects = objectsOf(...worldOf(yaml, ...more));
  const graph = graphBuilder({ ...options, onCluster: observations !== undefined })(objects, observations);
  const health = { name: 'files', synced: true, lastRead: 0 };
  const state = { objects, problems: [], health, ...(observations === undefined ? {} : { observations }) };
  const explanation = explainTarget({ graph, state }, { target, method: 'GET', headers: [], ...question });
  if (typeof explanation === 'string') throw new Error(explanation);
  return explanation.paths;
};

const firstOf = (paths: readonly Path[]): Path => {
  const [path] = paths;
  if (path === undefined) throw new Error('no path');
  return path;
};
const pathOf = (...question: Parameters<typeof explained>): Path => firstOf(explained(...question));
const shown = ({ steps }: Path): readonly string[] => steps.map(({ at, name, detail }) => `${at} ${name}: ${detail}`);
const linesAt = (kind: string, path: Path): readonly string[] => shown(path).filter((line) => line.startsWith(`${kind} `));

const policy = (target: string, actions: string): string => `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: staff, namespace: default }
spec: { targetRefs: [${target}], rules: [{ actions: { ${actions} } }] }
---
`;
const onWeb = '{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web }';
const staff = policy(onWeb, 'identity: { allow: { users: [ann@example.com] }, deny: { tags: ["tag:ci"] } }');

describe('a name of a tailnet', () => {
  it('is followed from the peer to the backend', () => {
    const path = pathOf('https://web.tail1.ts.net/cart', { yaml: share() + web + staff, peer: 'laptop', headers: ['host: a.example'] });
    expect(path).toMatchObject({ gateway: 'default/edge', outcome: 'forwarded' });
    expect(shown(path)).toEqual([
      'peer laptop: laptop.tail1.ts.net, Ann@example.com, autogroup:member',
      'tailnet prod: tail1.ts.net, 3 of 3 devices connected, last answered at 2026-01-01T00:00:00Z',
      'service svc:web: 100.100.0.1, fd7a:115c:a1e0::1; ports tcp:443, tcp:80; made by tailplane-east; used by east, west',
      `proxies ${set}: 1 of 2 are machines of the tailnet; port 443 leads to edge-tailnet.default.svc:${boundPorts.get(443)}; 1 offer it; 1 approved as its hosts`,
      `listener tailnet/prod/svc:web/443: HTTPS on port 443, bound as ${boundPorts.get(443)}`,
      'certificate default/cert: for a.example',
      'host a.example: exact',
      'route HTTPRoute/default/web/rule/0/match/0: path prefix /',
      'identity default/staff: allows users ann@example.com, denies tags tag:ci: laptop.tail1.ts.net passes by its users',
      'policy default/staff: on the route: spec.rules[0]: identity',
      'backend Service/default/web/80: 100 %, http1',
      'endpoint 10.0.0.1:80: healthy',
    ]);
  });

  it('is any of its names and addresses, by each of its ports', () => {
    const outcomes = (...hosts: readonly string[]) =>
      hosts.map((host) => pathOf(`http://${host}/`)).map(({ outcome, status }) => ({ outcome, status }));
    const redirected = { outcome: 'redirected', status: 301 };
    expect(outcomes('web', 'web.tail1.ts.net', '100.100.0.1', '[fd7a:115c:a1e0::1]', 'web.prod.gateway.local')).toEqual(
      Array.from({ length: 5 }, () => redirected),
    );
  });

  it('is told apart from hosts of the Gateway itself, unless a peer asks for these', () => {
    expect(shown(pathOf('https://a.example/'))[0]).toBe('listener https: HTTPS on port 443');
    expect(pathOf('https://a.example/', { peer: 'ci' }).steps[0]?.at).toBe('peer');
    expect(() => explained('https://b.example/', { peer: 'ci' })).toThrow('b.example is no name or address of a Tailscale Service');
  });

  it('that clients do not find in any certificate is said so', () => {
    const path = pathOf('https://web.tail1.ts.net/');
    expect(path).toMatchObject({ outcome: 'forwarded', wrong: { reason: 'CertificateMissing' } });
    expect(pathOf('https://a.example/', { peer: 'ci' }).wrong).toBeUndefined();
  });

  it('has other ports than those of its service closed', () => {
    const path = pathOf('http://web:8080/');
    expect(path).toMatchObject({
      outcome: 'refused',
      wrong: { message: expect.stringMatching(/^svc:web has no port tcp:8080: it has tcp:/) },
    });
  });

  it('that nobody has is said to be nobody’s', () => {
    expect(pathOf('https://shop.tail1.ts.net/').wrong?.message).toContain(
      'has no machine of this name and no svc:shop; what is shared here is svc:web',
    );
    expect(shown(pathOf('https://laptop.tail1.ts.net/', { yaml: share() + route('HTTPRoute', 'any') }))[0]).toBe(
      'listener https: HTTPS on port 443',
    );
  });

  it('that a machine keeps a service from is told with what the TailscaleGateway says of it', () => {
    const yaml = share() + route('HTTPRoute', 'ci');
    const path = pathOf('https://ci.tail1.ts.net/', { yaml });
    expect(path.wrong).toEqual({
      reason: 'NameConflict',
      message: 'svc:ci is that of a machine of the tailnet, ci.tail1.ts.net',
      object: 'TailscaleGateway/default/share',
    });
  });

  it('is followed on files as far as these tell', () => {
    const path = firstOf(answerTo('https://web.tail1234.ts.net/', share() + web, undefined, [], { peer: 'laptop' }));
    expect(path).toMatchObject({ gateway: 'default/edge', outcome: 'forwarded' });
    expect(shown(path).slice(0, 3)).toEqual([
      'peer laptop: not looked up, as only files are read: ask a running server (--server)',
      'tailnet prod: not asked, as only files are read: ask a running server (--server)',
      'service svc:web: addresses are not looked up; ports tcp:443, tcp:80',
    ]);
  });
});

describe('what is wrong first', () => {
  const plain = share('share', tailnet('prod', '', 'protocol: HTTP')) + route('HTTPRoute', 'web', '', '', 'default', 'http');
  const plainPorts = new Map(entrancesOf(graphOf(plain)).map(({ port, boundPort }) => [port, boundPort]));
  const all = { yaml: plain, proxies: { ...serving, served: new Map([['svc:web', plainPorts]]) } };
  const wrongOf = (rest: Rest) => pathOf('http://web/', { ...all, ...rest });

  it('is nothing where peers get through', () => {
    expect(wrongOf({})).toMatchObject({ outcome: 'forwarded' });
    expect(wrongOf({}).wrong).toBeUndefined();
  });

  const tags = { reason: 'TagsNotOwned', message: 'add "tagOwners": {"tag:web": []} to the policy' };
  it.each([
    ['the tailnet does not give it its tags', { service: { failure: tags } }, 'TagsNotOwned', '"tagOwners"'],
    ['it is not made yet', { service: {} }, 'Pending', 'svc:web is not on tailnet "prod" yet'],
    [
      'no proxy has joined',
      { proxies: { pods: [] } },
      'ProxiesNotReady',
      'no proxy of StatefulSet "default/share-prod-ingress" is a machine',
    ],
    ['proxies do not serve it', { proxies: { pods: serving.pods ?? [] } }, 'NotServed', 'do not serve port 80 yet'],
    [
      'it is not approved',
      { service: { ...there, hosts: new Map([['n1', { approved: false, configured: true }]]) } },
      'NotApproved',
      'add "autoApprovers": {"services":{"svc:web":["tag:k8s"]}} to the policy of tailnet "prod"',
    ],
    ['nothing behind it is healthy', { more: slice(false) }, 'Withdrawn', 'none of its backends is healthy'],
  ])('is, on the way to Envoy, that %s', (_, rest, reason, message) => {
    const path = wrongOf(rest);
    expect(path.outcome).toBe('refused');
    expect(path.wrong).toMatchObject({ reason, message: expect.stringContaining(message), object: 'TailscaleGateway/default/share' });
    expect(linesAt('backend', path)).toHaveLength(1);
  });

  it('is not what keeps us from writing while peers get through', () => {
    const path = wrongOf({ service: { ...there, failure: { reason: 'ApiUnreachable', message: 'no answer. It is tried again' } } });
    expect(path).toMatchObject({ outcome: 'forwarded' });
    expect(path.wrong).toBeUndefined();
    expect(linesAt('service', path)[0]).toContain('used by east, west; ApiUnreachable: no answer. It is tried again');
  });

  it('is not mixed with what would have to be known were nothing wrong', () => {
    const path = pathOf('tcp://shell:22', { yaml: share() + route('TCPRoute', 'shell', '', '', 'default', 'ssh') });
    expect(path.wrong?.message).toBe('svc:shell is not on tailnet "prod" yet');
    expect(linesAt('service', path)[0]).toContain('; connections are closed in both directions when one side ends its own');
  });

  it('is, behind it, whatever Envoy stops at', () => {
    const yaml =
      share('share', tailnet('prod', 'withdrawWhenUnhealthy: false', 'protocol: HTTP')) +
      route('HTTPRoute', 'web', '', '', 'default', 'http');
    expect(wrongOf({ yaml, more: slice(false) })).toMatchObject({
      outcome: 'answered',
      status: 503,
      wrong: { message: 'Service/default/web/80: no endpoint is healthy: make one of its pods ready' },
    });
    expect(wrongOf({ headers: ['host: elsewhere'] })).toMatchObject({
      status: 404,
      wrong: { message: expect.stringContaining('no route takes this host') },
    });
  });

  it.each([
    ['a peer that is denied', 'ci', 'answered with 403: TailscaleRoutePolicy "default/staff": ci.tail1.ts.net is denied by its tags'],
    ['an address of it', '100.64.0.2', 'answered with 403: TailscaleRoutePolicy "default/staff": ci.tail1.ts.net is denied by its tags'],
    [
      'a peer whose key has expired',
      'old',
      'old.tail1.ts.net is not taken for anybody: its key has expired: log it in again, or disable key expiry',
    ],
    ['nobody whom the tailnet knows', 'who', 'no machine of tailnet "prod" has this name or address, so Envoy does not know who asks'],
  ])('is that a policy refuses %s', (_, peer, message) => {
    expect(wrongOf({ yaml: plain + staff, peer })).toMatchObject({ outcome: 'answered', status: 403, wrong: { message } });
    expect(wrongOf({ yaml: plain + staff })).toMatchObject({ outcome: 'forwarded' });
  });

  it('is not, of a route that asks for nobody, that a peer is not known', () => {
    expect(wrongOf({ peer: 'who' })).toMatchObject({ outcome: 'forwarded' });
  });
});

describe('a shared route', () => {
  it('is told where it is reached from the tailnet as well, with all names together', () => {
    const paths = explained('HTTPRoute/default/web', { peer: 'laptop' });
    expect(paths.map((path) => path.steps.map(({ at }) => at).slice(0, 3))).toEqual([
      ['listener', 'host', 'route'],
      ['peer', 'tailnet', 'service'],
    ]);
    expect(linesAt('host', paths[1] ?? firstOf([]))).toEqual([
      'host web.prod.gateway.local, [fd7a:115c:a1e0::1], web.tail1.ts.net, 100.100.0.1, a.example, web: answer this route',
    ]);
  });

  it.each([
    ['waits for a certificate', tailnet('prod', 'certificate: Listener'), '', 'CertificateMissing', ''],
    ['has no name', tailnet(), annotated('Not_A_Name'), 'InvalidServiceName', 'HTTPRoute "default/web": annotation'],
  ])('that %s says so', (_, entry, more, reason, message) => {
    const paths = explained('HTTPRoute/default/web', {
      yaml: share('share', entry) + route('HTTPRoute', 'web', '', more, 'default', 'http'),
    });
    expect(paths.at(-1)).toMatchObject({
      gateway: 'default/edge',
      outcome: 'refused',
      wrong: { reason, message: expect.stringContaining(message) },
    });
    expect(paths).toHaveLength(2);
  });
});

describe('policies on listeners that are no tailnet’s', () => {
  const plain = route('HTTPRoute', 'web', '', '', 'default', 'http');

  it('are told with the rule that counts, and refuse everybody where they ask who it is', () => {
    const path = pathOf('http://any.example/', { yaml: plain + staff });
    expect(path).toMatchObject({ outcome: 'answered', status: 403 });
    expect(linesAt('identity', path)[0]).toContain('refused, as nobody knows who asks here');
    const onEdge = policy('{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }', 'timeouts: { request: 5s }');
    const timed = pathOf('http://any.example/', { yaml: plain + onEdge });
    expect(timed.outcome).toBe('forwarded');
    expect(linesAt('policy', timed)).toEqual(['policy default/staff: on the Gateway: spec.rules[0]: timeouts']);
  });

  it('are not met by requests that only peers could make', () => {
    const matching = objectsIn(`
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleRoutePolicy
metadata: { name: staff, namespace: default }
spec: { targetRefs: [${onWeb}], rules: [{ matches: [{ identity: { users: [ann@example.com] } }], actions: { timeouts: { request: 5s } } }] }
`);
    const path = pathOf('http://any.example/', { yaml: plain, more: matching });
    expect(path.passedOver).toEqual([
      {
        route: 'HTTPRoute/default/web/rule/0/match/0/policies/1',
        reason: 'is for peers of users ann@example.com, and nobody knows who asks here',
      },
    ]);
    expect(linesAt('policy', path)).toEqual(['policy default/staff: on the route: none of its rules is for this request']);
  });
});

describe('bytes', () => {
  const shell = share() + route('TCPRoute', 'shell', '', '', 'default', 'ssh');
  const asking = policy('{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }', 'identity: { allow: { tags: ["tag:ci"] } }');

  it('of a peer are let through, or not, by a policy that asks who connects', () => {
    const outcomeFor = (peer: string) =>
      pathOf('tcp://shell:22', { yaml: shell + asking, peer }).steps.findLast(({ at }) => at === 'identity')?.detail;
    expect(outcomeFor('ci')).toBe('allows tags tag:ci: ci.tail1.ts.net passes by its tags');
    expect(outcomeFor('laptop')).toBe(
      'connections are closed: TailscaleRoutePolicy "default/staff": laptop.tail1.ts.net is refused: nothing of what is allowed is its own',
    );
  });

  it.each([
    ['the listener', '{ group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: ssh }'],
    ['the route', '{ group: gateway.networking.k8s.io, kind: TCPRoute, name: shell }'],
  ])('of a peer are judged by a policy on %s, too', (where, target) => {
    const yaml = shell + policy(target, 'identity: { allow: { tags: ["tag:ci"] } }');
    const path = pathOf('tcp://shell:22', { yaml, peer: 'laptop' });
    expect(shown(path).at(-1)).toContain('laptop.tail1.ts.net is refused: nothing of what is allowed is its own');
    expect(linesAt('policy', path)[0]).toContain(`policy default/staff: on ${where}: spec.rules[0]: identity`);
    expect(linesAt('identity', pathOf('tcp://shell:22', { yaml, peer: 'ci' }))).toEqual([
      'identity default/staff: allows tags tag:ci: ci.tail1.ts.net passes by its tags',
    ]);
    expect(shown(pathOf('tcp://any.example:22', { yaml })).at(-1)).toContain('which nobody knows of bytes here');
  });

  it('of any peer are closed by a policy that denies by a group of which nobody can say who is in it', () => {
    const denying = policy(
      '{ group: gateway.tailscale.com, kind: TailscaleGateway, name: share }',
      'identity: { deny: { groups: ["group:x"] } }',
    );
    expect(shown(pathOf('tcp://shell:22', { yaml: shell + denying, peer: 'ci' })).at(-1)).toBe(
      'identity : connections are closed: a policy denies by a group, and nobody can say who is in it: see the status of the policy',
    );
  });

  it('of anybody else are closed by it, and by no other', () => {
    const path = pathOf('tcp://any.example:22', { yaml: shell + asking });
    expect(shown(path).at(-1)).toBe('identity : connections are closed: a policy asks who connects, which nobody knows of bytes here');
    const timed = policy('{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }', 'timeouts: { request: 5s }');
    expect(pathOf('tcp://any.example:22', { yaml: shell + timed })).toEqual(pathOf('tcp://any.example:22', { yaml: shell }));
  });
});

describe('a service of a TailscaleServices', () => {
  const direct = `
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: front, namespace: default, labels: { app: web } }
spec: { tailnet: prod, proxy: { connectionType: ingress, replicas: 1 } }
---
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: db, namespace: default }
spec: { selector: { matchLabels: { app: web } }, backends: [{ kubernetes: { name: web, port: 80 } }], vipService: { name: 'svc:db' } }
---
`;

  it('is followed to what proxies forward to', () => {
    const path = pathOf('http://db/', { yaml: direct });
    expect(path.steps.map(({ at }) => at)).toEqual(['tailnet', 'service', 'proxies', 'backend']);
    expect(linesAt('backend', path)).toEqual(['backend web.default.svc:80: proxies forward bytes to it without an Envoy']);
    expect(path).toMatchObject({
      outcome: 'refused',
      wrong: { reason: 'Pending', message: 'svc:db is not on tailnet "prod" yet', object: 'TailscaleServices/default/db' },
    });
    expect(linesAt('service', path)[0]).toContain('; connections are closed in both directions when one side ends its own');
  });

  it('is followed to what kernels of proxies lead to, with packets, on the ports of that', () => {
    const [found] = objectsIn(`
apiVersion: v1
kind: Service
metadata: { name: dns, namespace: default }
spec: { clusterIP: 10.96.0.10, ports: [{ port: 53, protocol: UDP }] }
`);
    const yaml = direct.replace('replicas: 1', 'replicas: 1, mode: forward').replace('{ name: web, port: 80 }', '{ name: dns, port: 53 }');
    const service = { addresses: ['100.100.0.1'], ports: ['do-not-validate'] };
    const observations = observed({ 'prod/svc:db': service }, { 'default/front-ingress': { led: ['svc:db'] } }, [known]);
    const answer = (target: string) => shown(firstOf(answerTo(target, yaml, observations, found === undefined ? [] : [found])));
    expect(answer('udp://db:53').slice(-3)).toEqual([
      expect.stringContaining('service svc:db: 100.100.0.1; ports udp:53'),
      expect.stringContaining('port 53 leads to 10.96.0.10'),
      'backend 10.96.0.10: kernels of proxies lead port 53 to it without an Envoy',
    ]);
    expect(answer('tcp://db:53').at(-1)).toBe('listener : svc:db has no port tcp:53: it has udp:53');
  });
});
