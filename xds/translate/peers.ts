import { byCodeUnit } from '../../src/lib/key.ts';
import { areSame, sameElements } from '../../src/lib/memo.ts';
import type { Peer, Peers } from '../../src/model/graph.ts';
import { any } from '../any.ts';
import { peerIndexParts, peerShards } from '../names.ts';
import type { Resource } from '../resources.ts';
import type { Any } from '../types.ts';
import { indexScript, peersScript } from './peers-lua.ts';
import { ofIndexPart, ofShard } from './peers-matching.ts';
import { entriesOf, placesOf } from './peers-places.ts';
import { indexNamesOf, peersMessages, shardNamesOf } from './peers-slots.ts';

type Extension = Resource<'TypedExtensionConfig'>;

/** So many peers are one script of some 50 kB: quickly sent, and one filter to pass for a request. Tailnets with more are cut into all shards. */
const peersInOne = 500;

/**
 * A function from who is in a tailnet to what tells Envoys so: one filter for each shard of its machines and each part of the index, all of them always
 * there. Those of unused ones do nothing. A shard none of whose machines changed is the same object as last time; all that is known of one machine is in
 * one. A machine that changes moves its shard, and one that comes or goes its part of the index besides.
 */
export const peersResourcesFrom = (tailnet: string): ((peers: Peers) => readonly Extension[]) => {
  const [indexNames, shardNames] = [indexNamesOf(tailnet), shardNamesOf(tailnet)];
  const indexSlots = slots(indexNames, (entries: readonly string[], part) =>
    ofIndexPart(part, lua(indexScript(entries), indexNames[part])),
  );
  const shardSlots = slots(shardNames, (members: readonly Peer[], shard) => ofShard(shard, lua(peersScript(members), shardNames[shard])));
  const oneSlot = slots(shardNames, (members: readonly Peer[], shard) => lua(peersScript(members), shardNames[shard]));
  let last: { readonly peers: Peers; readonly resources: readonly Extension[] } | undefined;
  let isCut = false;
  const [sorted, cut] = [sorter(), cutter()];
  return (peers) => {
    if (last?.peers === peers) return last.resources;
    // With some way between back and forth: a table that is cut anew moves as a whole.
    isCut = peers.byNode.size > (isCut ? peersInOne / 2 : peersInOne);
    const all = sorted(peers);
    const parts = isCut ? cut(all) : { index: [], shards: [] };
    const [index, shards, one] = [indexSlots(parts.index), shardSlots(parts.shards), oneSlot(isCut ? [] : [all])];
    const resources = [...index, ...(isCut ? shards : one)];
    last = { peers, resources: sameElements(last?.resources, resources) };
    return last.resources;
  };
};

/** A function that gives, by place, what says `members` of each; of nobody nothing. Where they are the same, so is what says them. */
const slots = <M>(names: readonly string[], configOf: (members: readonly M[], place: number) => Any) => {
  type Slot = { readonly members: readonly M[]; readonly resource: Extension };
  let last: readonly Slot[] = names.map((name) => ({ members: [], resource: extensionFrom(name, idle) }));
  const unused = last;
  return (all: readonly (readonly M[])[]): readonly Extension[] => {
    last = last.map((before, place) => {
      const members = all[place] ?? [];
      if (areSame(before.members, members)) return before;
      const { name } = before.resource;
      return members.length === 0 ? (unused[place] ?? before) : { members, resource: extensionFrom(name, configOf(members, place)) };
    });
    return last.map(({ resource }) => resource);
  };
};

type Cut = { readonly shards: readonly (readonly Peer[])[]; readonly index: readonly (readonly string[])[] };

/** A function from peers to the members of each shard and each part of the index: what does not change of them is the same list. */
const cutter = (): ((all: readonly Peer[]) => Cut) => {
  let last: { readonly all: readonly Peer[]; readonly cut: Cut } | undefined;
  return (all) => {
    last = { all, cut: (last === undefined ? undefined : patched(last.all, last.cut, all)) ?? cutFrom(all) };
    return last.cut;
  };
};

const cutFrom = (all: readonly Peer[]): Cut => {
  const shards: Peer[][] = Array.from({ length: peerShards }, () => []);
  const index: string[][] = Array.from({ length: peerIndexParts }, () => []);
  for (const whole of all) {
    for (const { shard, peer } of placesOf(whole)) shards[shard]?.push(peer);
    for (const { part, text } of entriesOf(whole)) index[part]?.push(text);
  }
  return { shards, index };
};

/** The cut of `now` by what it was of `before`, where machines are different and all have the addresses that they had; else nothing. */
const patched = (before: readonly Peer[], { shards, index }: Cut, now: readonly Peer[]): Cut | undefined => {
  if (before.length !== now.length) return undefined;
  const renewed = new Map<Peer, Peer>();
  const touched = new Set<number>();
  for (const [at, peer] of now.entries()) {
    const former = before[at];
    if (former === peer || former === undefined) continue;
    const [place, another] = placesOf(former);
    if (place === undefined || another !== undefined || !areSame(former.addresses, peer.addresses)) return undefined;
    renewed.set(former, peer);
    touched.add(place.shard);
  }
  return { index, shards: shards.map((members, shard) => (touched.has(shard) ? members.map((one) => renewed.get(one) ?? one) : members)) };
};

/** A function that puts peers in the order of their node ids, which it remembers, as most of the time the same machines are there. */
const sorter = (): ((peers: Peers) => readonly Peer[]) => {
  let ids: readonly string[] = [];
  const found = ({ byNode }: Peers): readonly Peer[] => ids.map((id) => byNode.get(id)).filter((peer) => peer !== undefined);
  return (peers) => {
    const { byNode } = peers;
    const all = ids.length === byNode.size ? found(peers) : [];
    if (all.length === byNode.size) return all;
    ids = [...byNode.keys()].toSorted(byCodeUnit);
    return found(peers);
  };
};

const extensionFrom = (name: string, typedConfig: Any): Extension => ({ name, message: { name, typedConfig }, owners: [] });

const idle = any(peersMessages.idle, {});

/** Envoy makes one machine for equal scripts of one id, however many listeners use them: without that each listener would have a table of its own. */
const lua = (script: string, sharedVmId = ''): Any => any(peersMessages.lua, { defaultSourceCode: { inlineString: script }, sharedVmId });
