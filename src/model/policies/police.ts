import { byCodeUnit } from '../../lib/key.ts';
import { areSame, memo, sameElements } from '../../lib/memo.ts';
import { gatewaysSettler } from '../gateways/reuse.ts';
import type { Backend, Gateway, Graph, HttpListener, Listener, RouteEntry, Socket, StreamRule, VirtualHost } from '../graph.ts';
import { backendsOf, secretsOf } from '../routes/backends.ts';
import { limitedBackends } from './backend-limits.ts';
import type { Governing, Policies } from './governing.ts';
import { type Knowing, streamUnder } from './streams.ts';
import { rankOf, sectionOf } from './targets.ts';
import { type Policed, policed, type Untold } from './variants.ts';
import { withheldByGroup } from './withheld.ts';

/** Gateways under policies, and what cannot be told to Envoy, by the key of the policy. */
export type PolicedGateways = { readonly gateways: Graph['gateways']; readonly untold: readonly Untold[] };

type PolicedGateway = { readonly node: Gateway; readonly untold: readonly Untold[] };

/** Puts policies into Gateways. What they do not concern stays the same object, and without policies everything does. */
export const policer = (): ((gateways: Graph['gateways'], policies: Policies, groupless: ReadonlySet<string>) => PolicedGateways) => {
  const settled = gatewaysSettler();
  let known = new WeakMap<Gateway, PolicedGateway>();
  let lastGateways: Graph['gateways'] = new Map();
  let last: { readonly policies: Policies; readonly groupless: ReadonlySet<string> } | undefined;
  return (gateways, policies, groupless) => {
    if (policies.all.length === 0) return { gateways, untold: [] };
    if (last?.policies !== policies || last.groupless !== groupless) known = new WeakMap();
    last = { policies, groupless };
    const before = [...gateways.values()];
    const all = before.map((gateway) => {
      const one = known.get(gateway) ?? policedGateway(gateway, policies, groupless);
      known.set(gateway, one);
      return one;
    });
    const changed = settled(all.filter(({ node }, index) => node !== before[index]));
    const now = new Map([...gateways].map(([key, gateway]) => [key, changed.get(key) ?? gateway]));
    const isSame = lastGateways.size === now.size && [...now].every(([key, node]) => lastGateways.get(key) === node);
    if (!isSame) lastGateways = now;
    return { gateways: lastGateways, untold: all.flatMap(({ untold }) => untold) };
  };
};

const policedGateway = (gateway: Gateway, policies: Policies, groupless: ReadonlySet<string>): PolicedGateway => {
  const places = placesOf(gateway, policies, groupless);
  const untold: Untold[] = [];
  const sockets = gateway.sockets.map((socket) => policedSocket(socket, places, untold));
  const changed = sockets.some((socket, index) => socket !== gateway.sockets[index]);
  const used = changed ? usedBy(sockets, gateway) : gateway;
  const backends = limitedBackends(used.backends, sockets, places);
  if (!changed && backends === gateway.backends) return { node: gateway, untold };
  return { node: { ...gateway, ...used, sockets: changed ? sockets : gateway.sockets, backends }, untold };
};

/** Which policies count where on one Gateway; each list from the most to the least specific. */
export type Places = {
  readonly atListener: (socket: Socket, listener: Listener) => readonly Governing[];
  /** What counts for one rule of a route, above what counts for all of its listener. */
  readonly atRule: (socket: Socket, rule: Pick<RouteEntry, 'owner' | 'ruleName'>) => readonly Governing[];
  readonly atBackend: (backend: Backend) => readonly Governing[];
  readonly onBackends: readonly Governing[];
  /** Whether some policy says anything of connections to backends. */
  readonly anyLimits: boolean;
  /** What is known there of who comes. */
  readonly knowing: (socket: Socket) => Knowing;
};

const nothing: readonly Governing[] = [];

/** A function of the places on one Gateway, as policies have it. */
export const placesOf = (gateway: Gateway, { all, on, onBackends }: Policies, groupless: ReadonlySet<string>): Places => {
  const onGateway = on.get(gateway.key) ?? nothing;
  const onListener = (name: string): readonly Governing[] => on.get(sectionOf(gateway.key, name)) ?? nothing;
  return {
    atListener: ({ tailnet }, { owner, name }) => {
      const shared = tailnet?.sharedBy === undefined ? nothing : (on.get(tailnet.sharedBy) ?? nothing);
      const own = tailnet === undefined && owner === gateway.key ? onListener(name) : nothing;
      return shared.length + own.length === 0 ? onGateway : [...shared, ...own, ...onGateway];
    },
    atRule: ({ tailnet }, { owner, ruleName }) => {
      const ofRule = ruleName === undefined ? nothing : (on.get(sectionOf(owner, ruleName)) ?? nothing);
      const ofRoute = on.get(owner) ?? nothing;
      // Where tailnets come in, a route is under the policies of every listener that it is on.
      const ofListeners = (tailnet?.listenersOf?.get(owner) ?? []).flatMap(onListener);
      return ofRule.length + ofRoute.length + ofListeners.length === 0 ? nothing : [...ofRule, ...ofRoute, ...ofListeners];
    },
    atBackend: ({ key }) => on.get(key) ?? nothing,
    onBackends,
    anyLimits: all.some(({ rules }) => rules.some(({ actions }) => (actions.circuitBreaker ?? actions.outliers) !== undefined)),
    knowing: ({ tailnet }) => {
      if (tailnet === undefined) return 'nobody';
      return groupless.has(tailnet.tailnet) ? 'groupless' : 'peers';
    },
  };
};

const policedSocket = (socket: Socket, places: Places, untold: Untold[]): Socket => {
  const listeners = sameElements(
    socket.listeners,
    socket.listeners.map((listener) => policedListener(socket, listener, places, untold)),
  );
  return listeners === socket.listeners ? socket : { ...socket, listeners };
};

const policedListener = (socket: Socket, listener: Listener, places: Places, untold: Untold[]): Listener => {
  const base = places.atListener(socket, listener);
  const streamOf = (rule: StreamRule): StreamRule => {
    const ofBackends = rule.shares.flatMap(({ backend }) => (backend === undefined ? nothing : places.atBackend(backend)));
    const under = streamUnder(rule, specificFirst([...ofBackends, ...places.atRule(socket, rule), ...base]), places.knowing(socket));
    untold.push(...under.untold);
    return under.rule;
  };
  switch (listener.protocol) {
    case 'HTTP':
    case 'HTTPS':
      return policedHttp(socket, listener, base, places, untold);
    case 'TLS': {
      const serverNames = listener.serverNames.map((one) => {
        const rule = streamOf(one.rule);
        return rule === one.rule ? one : { ...one, rule };
      });
      return areSame(listener.serverNames, serverNames) ? listener : { ...listener, serverNames };
    }
    case 'TCP':
    case 'UDP': {
      const rule = listener.rule && streamOf(listener.rule);
      if (rule === undefined || rule === listener.rule) return listener;
      return { ...listener, rule };
    }
  }
};

const policedHttp = (
  socket: Socket,
  listener: HttpListener,
  base: readonly Governing[],
  places: Places,
  untold: Untold[],
): HttpListener => {
  const knowing = places.knowing(socket);
  const virtualHosts = listener.virtualHosts.map((host): VirtualHost => {
    const entries = host.entries.flatMap((entry) => {
      const own = places.atRule(socket, entry);
      const found = policedEntry(entry, own.length === 0 ? base : specificFirst([...new Set([...own, ...base])]), places);
      untold.push(...found.untold);
      return knowing === 'nobody' ? found.entries : withheldByGroup(found.entries, knowing === 'groupless');
    });
    return areSame(host.entries, entries) ? host : { ...host, entries };
  });
  return areSame(listener.virtualHosts, virtualHosts) ? listener : { ...listener, virtualHosts };
};

const specificFirst = (governing: readonly Governing[]): readonly Governing[] =>
  governing.toSorted((one, other) => rankOf(other.level) - rankOf(one.level));

type Known = Policed & { readonly chain: readonly Governing[]; readonly onBackends: readonly Governing[] };
const knownOf = memo<RouteEntry, Known[]>(() => []);

/** An entry is on few listeners that have policies of their own. */
const keptAtMost = 16;

const policedEntry = (entry: RouteEntry, chain: readonly Governing[], { onBackends, atBackend }: Places): Policed => {
  if (chain.length === 0 && onBackends.length === 0) return { entries: [entry], untold: [] };
  const known = knownOf(entry);
  const found = known.find((one) => areSame(one.chain, chain) && one.onBackends === onBackends);
  if (found !== undefined) return found;
  const made = policed(entry, chain, (rule) => [...new Set(backendsOfRule(rule).flatMap(atBackend))]);
  if (known.length >= keptAtMost) known.shift();
  known.push({ ...made, chain, onBackends });
  return made;
};

const backendsOfRule = ({ action }: RouteEntry['rule']): readonly Backend[] =>
  action.kind === 'forward' ? action.shares.flatMap(({ backend }) => backend ?? []) : [];

/** Everything that a Gateway used, and what requests under policies go to besides. */
const usedBy = (sockets: readonly Socket[], gateway: Gateway): Pick<Gateway, 'backends' | 'secrets'> => {
  const entries = sockets.flatMap(({ listeners }) =>
    listeners.flatMap((listener) => ('virtualHosts' in listener ? listener.virtualHosts.flatMap((host) => host.entries) : [])),
  );
  const known = new Set(gateway.backends.map(({ id }) => id));
  const more = backendsOf(entries, []).filter(({ id }) => !known.has(id));
  if (more.length === 0) return gateway;
  const secrets = new Map([...gateway.secrets, ...secretsOf(more)].map((secret) => [secret.id, secret]));
  return {
    backends: [...gateway.backends, ...more].toSorted((one, other) => byCodeUnit(one.id, other.id)),
    secrets: [...secrets.values()].toSorted((one, other) => byCodeUnit(one.id, other.id)),
  };
};
