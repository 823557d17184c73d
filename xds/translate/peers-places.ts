import xxhash from 'xxhash-wasm';
import { memo } from '../../src/lib/memo.ts';
import type { Peer } from '../../src/model/graph.ts';
import { peerIndexParts, peerShards } from '../names.ts';

const hasher = await xxhash();

/**
 * Which of `parts` a text falls into, counted from zero, as Envoy's ConsistentHashing reckons it: xxHash64 of seed 0, modulo
 * (envoy/extensions/matching/input_matchers/consistent_hashing/v3/consistent_hashing.proto).
 */
export const partOf = (text: string, parts: number): number => Number(hasher.h64(text) % BigInt(parts));

/** A machine in one shard, by those of its addresses that lead there. */
export type Place = { readonly shard: number; readonly peer: Peer };

export const isIPv6 = (address: string): boolean => address.includes(':');

/**
 * Where a machine is to be found: in the shard of its IPv4 address, which Envoy finds by itself, with its IPv6 addresses, for which there is the index. One
 * of several IPv4 addresses, which Tailscale gives to nobody so far, is in the shards of each.
 */
export const placesOf = memo((peer: Peer): readonly Place[] => {
  const [first = peer.addresses[0] ?? '', ...others] = peer.addresses.filter((address) => !isIPv6(address));
  const own = others.length === 0 ? peer : { ...peer, addresses: peer.addresses.filter((address) => !others.includes(address)) };
  return [
    { shard: partOf(first, peerShards), peer: own },
    ...others.map((address) => ({ shard: partOf(address, peerShards), peer: { ...peer, addresses: [address] } })),
  ];
});

/** What one part of the index says of an address; `text`, `<shard> <address>`, is all of it. */
export type Entry = { readonly part: number; readonly text: string };

export const entriesOf = memo((peer: Peer): readonly Entry[] => {
  const [{ shard } = { shard: 0 }] = placesOf(peer);
  return peer.addresses.filter(isIPv6).map((address) => ({ part: partOf(address, peerIndexParts), text: `${shard} ${address}` }));
});
