import { describe, expect, it } from 'vitest';
import { backendOf, entryOf, gatewayOf, graphOf, hostOf, listenerOf, noChanges, shareOf, socketOf } from '../../../test/support/graph.ts';
import type { Graph, Locality, Socket, StreamRule, TcpListener, TlsListener } from '../../model/graph.ts';
import { objectsOf } from '../../model/tailnets/fixtures.ts';
import type { Path } from './explanation.ts';
import { explainTarget, type Question } from './target.ts';

const app = backendOf('app');
const canary = backendOf('canary');
const alive: readonly Locality[] = [
  {
    zone: '',
    weight: 1,
    endpoints: [
      { address: '10.0.0.1', port: 80, healthy: true },
      { address: '::1', port: 80, healthy: false },
    ],
  },
];

const worldWith = (...sockets: readonly Socket[]): Graph => graphOf([gatewayOf({ sockets })], new Map([[app.id, alive]]));

const shop = worldWith({
  ...socketOf(
    80,
    listenerOf(
      'web',
      hostOf('shop.example', entryOf('testers', { headers: [{ name: 'x-test', type: 'exact', value: 'yes' }] }), entryOf('shop')),
      hostOf('*.example', entryOf('any', { path: { type: 'regex', value: '/[0-9]+' } })),
    ),
  ),
  boundPort: 10080,
});

const nothingRead = { objects: objectsOf(), problems: [], health: { name: 'files', synced: true, lastRead: 0 } };

const explain = (graph: Graph, target: string, more: Partial<Question> = {}) =>
  explainTarget({ graph, state: nothingRead }, { target, method: 'GET', headers: [], ...more });

/** The first path; throws where the question was refused. */
const pathOf = (graph: Graph, target: string, more: Partial<Question> = {}): Path => {
  const explanation = explain(graph, target, more);
  const path = typeof explanation === 'string' ? undefined : explanation.paths[0];
  if (path === undefined) throw new Error(JSON.stringify(explanation));
  return path;
};

const shown = ({ steps }: Path): readonly string[] => steps.map(({ at, name, detail }) => `${at} ${name}: ${detail}`);

describe('explaining a request', () => {
  it('goes from listener to endpoints', () => {
    const path = pathOf(shop, 'http://shop.example/cart');
    expect(path).toMatchObject({ gateway: 'default/edge', outcome: 'forwarded' });
    expect(shown(path)).toEqual([
      'listener web: HTTP on port 80, bound as 10080',
      'host shop.example: exact',
      'route HTTPRoute/default/shop/rule/0/match/0: path prefix /',
      'backend Service/default/app/80: 100 %, http1',
      'endpoint 10.0.0.1:80: healthy',
      'endpoint [::1]:80: unhealthy',
    ]);
  });

  it('says which matches were passed over, and why', () => {
    expect(pathOf(shop, 'http://shop.example/').passedOver).toEqual([
      { route: 'HTTPRoute/default/testers/rule/0/match/0', reason: 'header x-test is absent' },
    ]);
    expect(pathOf(shop, 'http://shop.example/', { headers: ['X-Test: yes'] }).passedOver).toEqual([]);
  });

  it('finds the listener by the port users write and by the one Envoy binds', () => {
    expect(pathOf(shop, 'http://shop.example:10080/').outcome).toBe('forwarded');
    expect(shown(pathOf(shop, 'http://shop.example:81/'))).toEqual(['listener : nothing listens on TCP 81; there is TCP 80']);
  });

  it('takes the host from a Host header, and the most specific domain for it', () => {
    const by = (host: string, path = '/') => pathOf(shop, `http://127.0.0.1${path}`, { headers: [`Host: ${host}`] });
    expect(by('SHOP.example:8080').outcome).toBe('forwarded');
    expect(by('other.example', '/42').steps[1]).toMatchObject({ at: 'host', name: '*.example', detail: 'takes other.example' });
    expect(by('elsewhere')).toMatchObject({ outcome: 'answered', status: 404 });
  });

  it('stops where no match takes the request', () => {
    const path = pathOf(shop, 'http://x.example/word');
    expect(path).toMatchObject({ outcome: 'answered', status: 404, passedOver: [{ reason: 'path /word is not regex /[0-9]+' }] });
    expect(shown(path).at(-1)).toBe('route : none of 1 matches takes GET /word');
  });

  it('says that a plain request came to an encrypted port, and the other way round', () => {
    const https = worldWith(socketOf(443, { ...listenerOf('web', hostOf('*', entryOf('shop'))), protocol: 'HTTPS' }));
    expect(shown(pathOf(https, 'http://a:443/'))).toEqual(['listener : port 443 speaks TLS, and the request does not']);
    expect(shown(pathOf(shop, 'https://shop.example:80/'))).toEqual(['listener : port 80 speaks plain HTTP, and the request is https://']);
  });

  it('answers 421 on a connection whose server name belongs to another listener than its host', () => {
    const one = {
      ...listenerOf('one', hostOf('a.example', entryOf('a'))),
      protocol: 'HTTPS',
      hostname: 'a.example',
      misdirected: ['b.example'],
    } as const;
    const two = {
      ...listenerOf('two', hostOf('b.example', entryOf('b'))),
      protocol: 'HTTPS',
      hostname: 'b.example',
      misdirected: ['a.example'],
    } as const;
    const graph = worldWith(socketOf(443, one, two));
    expect(pathOf(graph, 'https://a.example/').outcome).toBe('forwarded');
    expect(pathOf(graph, 'https://a.example/', { headers: ['host: b.example'] })).toMatchObject({ outcome: 'answered', status: 421 });
  });

  it('gives each backend its share, and 500 to the share of one that does not resolve', () => {
    const shares = [shareOf(app, 1), shareOf(canary, 1), shareOf(undefined, 2), shareOf(undefined, 0)];
    const graph = worldWith(socketOf(80, listenerOf('web', hostOf('*', entryOf('shop', {}, { action: { kind: 'forward', shares } })))));
    expect(shown(pathOf(graph, 'http://a/')).slice(3)).toEqual([
      'backend Service/default/app/80: 25 %, http1',
      'endpoint 10.0.0.1:80: healthy',
      'endpoint [::1]:80: unhealthy',
      'backend Service/default/canary/80: 25 %, http1',
      'endpoint : no endpoints',
      'backend : 50 %: the reference does not resolve, answered with 500',
      'backend : 0 %: the reference does not resolve, answered with 500',
    ]);
  });

  it('says why a reference does not resolve, by the conditions of its route', () => {
    const parentRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
    const message = 'TailscaleEndpoints "default/db": TailscaleTailnet "prod" not found';
    const condition = { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', message, observedGeneration: 1 } as const;
    const parent = { parentRef, controllerName: 'c', conditions: [condition] };
    const graphWith = (rule: Parameters<typeof entryOf>[2]): Graph => ({
      ...worldWith(socketOf(80, listenerOf('web', hostOf('*', entryOf('shop', {}, rule))))),
      statuses: new Map([['HTTPRoute/default/shop', { kind: 'HTTPRoute', parents: [parent, parent] }]]),
    });
    const some = graphWith({ action: { kind: 'forward', shares: [shareOf(app), shareOf(undefined)] } });
    expect(shown(pathOf(some, 'http://a/')).at(-1)).toBe(`backend : 50 %: the reference does not resolve, answered with 500: ${message}`);
    const none = graphWith({ action: { kind: 'respond', status: 500 } });
    expect(shown(pathOf(none, 'http://a/')).at(-1)).toBe(
      `backend : answered with 500: no backend is valid, or a filter cannot be honoured: ${message}`,
    );
  });

  it('has nobody answer where no endpoint is healthy', () => {
    const ill = (alive[0]?.endpoints ?? []).map((endpoint) => ({ ...endpoint, healthy: false }));
    const graph = { ...shop, endpoints: new Map([[app.id, [{ zone: '', weight: 1, endpoints: ill }]]]) };
    expect(pathOf(graph, 'http://shop.example/')).toMatchObject({ outcome: 'answered', status: 503 });
  });

  it.each([
    ['a redirect', { action: { kind: 'redirect', redirect: { scheme: 'https', statusCode: 301 } } }, 'redirected', 301],
    ['a rule without a valid backend', { action: { kind: 'respond', status: 500 } }, 'answered', 500],
    ['a backend without endpoints', { action: { kind: 'forward', shares: [shareOf(canary)] } }, 'answered', 503],
  ] as const)('tells the outcome of %s', (_, rule, outcome, status) => {
    const graph = worldWith(socketOf(80, listenerOf('web', hostOf('*', entryOf('shop', {}, rule)))));
    expect(pathOf(graph, 'http://a/')).toMatchObject({ outcome, status });
  });

  it('names filters between match and backend, and no header values', () => {
    const changes = { ...noChanges, set: [{ name: 'authorization', value: 'secret' }] };
    const graph = worldWith(
      socketOf(
        80,
        listenerOf('web', hostOf('*', entryOf('shop', {}, { requestHeaders: changes, requestTimeoutMs: 500, rewrite: { hostname: 'b' } }))),
      ),
    );
    const filters = shown(pathOf(graph, 'http://a/')).filter((line) => line.startsWith('filter'));
    expect(filters).toEqual(['filter request headers: set authorization', 'filter rewrite: host b', 'filter timeout: request 500 ms']);
  });

  it('follows TLS by server name, and TCP and UDP by port', () => {
    const rule: StreamRule = { id: 'TLSRoute/default/db/rule/0', owner: 'TLSRoute/default/db', shares: [{ backend: app, weight: 1 }] };
    const common = { name: 'l', owner: 'Gateway/default/edge' } as const;
    const tls: TlsListener = { ...common, protocol: 'TLS', serverNames: [{ name: 'db.example', rule }] };
    const tcp: TcpListener = { ...common, protocol: 'TCP', rule };
    const graph = worldWith(socketOf(443, tls), socketOf(5432, tcp), socketOf(53, { ...common, protocol: 'UDP' }));
    expect(pathOf(graph, 'tls://db.example').outcome).toBe('forwarded');
    expect(pathOf(graph, 'tls://other.example').outcome).toBe('refused');
    expect(pathOf(graph, 'tcp://a:5432').outcome).toBe('forwarded');
    expect(shown(pathOf(graph, 'udp://a:53')).at(-1)).toBe('route : no UDPRoute is attached');
  });

  it('looks at one Gateway only when asked to', () => {
    const graph = graphOf(
      [...shop.gateways.values(), ...worldWith(socketOf(80, listenerOf('web'))).gateways.values()].map((gateway, index) => ({
        ...gateway,
        name: `g${index}`,
      })),
    );
    const gatewaysIn = (more: Partial<Question>) => {
      const explanation = explain(graph, 'http://shop.example/', more);
      return typeof explanation === 'string' ? explanation : explanation.paths.map(({ gateway }) => gateway);
    };
    expect(gatewaysIn({})).toEqual(['default/g0', 'default/g1']);
    expect(gatewaysIn({ gateway: 'default/g1' })).toEqual(['default/g1']);
    expect(shown(pathOf(graph, 'http://a/', { gateway: 'default/none' }))).toEqual([
      'gateway default/none: there is no such accepted Gateway',
    ]);
  });

  it.each([
    ['nonsense', 'is not a URL'],
    ['ftp://a/', 'is none of http, https, tls, tcp, udp'],
    ['tcp://a', 'needs a port'],
  ])('says what is wrong with %s', (target, message) => {
    expect(explain(shop, target)).toContain(message);
  });
});

describe('explaining a route', () => {
  it('lists every host it is served on', () => {
    const both = worldWith(
      socketOf(80, listenerOf('web', hostOf('a.example', entryOf('shop')), hostOf('b.example', entryOf('shop'), entryOf('other')))),
    );
    const explanation = explain(both, 'httproute/default/shop');
    const hosts = typeof explanation === 'string' ? [] : explanation.paths.map(({ steps }) => steps[1]?.name);
    expect(hosts).toEqual(['a.example', 'b.example']);
  });

  it('says why it is served nowhere', () => {
    const condition = { type: 'Accepted', status: 'False', reason: 'NotAllowedByListeners', message: 'no', observedGeneration: 1 } as const;
    const parentRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
    const status = { kind: 'HTTPRoute', parents: [{ parentRef, controllerName: 'c', conditions: [condition] }] } as const;
    const graph: Graph = { ...shop, statuses: new Map([['HTTPRoute/default/lost', status]]) };
    expect(shown(pathOf(graph, 'HTTPRoute/default/lost'))).toEqual([
      'route HTTPRoute/default/lost: Gateway edge: Accepted NotAllowedByListeners: no',
    ]);
    expect(shown(pathOf(graph, 'HTTPRoute/default/unknown'))[0]).toContain('there is no such route');
  });
});
