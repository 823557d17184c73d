import { memo } from '../../src/lib/memo.ts';
import type { TailnetEntrance } from '../../src/model/graph.ts';
import { peerShards, peersName } from '../names.ts';
import type { HttpFilter } from '../types.ts';
import { adsSource } from './config-source.ts';

/** What a shard is: a table in Lua, or nothing. */
export const peersMessages = {
  lua: 'envoy.extensions.filters.http.lua.v3.Lua',
  idle: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
} as const;

/**
 * HTTP filters of an entrance that find out who asks, before any filter that wants to know. They are as many for every tailnet and never change, so that
 * nothing that becomes of its machines touches a listener; what they do comes by ECDS.
 */
export const peerFiltersOf = memo(({ tailnet }: TailnetEntrance): readonly HttpFilter[] =>
  Array.from({ length: peerShards }, (_, shard) => ({
    name: peersName(tailnet, shard),
    configDiscovery: { configSource: adsSource, typeUrls: Object.values(peersMessages).map((name) => `type.googleapis.com/${name}`) },
  })),
);
