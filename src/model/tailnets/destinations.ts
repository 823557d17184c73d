import type { ObservedProxies } from '../../api/observations.ts';
import { byCodeUnit, localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import type { Endpoint, Via } from '../graph.ts';
import type { Forward } from '../proxy-set.ts';
import type { ModelTables } from '../tables.ts';
import { type Carrier, type ProxyCarrier, readyProxies } from './carriers.ts';
import { forwardName, type ForwardTarget } from './forwards.ts';
import type { Machine } from './machines.ts';
import { forwardTargetOf, wantedForwards } from './wanted-forwards.ts';

/** One machine, or anything else that traffic goes to, at each of its endpoints alike: they share its weight. */
export type Destination = { readonly weight: number; readonly healthy: boolean; readonly endpoints: readonly Place[] };

/** Where an endpoint is; whether it is healthy is its destination's matter. */
export type Place = Pick<Endpoint, 'address' | 'port' | 'via'>;

/** What can be reached: a Machine, or what is told of like one. */
export type Reachable = Pick<Machine, 'target' | 'port' | 'protocol' | 'weight' | 'healthy' | 'external'>;

/** Where Envoys reach these, in the same order; nowhere while no proxy is ready, or a name has no address that is needed. */
export const destinationsOf = (reachable: readonly Reachable[], carrier: Carrier, read: Read<ModelTables>): readonly Destination[] => {
  const placesOf = placesBy(carrier, read);
  return reachable.map((one) => ({
    weight: one.weight,
    healthy: one.healthy,
    endpoints: one.external === undefined ? placesOf(one) : externalPlaces(one, one.external.port),
  }));
};

const externalPlaces = ({ target, protocol }: Reachable, port: number): readonly Place[] => {
  if (target.ip !== undefined) return [{ address: target.ip, port }];
  // Packets cannot go through what resolves names.
  return target.name === undefined || protocol === 'UDP' ? [] : [{ address: target.name, port, via: dns }];
};

const dns: Via = { kind: 'dns' };

const placesBy = (carrier: Carrier, read: Read<ModelTables>): ((one: Reachable) => readonly Place[]) => {
  if (carrier.mode === 'direct') return ({ target, port }) => (target.ip === undefined ? [] : [{ address: target.ip, port }]);
  if (carrier.mode === 'forward') return forwardedPlaces(carrier, read);
  const ways = readyProxies(carrier.set, read).map((proxy): Via => ({ kind: 'proxy', proxy, set: carrier.set }));
  // What users made of one proxy has one endpoint per target.
  const used = carrier.replicas === 1 ? ways.slice(0, 1) : ways;
  return ({ target, port }) => {
    const address = target.name ?? target.ip;
    return address === undefined ? [] : used.map((via) => ({ address, port, via }));
  };
};

/** Ports of ready pods that lead to a target: where pods can be seen, of those that say so, else of all, as if they did what they should. */
const forwardedPlaces = (carrier: ProxyCarrier, read: Read<ModelTables>): ((one: Reachable) => readonly Place[]) => {
  const ready = readyProxies(carrier.set, read).map(({ host }) => host);
  const observed = read('proxies', carrier.set);
  if (observed !== undefined) {
    return (one) => placesOn(forwardTargetOf(one), (target) => announced(target, observed, new Set(ready)));
  }
  const wanted = forwardsWantedOf(carrier, read);
  return (one) => placesOn(forwardTargetOf(one), (target) => expected(target, wanted, ready));
};

const placesOn = (target: ForwardTarget | undefined, placesOf: (target: ForwardTarget) => readonly Place[]): readonly Place[] =>
  target === undefined ? [] : placesOf(target);

const announced = (target: ForwardTarget, { pods }: ObservedProxies, ready: ReadonlySet<string>): readonly Place[] =>
  pods
    .flatMap(({ ips, forwards }) => {
      const address = ips.find((ip) => ready.has(ip));
      const port = matchPortIn(forwards?.get(forwardName(target)), target);
      return address === undefined || port === undefined ? [] : [{ address, port }];
    })
    .toSorted((one, other) => byCodeUnit(one.address, other.address));

const expected = (target: ForwardTarget, wanted: ReadonlyMap<string, Forward>, ready: readonly string[]): readonly Place[] => {
  const port = matchPortIn(wanted.get(forwardName(target))?.ports, target);
  return port === undefined ? [] : ready.map((address) => ({ address, port }));
};

const matchPortIn = (ports: Forward['ports'] | undefined, target: ForwardTarget): number | undefined =>
  ports?.find(({ protocol, targetPort }) => protocol === target.protocol && targetPort === target.port)?.matchPort;

const forwardsWantedOf = ({ owner }: ProxyCarrier, read: Read<ModelTables>): ReadonlyMap<string, Forward> => {
  const key = localKey(owner.namespace, owner.name);
  const object = owner.kind === 'TailscaleEndpoints' ? read('TailscaleEndpoints', key) : read('TailscaleProxyGroup', key);
  return object === undefined ? new Map() : wantedForwards(object, read);
};
