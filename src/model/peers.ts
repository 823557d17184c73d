import type { Device, KnownTailnet, TailnetState } from '../api/observations.ts';
import { equal } from '../lib/equal.ts';
import { sameElements } from '../lib/memo.ts';
import type { Gateway, Graph, Peer, Peers } from './graph.ts';
import { groupsByUser, type PeopleOf, peerFrom } from './peers-device.ts';

const nobody: Peers = { byNode: new Map() };

/**
 * A function that tells who is behind which address, in each tailnet that peers of it reach some Gateway from. Peers whose machine did not change,
 * Peers of which none did, and the whole where nothing did, are the same objects as last time. Nobody is known in a tailnet that was not heard of, or
 * too long ago: better no identity than one that may be another's by now.
 */
export const peersBuilder = (): ((
  gateways: ReadonlyMap<string, Gateway>,
  tailnets: ReadonlyMap<string, TailnetState>,
) => Graph['peers']) => {
  const builders = new Map<string, ReturnType<typeof tailnetBuilder>>();
  let entered: { readonly gateways: ReadonlyMap<string, Gateway>; readonly names: readonly string[] } | undefined;
  let last: Graph['peers'] = new Map();
  return (gateways, tailnets) => {
    if (entered?.gateways !== gateways) entered = { gateways, names: sameElements(entered?.names, entrancesIn(gateways)) };
    const { names } = entered;
    for (const name of builders.keys()) if (!names.includes(name)) builders.delete(name);
    const next = new Map<string, Peers>();
    for (const name of names) {
      const build = builders.get(name) ?? tailnetBuilder();
      builders.set(name, build);
      next.set(name, build(tailnets.get(name)));
    }
    if (next.size !== last.size || [...next].some(([name, peers]) => last.get(name) !== peers)) last = next;
    return last;
  };
};

const entrancesIn = (gateways: ReadonlyMap<string, Gateway>): readonly string[] => {
  const names = new Set<string>();
  for (const { sockets } of gateways.values()) for (const { tailnet } of sockets) if (tailnet !== undefined) names.add(tailnet.tailnet);
  return [...names].toSorted();
};

const tailnetBuilder = (): ((state: TailnetState | undefined) => Peers) => {
  let people: PeopleOf | undefined;
  let known: Pick<KnownTailnet, 'devices' | 'groups' | 'displayNames'> | undefined;
  let made = new WeakMap<Device, Peer>();
  let last = nobody;
  return (state) => {
    if (state?.known === undefined || state.trouble?.anonymous) {
      known = undefined;
      last = nobody;
      return last;
    }
    const { devices, groups, displayNames } = state.known;
    if (known?.devices === devices && known.groups === groups && known.displayNames === displayNames) return last;
    if (people === undefined || known === undefined || known.groups !== groups || known.displayNames !== displayNames) {
      people = { groupsOf: groupsByUser(groups), displayNames: displayNames ?? new Map() };
      made = new WeakMap();
    }
    known = state.known;
    last = peersFrom(devices, people, made, last);
    return last;
  };
};

const peersFrom = (devices: ReadonlyMap<string, Device>, people: PeopleOf, made: WeakMap<Device, Peer>, before: Peers): Peers => {
  const byNode = new Map<string, Peer>();
  for (const [id, device] of devices) {
    if (!isPeer(device)) continue;
    const peer = made.get(device) ?? as(before.byNode.get(id), peerFrom(device, people));
    made.set(device, peer);
    byNode.set(id, peer);
  }
  const contested = contestedBy(byNode.values());
  for (const [id, peer] of byNode) {
    const addresses = contested.size === 0 ? peer.addresses : peer.addresses.filter((address) => !contested.has(address));
    if (addresses.length === 0) byNode.delete(id);
    else if (addresses.length < peer.addresses.length) byNode.set(id, as(before.byNode.get(id), { ...peer, addresses }));
  }
  const isSame = byNode.size === before.byNode.size && [...byNode].every(([id, peer]) => before.byNode.get(id) === peer);
  return isSame ? before : { byNode };
};

const as = (former: Peer | undefined, peer: Peer): Peer => (former !== undefined && equal(former, peer) ? former : peer);

/** One that is offline may connect at any moment, and then be asked who it is before the tailnet is asked again. */
const isPeer = ({ authorized, expired }: Device): boolean => authorized && !expired;

/** Addresses of several machines at once, which no tailnet should have: then they are nobody's. */
const contestedBy = (peers: Iterable<Peer>): ReadonlySet<string> => {
  const seen = new Set<string>();
  const contested = new Set<string>();
  for (const { addresses } of peers)
    for (const address of addresses)
      if (seen.has(address)) contested.add(address);
      else seen.add(address);
  return contested;
};
