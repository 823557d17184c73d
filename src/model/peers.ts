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
  let claims = new Claims();
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
      claims = new Claims();
    }
    known = state.known;
    last = peersFrom({ devices, people, made, claims }, last);
    return last;
  };
};

type Parts = {
  readonly devices: ReadonlyMap<string, Device>;
  readonly people: PeopleOf;
  readonly made: WeakMap<Device, Peer>;
  readonly claims: Claims;
};

const peersFrom = ({ devices, people, made, claims }: Parts, before: Peers): Peers => {
  const byNode = new Map<string, Peer>();
  for (const [id, device] of devices) {
    if (!isPeer(device)) continue;
    const peer = made.get(device) ?? as(before.byNode.get(id), peerFrom(device, people));
    made.set(device, peer);
    byNode.set(id, peer);
  }
  const contested = claims.contestedBy(byNode);
  for (const [id, peer] of contested.size === 0 ? [] : byNode) {
    const addresses = peer.addresses.filter((address) => !contested.has(address));
    if (addresses.length === 0) byNode.delete(id);
    else if (addresses.length < peer.addresses.length) byNode.set(id, as(before.byNode.get(id), { ...peer, addresses }));
  }
  const isSame = byNode.size === before.byNode.size && [...byNode].every(([id, peer]) => before.byNode.get(id) === peer);
  return isSame ? before : { byNode };
};

const as = (former: Peer | undefined, peer: Peer): Peer => (former !== undefined && equal(former, peer) ? former : peer);

/** One that is offline may connect at any moment, and then be asked who it is before the tailnet is asked again. */
const isPeer = ({ authorized, expired }: Device): boolean => authorized && !expired;

/** Who claims which address. Of thousands of machines hardly one changes: only that one's addresses are looked at. */
class Claims {
  readonly #holders = new Map<string, number>();
  readonly #contested = new Set<string>();
  #last: ReadonlyMap<string, Peer> = new Map();

  /** Addresses of several of these machines at once, which no tailnet should have: then they are nobody's. */
  contestedBy(peers: ReadonlyMap<string, Peer>): ReadonlySet<string> {
    for (const [id, peer] of this.#last) if (peers.get(id) !== peer) this.#count(peer, -1);
    for (const [id, peer] of peers) if (this.#last.get(id) !== peer) this.#count(peer, 1);
    this.#last = new Map(peers);
    return this.#contested;
  }

  #count({ addresses }: Peer, by: 1 | -1): void {
    for (const address of addresses) {
      const holders = (this.#holders.get(address) ?? 0) + by;
      if (holders === 0) this.#holders.delete(address);
      else this.#holders.set(address, holders);
      if (holders > 1) this.#contested.add(address);
      else this.#contested.delete(address);
    }
  }
}
