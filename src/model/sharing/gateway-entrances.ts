import type { Observations } from '../../api/observations.ts';
import { lastCall, sameMap } from '../../lib/last-call.ts';
import { byCodeUnit } from '../../lib/key.ts';
import { memo, sameElements } from '../../lib/memo.ts';
import type { Backend, Gateway, Socket, TlsSecret } from '../graph.ts';
import { entranceBuilder, entranceName, lingeringSocket } from './entrances.ts';
import { allottedPorts, isEntrancePort } from './envoy-ports.ts';
import type { SharedService } from './services.ts';
import type { Share } from './share.ts';

/** Where one port of a service comes in. */
export type Entrance = {
  readonly port: number;
  /** Of Envoy. */
  readonly boundPort: number;
  /** As Envoy calls it. */
  readonly listener: string;
};

export type Entrances = {
  /** By `tailnet/svc:name`, in order of ports. */
  readonly of: ReadonlyMap<string, readonly Entrance[]>;
  /** Services that did not get a port of Envoy, by `tailnet/svc:name`. */
  readonly without: ReadonlySet<string>;
  /** All Gateways, those that are shared with their entrances. */
  readonly gateways: ReadonlyMap<string, Gateway>;
};

type Gateways = ReadonlyMap<string, Gateway>;
type Proxies = Observations['proxies'];
type Services = ReadonlyMap<string, SharedService>;

/** A port that proxies lead to: `envoyPort` of some Gateway. */
type Led = { readonly share: Share; readonly service: string; readonly port: number; readonly envoyPort: number };

const nobody: Entrances['without'] = new Set();

/** A function that gives services their ports of Envoy, and Gateways their entrances. What did not change is the same object. */
export const entrancesBuilder = (
  exclusivePorts: boolean,
): ((services: Services, shares: readonly Share[], gateways: Gateways, proxies: Proxies) => Entrances) => {
  const ledFrom = ledBuilder();
  let builders = new Map<string, ReturnType<typeof entranceBuilder>>();
  let lastOf: Entrances['of'] = new Map();
  let lastSockets: ReadonlyMap<string, readonly Socket[]> = new Map();
  let lastGateways: Gateways = new Map();
  const withSockets = gatewayAdder();
  const derive = lastCall((services: Services, led: readonly Led[], gateways: Gateways): Entrances => {
    if (services.size === 0 && led.length === 0) return { of: new Map(), without: nobody, gateways };
    const wishes = wishesFor(services, gateways);
    const ports = portsFor(wishes, led, gateways, exclusivePorts);
    const before = builders;
    builders = new Map();
    const sockets = new Map<string, Socket[]>();
    const of = new Map<string, Entrance[]>();
    const without = new Set<string>();
    for (const { at, key, service, planned, gateway } of wishes) {
      const boundPort = ports.get(at);
      if (boundPort === undefined) {
        without.add(key);
        continue;
      }
      const { share, name } = service.candidate;
      const builder = before.get(at) ?? entranceBuilder();
      builders.set(at, builder);
      const { tailnet } = share;
      const addresses = addressesOf(gateway, exclusivePorts);
      const socket = builder({
        gateway: share.gateway,
        tailnet,
        service: name,
        owner: share.key,
        hosts: service.hosts,
        planned,
        boundPort,
        addresses,
      });
      push(sockets, share.gateway, socket);
      push(of, key, { port: planned.port, boundPort, listener: entranceName({ tailnet, service: name, port: planned.port }) });
    }
    for (const { share, service, port, envoyPort } of lingering(led, wishes, ports)) {
      const gateway = gateways.get(share.gateway);
      if (gateway === undefined) continue;
      const wish = {
        addresses: addressesOf(gateway, exclusivePorts),
        boundPort: envoyPort,
        tailnet: share.tailnet,
        service,
        owner: share.key,
        port,
      };
      push(sockets, share.gateway, lingeringSocket(wish));
    }
    lastOf = settledEntrances(lastOf, of);
    lastSockets = sameMap(
      lastSockets,
      new Map([...sockets].map(([gateway, list]) => [gateway, sameElements(lastSockets.get(gateway), list.toSorted(byName))] as const)),
    );
    lastGateways = sameMap(
      lastGateways,
      new Map([...gateways].map(([key, gateway]) => [key, withSockets(gateway, lastSockets.get(key) ?? none, services)] as const)),
    );
    return { of: lastOf, without: without.size === 0 ? nobody : without, gateways: lastGateways };
  });
  return (services, shares, gateways, proxies) => derive(services, ledFrom(shares, proxies), gateways);
};

const none: readonly never[] = [];

const push = <V>(lists: Map<string, V[]>, key: string, value: V): void => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
};

const byName = (one: Socket, other: Socket): number => byCodeUnit(nameOf(one), nameOf(other)) || one.boundPort - other.boundPort;
const nameOf = ({ listeners }: Socket): string => listeners[0]?.name ?? '';

const settledEntrances = (last: Entrances['of'], next: ReadonlyMap<string, readonly Entrance[]>): Entrances['of'] =>
  sameMap(
    last,
    new Map(
      [...next].map(([key, list]) => {
        const before = last.get(key);
        const isSame =
          before?.length === list.length &&
          list.every(({ port, boundPort, listener }, index) => {
            const other = before[index];
            return other?.port === port && other.boundPort === boundPort && other.listener === listener;
          });
        return [key, isSame && before !== undefined ? before : list] as const;
      }),
    ),
  );

/** As the Gateway's own; where it says none and shares a machine, only those on it can be proxies. */
const addressesOf = ({ sockets }: Gateway, exclusivePorts: boolean): readonly string[] => {
  const own = sockets[0]?.addresses ?? none;
  return exclusivePorts && own.length === 0 ? loopback : own;
};

const loopback: readonly string[] = ['127.0.0.1'];

type Wish = {
  /** Names the port of the service. */
  readonly at: string;
  readonly key: string;
  readonly service: SharedService;
  readonly planned: SharedService['plan']['ports'][number];
  readonly gateway: Gateway;
};

const portKey = (tailnet: string, service: string, port: number): string => `${tailnet}/${service}/${port}`;

const wishesFor = (services: Services, gateways: Gateways): readonly Wish[] =>
  [...services].flatMap(([key, service]) => {
    const gateway = gateways.get(service.candidate.share.gateway);
    return gateway === undefined ? [] : portsIn(service).map(({ at, planned }) => ({ at, key, service, planned, gateway }));
  });

const portsIn = memo(({ plan, candidate: { share, name } }: SharedService): readonly Pick<Wish, 'at' | 'planned'>[] =>
  plan.ports.map((planned) => ({ at: portKey(share.tailnet, name, planned.port), planned })),
);

/** Ports of Envoy by the port of the service: of each Gateway apart, or of all together where they share the machine. */
const portsFor = (wishes: readonly Wish[], led: readonly Led[], gateways: Gateways, exclusive: boolean): ReadonlyMap<string, number> => {
  const leading = new Map(led.map(({ share, service, port, envoyPort }) => [portKey(share.tailnet, service, port), envoyPort] as const));
  const wanted = new Set(wishes.map(({ at }) => at));
  const groupOf = (gateway: string): string => (exclusive ? '' : gateway);
  const taken = new Map<string, Set<number>>();
  const take = (gateway: string, port: number): void => {
    const group = groupOf(gateway);
    taken.set(group, (taken.get(group) ?? new Set<number>()).add(port));
  };
  for (const [key, { sockets }] of gateways) for (const { boundPort } of sockets) if (isEntrancePort(boundPort)) take(key, boundPort);
  // Nobody else gets what proxies lead somebody else's peers to.
  for (const { share, service, port, envoyPort } of led)
    if (!wanted.has(portKey(share.tailnet, service, port))) take(share.gateway, envoyPort);
  const groups = Map.groupBy(wishes, ({ service }) => groupOf(service.candidate.share.gateway));
  return new Map(
    [...groups].flatMap(([group, ofGroup]) => [
      ...allottedPorts(
        ofGroup.map(({ at }) => {
          const hint = leading.get(at);
          return hint === undefined ? { key: at } : { key: at, hint };
        }),
        taken.get(group) ?? new Set(),
      ),
    ]),
  );
};

/** What proxies lead to and nobody answers, once for each port of Envoy. Proxies of a group lead to several Gateways: to which one is not known. */
const lingering = (led: readonly Led[], wishes: readonly Wish[], ports: ReadonlyMap<string, number>): readonly Led[] => {
  const live = new Set(wishes.map(({ at }) => `${at} ${ports.get(at) ?? ''}`));
  const used = new Set(wishes.map(({ at, service }) => `${service.candidate.share.gateway} ${ports.get(at) ?? ''}`));
  return led.filter(({ share, service, port, envoyPort }) => {
    const at = `${share.gateway} ${envoyPort}`;
    if (!isEntrancePort(envoyPort) || used.has(at) || live.has(`${portKey(share.tailnet, service, port)} ${envoyPort}`)) return false;
    used.add(at);
    return true;
  });
};

/** What proxies of TailscaleGateways lead to now, of those that are going too. */
const ledBuilder = (): ((shares: readonly Share[], proxies: Proxies) => readonly Led[]) => {
  const ofShare = memo((share: Share) =>
    memo((served: NonNullable<ReturnType<Proxies['get']>>['served'] & object) =>
      [...served].flatMap(([service, ports]) => [...ports].map(([port, envoyPort]): Led => ({ share, service, port, envoyPort }))),
    ),
  );
  let last: readonly Led[] = [];
  return lastCall((shares: readonly Share[], proxies: Proxies) => {
    const led = shares.flatMap((share) => {
      const served = proxies.get(share.set)?.served;
      return served === undefined ? [] : ofShare(share)(served);
    });
    last = sameElements(last, led);
    return last;
  });
};

/** Adds entrances to a Gateway, and what their routes use where no listener of its own serves them. */
const gatewayAdder = (): ((gateway: Gateway, sockets: readonly Socket[], services: Services) => Gateway) => {
  const added = memo((gateway: Gateway) => {
    let last: { readonly sockets: readonly Socket[]; readonly node: Gateway } | undefined;
    return (sockets: readonly Socket[], services: Services): Gateway => {
      if (last?.sockets === sockets) return last.node;
      const name = `${gateway.namespace}/${gateway.name}`;
      const used = [...services.values()].flatMap((service) => (service.candidate.share.gateway === name ? [usedBy(service)] : []));
      const node = {
        ...gateway,
        sockets: [...gateway.sockets, ...sockets],
        backends: completed(
          gateway.backends,
          used.map(({ backends }) => backends),
        ),
        secrets: completed(
          gateway.secrets,
          used.map(({ secrets }) => secrets),
        ),
      };
      last = { sockets, node };
      return node;
    };
  });
  return (gateway, sockets, services) => (sockets.length === 0 ? gateway : added(gateway)(sockets, services));
};

const completed = <V extends Backend | TlsSecret>(known: readonly V[], used: readonly (readonly V[])[]): readonly V[] => {
  const ids = new Map(known.map((value) => [value.id, value]));
  const before = ids.size;
  for (const values of used) for (const value of values) if (!ids.has(value.id)) ids.set(value.id, value);
  return ids.size === before ? known : [...ids.values()].toSorted((one, other) => byCodeUnit(one.id, other.id));
};

type Used = Pick<Gateway, 'backends' | 'secrets'>;

const usedBy = memo(({ plan: { ports } }: SharedService): Used => {
  const nodes = ports.flatMap(({ mode, routes }) =>
    routes.flatMap(({ places }) => places.map(({ attached: { node } }) => (mode === 'tls-end' ? (node.terminated ?? node) : node))),
  );
  const own = ports.flatMap(({ tls }) =>
    tls === undefined ? [] : [...tls.certificates, ...(tls.clientValidation ? [tls.clientValidation.ca] : [])],
  );
  return { backends: nodes.flatMap(({ backends }) => backends), secrets: [...nodes.flatMap(({ secrets }) => secrets), ...own] };
});
