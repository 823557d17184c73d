import { areSame, memo } from '../../lib/memo.ts';
import { reuse } from '../../lib/equal.ts';
import { type ObjectKey, objectKey } from '../../lib/key.ts';
import type { Attached } from '../gateways/attach.ts';
import { anyHost, bySpecificity } from '../gateways/hostnames.ts';
import { virtualHostsMaker } from '../gateways/virtual-hosts.ts';
import type { HttpListener, Listener, RouteEntry, Socket, StreamRule, VirtualHost } from '../graph.ts';
import type { PlannedPort, PlannedRoute } from './service-plan.ts';
import { routeKeyOf, type SharedRoute } from './shared-routes.ts';

/** What a port of a service is to Envoy. */
export type EntranceWish = {
  readonly gateway: string;
  readonly tailnet: string;
  /** `svc:web`. */
  readonly service: string;
  /** The TailscaleGateway. */
  readonly owner: ObjectKey;
  /** Names and addresses of the service itself: the same array while they are the same. */
  readonly hosts: readonly string[];
  readonly planned: PlannedPort;
  readonly boundPort: number;
  readonly addresses: readonly string[];
};

/** What Envoy calls the listener of a service's port. */
export const entranceName = ({
  tailnet,
  service,
  port,
}: {
  readonly tailnet: string;
  readonly service: string;
  readonly port: number;
}): string => `tailnet/${tailnet}/${service}/${port}`;

/**
 * A function that makes the socket of one port of a service, again only where something of it changed, and then what did not change in it is the same
 * object. It answers the service's own names and addresses, and the names of its routes; for what else is asked there is nothing.
 */
export const entranceBuilder = (): ((wish: EntranceWish) => Socket) => {
  const hostsOf = virtualHostsMaker(anyHost);
  let last: { readonly wish: EntranceWish; readonly socket: Socket } | undefined;
  return (wish) => {
    if (last !== undefined && isSame(last.wish, wish)) return last.socket;
    const socket = reuse(last?.socket ?? socketFrom(wish, hostsOf), socketFrom(wish, hostsOf));
    last = { wish, socket };
    return socket;
  };
};

const isSame = (one: EntranceWish, other: EntranceWish): boolean =>
  one.hosts === other.hosts &&
  one.boundPort === other.boundPort &&
  one.gateway === other.gateway &&
  one.owner === other.owner &&
  areSame(one.addresses, other.addresses) &&
  one.planned === other.planned;

type Bound = Pick<EntranceWish, 'addresses' | 'boundPort' | 'tailnet' | 'service' | 'owner'>;
type HostsOf = ReturnType<typeof virtualHostsMaker>;

const socketFrom = (wish: EntranceWish, hostsOf: HostsOf): Socket => {
  const { tailnet, ...binding } = bindingOf(wish);
  return {
    ...binding,
    port: wish.planned.port,
    tailnet: { ...tailnet, listenersOf: listenersOf(wish) },
    listeners: [listenerFrom(wish, hostsOf)],
  };
};

/** Listeners of the Gateway itself, by the routes that they took: of one that does not serve it, too, a route is under the policies. */
const listenersOf = ({ gateway, planned }: EntranceWish): ReadonlyMap<ObjectKey, readonly string[]> => {
  const [namespace = '', name = ''] = gateway.split('/');
  const own = objectKey('Gateway', namespace, name);
  return new Map(
    planned.routes.map(({ shared }) => {
      const listeners = shared.places.flatMap(({ listener }) => (listener.ownerKey === own ? [listener.name] : []));
      return [routeKeyOf(shared), listeners] as const;
    }),
  );
};

const bindingOf = ({ addresses, boundPort, tailnet, service, owner }: Bound) => ({
  addresses,
  boundPort,
  transport: 'TCP' as const,
  tailnet: { tailnet, service, sharedBy: owner },
});

const listenerFrom = (wish: EntranceWish, hostsOf: HostsOf): Listener => {
  const { owner, planned } = wish;
  const common = { name: entranceName({ ...wish, port: planned.port }), owner };
  const tls = planned.tls === undefined ? {} : { tls: planned.tls };
  switch (planned.mode) {
    case 'http':
      return { ...common, protocol: 'HTTP', virtualHosts: virtualHostsFor(wish, hostsOf), misdirected: [] };
    case 'https':
      return { ...common, protocol: 'HTTPS', ...tls, virtualHosts: virtualHostsFor(wish, hostsOf), misdirected: [] };
    case 'redirect':
      return { ...common, protocol: 'HTTP', virtualHosts: redirecting(virtualHostsFor(wish, hostsOf), owner), misdirected: [] };
    case 'tls':
    case 'tls-end':
      return { ...common, protocol: 'TLS', ...tls, serverNames: serverNamesFor(wish) };
    case 'tcp': {
      const rule = planned.routes.map((route) => ruleOf(route, false)).find((one) => one !== undefined);
      return { ...common, protocol: 'TCP', ...(rule === undefined ? {} : { rule }) };
    }
  }
};

const everywhere: readonly string[] = [anyHost];

const virtualHostsFor = ({ hosts, planned }: EntranceWish, hostsOf: HostsOf): HttpListener['virtualHosts'] =>
  hostsOf(
    everywhere,
    planned.routes.flatMap(({ shared, places }) => attachedHere(shared, places, hosts) ?? []),
  ).virtualHosts;

const attachedBefore = new WeakMap<readonly string[], WeakMap<SharedRoute, Attached>>();

/** A route as it is attached to a service: by the service's names, and by its own. */
const attachedHere = (shared: SharedRoute, places: PlannedRoute['places'], hosts: readonly string[]): Attached | undefined => {
  const known = attachedBefore.get(hosts) ?? new WeakMap<SharedRoute, Attached>();
  attachedBefore.set(hosts, known);
  const [first] = places;
  if (first === undefined) return undefined;
  const own = places.flatMap(({ attached }) => [...attached.hosts]).filter(([host]) => host !== anyHost);
  const attached = known.get(shared) ?? { ...first.attached, hosts: new Map([...hosts.map((host) => [host, host] as const), ...own]) };
  known.set(shared, attached);
  return attached;
};

/** The same hosts, each redirecting what it would answer. */
const redirecting = (virtualHosts: readonly VirtualHost[], owner: ObjectKey): readonly VirtualHost[] =>
  virtualHosts.map((host) => redirectingTo(host)(owner));

const redirectingTo = memo((host: VirtualHost) => {
  const made = new Map<ObjectKey, VirtualHost>();
  return (owner: ObjectKey): VirtualHost => {
    if (host.entries.length === 0) return host;
    const redirect = made.get(owner) ?? { domain: host.domain, entries: [redirectFrom(owner)] };
    made.set(owner, redirect);
    return redirect;
  };
});

const redirectFrom = (owner: ObjectKey): RouteEntry => ({
  id: `${owner}/redirect`,
  owner,
  match: { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [], grpc: false },
  rule: {
    requestHeaders: nothing,
    responseHeaders: nothing,
    mirrors: [],
    action: { kind: 'redirect', redirect: { scheme: 'https', statusCode: 301 } },
  },
});

const nothing = { set: [], add: [], remove: [] };

const ruleOf = ({ places }: PlannedRoute, terminates: boolean): StreamRule | undefined => {
  const node = places[0]?.attached.node;
  return (terminates ? (node?.terminated ?? node) : node)?.streams[0];
};

/** Server names are names: what asks for an address by TLS says none. The oldest route has a name that several have. */
const serverNamesFor = ({ hosts, planned }: EntranceWish): readonly { readonly name: string; readonly rule: StreamRule }[] => {
  const rules = new Map<string, StreamRule>();
  for (const route of planned.routes) {
    const rule = ruleOf(route, planned.mode === 'tls-end');
    if (rule === undefined) continue;
    const own = route.places.flatMap(({ attached }) => [...attached.hosts.keys()]).filter((host) => host !== anyHost);
    for (const name of [...hosts.filter(isName), ...own]) if (!rules.has(name)) rules.set(name, rule);
  }
  return [...rules].map(([name, rule]) => ({ name, rule })).toSorted((one, other) => bySpecificity(one.name, other.name));
};

const isName = (host: string): boolean => !host.startsWith('[') && !/^[\d.]+$/.test(host);

/** Keeps a port that proxies still lead to, though nobody wants it any more: who comes is not left waiting, but sent away at once. */
export const lingeringSocket = (
  wish: Pick<EntranceWish, 'addresses' | 'boundPort' | 'tailnet' | 'service' | 'owner'> & { readonly port: number },
): Socket => ({
  ...bindingOf(wish),
  port: wish.port,
  listeners: [{ name: entranceName(wish), owner: wish.owner, protocol: 'TCP' }],
});
