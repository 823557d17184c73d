/** Hand-made nodes of the graph, for tests of what comes after it: the least that makes sense, and whatever a test says besides. */
import type {
  Backend,
  Gateway,
  Graph,
  HttpListener,
  HttpMatch,
  HttpRule,
  RouteEntry,
  Share,
  Socket,
  VirtualHost,
} from '../../src/model/graph.ts';

export const noChanges = { set: [], add: [], remove: [] } as const;

export const backendOf = (name: string, more: Partial<Backend> = {}): Backend => ({
  id: `Service/default/${name}/80`,
  key: `Service/default/${name}`,
  port: 80,
  protocol: 'http1',
  ...more,
});

export const shareOf = (backend: Backend | undefined, weight = 1, more: Partial<Share> = {}): Share => ({
  ...(backend === undefined ? {} : { backend }),
  weight,
  requestHeaders: noChanges,
  responseHeaders: noChanges,
  mirrors: [],
  ...more,
});

const matchOf = (more: Partial<HttpMatch> = {}): HttpMatch => ({
  path: { type: 'prefix', value: '/' },
  headers: [],
  queryParams: [],
  grpc: false,
  ...more,
});

const ruleOf = (more: Partial<HttpRule> = {}): HttpRule => ({
  requestHeaders: noChanges,
  responseHeaders: noChanges,
  mirrors: [],
  action: { kind: 'forward', shares: [shareOf(backendOf('app'))] },
  ...more,
});

export const entryOf = (name: string, match: Partial<HttpMatch> = {}, rule: Partial<HttpRule> = {}): RouteEntry => ({
  id: `HTTPRoute/default/${name}/rule/0/match/0`,
  owner: `HTTPRoute/default/${name}`,
  match: matchOf(match),
  rule: ruleOf(rule),
});

export const hostOf = (domain: string, ...entries: readonly RouteEntry[]): VirtualHost => ({ domain, entries });

export const listenerOf = (name: string, ...virtualHosts: readonly VirtualHost[]): HttpListener => ({
  name,
  owner: 'Gateway/default/edge',
  protocol: 'HTTP',
  virtualHosts,
  misdirected: [],
});

export const socketOf = (port: number, ...listeners: Socket['listeners']): Socket => ({
  addresses: [],
  port,
  boundPort: port,
  transport: listeners[0]?.protocol === 'UDP' ? 'UDP' : 'TCP',
  listeners,
});

export const gatewayOf = (more: Partial<Gateway> = {}): Gateway => ({
  key: 'Gateway/default/edge',
  namespace: 'default',
  name: 'edge',
  sockets: [],
  backends: [],
  secrets: [],
  ...more,
});

export const graphOf = (gateways: readonly Gateway[], endpoints: Graph['endpoints'] = new Map()): Graph => ({
  gateways: new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway])),
  endpoints,
  infrastructures: new Map(),
  statuses: new Map(),
  proxySets: new Map(),
  vipServices: new Map(),
  peers: new Map(),
  fences: new Map(),
  provisioned: { wanted: new Map(), unwanted: [] },
});
