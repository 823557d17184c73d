import { memo } from '../../src/lib/memo.ts';
import type { TailnetEntrance } from '../../src/model/graph.ts';
import { peerIndexName, peerIndexParts, peerShards, peersName } from '../names.ts';
import type { HttpFilter } from '../types.ts';
import { adsSource } from './config-source.ts';

/** What a slot is: a table in Lua, such a table for some requests only, or nothing. */
export const peersMessages = {
  lua: 'envoy.extensions.filters.http.lua.v3.Lua',
  matched: 'envoy.extensions.common.matching.v3.ExtensionWithMatcher',
  idle: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
} as const;

const typeUrls = Object.values(peersMessages).map((name) => `type.googleapis.com/${name}`);

export const indexNamesOf = (tailnet: string): readonly string[] =>
  Array.from({ length: peerIndexParts }, (_, part) => peerIndexName(tailnet, part));

export const shardNamesOf = (tailnet: string): readonly string[] =>
  Array.from({ length: peerShards }, (_, shard) => peersName(tailnet, shard));

/**
 * HTTP filters of an entrance that find out who asks, before any filter that wants to know; the index first, which tells the shard. They are as many for
 * every tailnet and never change, so that nothing that becomes of its machines touches a listener; what they do comes by ECDS.
 */
export const peerFiltersOf = memo(({ tailnet }: TailnetEntrance): readonly HttpFilter[] =>
  [...indexNamesOf(tailnet), ...shardNamesOf(tailnet)].map((name) => ({ name, configDiscovery: { configSource: adsSource, typeUrls } })),
);
