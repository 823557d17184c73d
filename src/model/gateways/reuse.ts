import { commonEnds, withMiddle } from '../../lib/changes.ts';
import { reuse, reuseBy } from '../../lib/equal.ts';
import { areSame } from '../../lib/memo.ts';
import type { Gateway, Listener, Socket, VirtualHost } from '../graph.ts';
import type { Infrastructure } from '../infrastructure.ts';

/** Gives the nodes of derived Gateways, and in a Gateway that was derived anew the parts that mean what they meant. */
export const gatewaysSettler = (): ((derived: readonly { readonly node?: Gateway }[]) => ReadonlyMap<string, Gateway>) => {
  const known = new WeakMap<Gateway, Gateway>();
  let last: ReadonlyMap<string, Gateway> = new Map();
  return (derived) => {
    const gateways = new Map<string, Gateway>();
    for (const { node } of derived) {
      if (node === undefined) continue;
      const key = `${node.namespace}/${node.name}`;
      const settled = known.get(node) ?? reuseGateway(last.get(key) ?? node, node);
      known.set(node, settled);
      gateways.set(key, settled);
    }
    if (gateways.size !== last.size || [...gateways].some(([key, node]) => last.get(key) !== node)) last = gateways;
    return last;
  };
};

/** Gives what derived Gateways want of their proxies; what says the same is the same object as before, and so is the whole. */
export const infrastructuresSettler = (): ((
  derived: readonly { readonly infrastructure?: Infrastructure }[],
) => ReadonlyMap<string, Infrastructure>) => {
  let last: ReadonlyMap<string, Infrastructure> = new Map();
  return (derived) => {
    const now = new Map<string, Infrastructure>();
    for (const { infrastructure } of derived) {
      if (infrastructure === undefined) continue;
      const key = `${infrastructure.namespace}/${infrastructure.name}`;
      now.set(key, reuse(last.get(key) ?? infrastructure, infrastructure));
    }
    if (now.size !== last.size || [...now].some(([key, one]) => last.get(key) !== one)) last = now;
    return last;
  };
};

/** `next`, with every part of `previous` that means the same in its place, so that what was made from those parts is kept. */
const reuseGateway = (previous: Gateway, next: Gateway): Gateway =>
  reuse(previous, {
    ...next,
    sockets: reuseBy(previous.sockets, next.sockets, socketName, reuseSocket),
    backends: reuseBy(previous.backends, next.backends, ({ id }) => id, reuse),
    secrets: reuseBy(previous.secrets, next.secrets, ({ id }) => id, reuse),
  });

const socketName = ({ port, transport, tailnet }: Socket): string =>
  tailnet === undefined ? `${port}/${transport}` : `${tailnet.tailnet}/${tailnet.service}/${port}`;

const reuseSocket = (previous: Socket, next: Socket): Socket =>
  reuse(previous, { ...next, listeners: reuseBy(previous.listeners, next.listeners, ({ name }) => name, reuseListener) });

const reuseListener = (previous: Listener, next: Listener): Listener => {
  if (isHttp(previous) && isHttp(next)) {
    const virtualHosts = reuseAmong(previous.virtualHosts, next.virtualHosts);
    return reuse(previous, {
      ...next,
      virtualHosts,
      ...(next.tls === undefined ? {} : { tls: reuse(previous.tls ?? next.tls, next.tls) }),
    });
  }
  return reuse(previous, next);
};

/** Of thousands, only those between the first and the last that is another object are looked at. */
const reuseAmong = (previous: readonly VirtualHost[], next: readonly VirtualHost[]): readonly VirtualHost[] => {
  const { start, end } = commonEnds(previous, next);
  const [before, after] = [previous.slice(start, previous.length - end), next.slice(start, next.length - end)];
  const middle = reuseBy(before, after, ({ domain }) => domain, reuse);
  if (middle === before) return previous;
  return areSame(middle, after) ? next : withMiddle(next, start, end, middle);
};

type Http = Extract<Listener, { readonly protocol: 'HTTP' | 'HTTPS' }>;
const isHttp = (listener: Listener): listener is Http => listener.protocol === 'HTTP' || listener.protocol === 'HTTPS';
