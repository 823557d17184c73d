import { byCodeUnit } from '../../src/lib/key.ts';
import { areSame, sameElements } from '../../src/lib/memo.ts';
import type { Peer, Peers } from '../../src/model/graph.ts';
import { any } from '../any.ts';
import { peerShards, peersName } from '../names.ts';
import type { Resource } from '../resources.ts';
import { peersScript } from './peers-lua.ts';
import { peersMessages } from './peers-slots.ts';

type Extension = Resource<'TypedExtensionConfig'>;
type Shard = { readonly peers: readonly Peer[]; readonly resource: Extension };

/** So many peers are one script of some 50 kB: quickly sent, and one filter to pass for a request. Tailnets with more are cut into all shards. */
const peersInOne = 500;

/**
 * A function from who is in a tailnet to what tells Envoys so: one filter for each shard of its machines, all of them always there. Those of unused
 * shards do nothing. A shard none of whose machines changed is the same object as last time; the addresses of one machine are in one.
 */
export const peersResourcesFrom = (tailnet: string): ((peers: Peers) => readonly Extension[]) => {
  const none = Array.from({ length: peerShards }, (_, shard) => extensionFrom(peersName(tailnet, shard), idle));
  let last: { readonly peers: Peers; readonly shards: readonly Shard[]; readonly resources: readonly Extension[] } | undefined;
  let isCut = false;
  const shardsOf = sharder();
  return (peers) => {
    if (last?.peers === peers) return last.resources;
    // With some way between back and forth: a table that is cut anew moves as a whole.
    isCut = peers.byNode.size > (isCut ? peersInOne / 2 : peersInOne);
    const former = last?.shards ?? [];
    const shards = shardsOf(peers, isCut).map((members, shard): Shard => {
      const before = former[shard];
      if (before !== undefined && areSame(before.peers, members)) return before;
      const resource =
        members.length === 0 ? none[shard] : extensionFrom(peersName(tailnet, shard), lua(peersScript(members), peersName(tailnet, shard)));
      if (resource === undefined) throw new Error('unreachable: a shard without a name');
      return { peers: members, resource };
    });
    last = {
      peers,
      shards,
      resources: sameElements(
        last?.resources,
        shards.map(({ resource }) => resource),
      ),
    };
    return last.resources;
  };
};

const extensionFrom = (name: string, typedConfig: Extension['message']['typedConfig']): Extension => ({
  name,
  message: { name, typedConfig },
  owners: [],
});

const idle = any(peersMessages.idle, {});

/** Envoy makes one machine for equal scripts of one id, however many listeners use them: without that each listener would have a table of its own. */
const lua = (script: string, sharedVmId: string) => any(peersMessages.lua, { defaultSourceCode: { inlineString: script }, sharedVmId });

/**
 * A function that cuts peers by node id, so that shards have equal members in an equal order wherever they are made. It remembers how, as most of the time
 * the same machines are there.
 */
const sharder = (): ((peers: Peers, isCut: boolean) => readonly (readonly Peer[])[]) => {
  let last: { readonly isCut: boolean; readonly count: number; readonly shards: readonly (readonly string[])[] } | undefined;
  const cut = ({ byNode }: Peers, isCut: boolean): NonNullable<typeof last> => {
    const shards: string[][] = Array.from({ length: peerShards }, () => []);
    for (const id of byNode.keys()) shards[isCut ? shardOf(id) : 0]?.push(id);
    return { isCut, count: byNode.size, shards: shards.map((ids) => ids.toSorted(byCodeUnit)) };
  };
  return (peers, isCut) => {
    const { byNode } = peers;
    const isAsBefore = last?.isCut === isCut && last.count === byNode.size && last.shards.every((ids) => ids.every((id) => byNode.has(id)));
    if (last === undefined || !isAsBefore) last = cut(peers, isCut);
    return last.shards.map((ids) => ids.flatMap((id) => byNode.get(id) ?? []));
  };
};

/** FNV-1a of the id, with its high bits folded in: the low bits alone follow the last letters of ids, which are often the same. */
const shardOf = (id: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return ((hash ^ (hash >>> 16)) >>> 0) % peerShards;
};
