import { describe, expect, it } from 'vitest';
import type { Identities, Peer } from '../../src/model/graph.ts';
import { addressesMeant } from './addresses-meant.ts';

const policy = 'TailscaleRoutePolicy/default/who' as const;
const who = (more: Partial<Identities>): Identities => ({ users: [], groups: [], tags: [], nodes: [], ...more });
const peerOf = (node: string, addresses: readonly string[], more: Partial<Peer> = {}): Peer => ({
  addresses,
  user: '',
  displayName: '',
  groups: [],
  tags: [],
  node,
  ...more,
});
const peers = {
  byNode: new Map(
    [
      peerOf('ci.tail1.example', ['100.64.0.2', 'fd7a::2'], { tags: ['tag:dev'] }),
      peerOf('ci.tail2.example', ['100.64.0.3'], { user: 'Ann@example.com', external: true }),
      peerOf('web.tail1.example', ['100.64.0.1'], { tags: ['tag:dev2'], groups: ['group:all'] }),
    ].map((peer) => [peer.node, peer]),
  ),
};
const meant = (...rules: readonly { readonly allow?: Identities; readonly deny?: Identities }[]): readonly string[] =>
  addressesMeant(
    rules.map((rule) => ({ policy, ...rule })),
    peers,
  );

describe('the addresses that rules let through', () => {
  it('are all of a peer, by whole tags and groups, and users and names in any case', () => {
    expect(meant({ allow: who({ tags: ['tag:dev'] }) })).toEqual(['100.64.0.2', 'fd7a::2']);
    expect(meant({ allow: who({ groups: ['group:all'] }) })).toEqual(['100.64.0.1']);
    expect(meant({ allow: who({ users: ['ann@EXAMPLE.com'] }) })).toEqual(['100.64.0.3']);
  });

  it('are those of a machine by its first label only within its own tailnet', () => {
    expect(meant({ allow: who({ nodes: ['CI'] }) })).toEqual(['100.64.0.2', 'fd7a::2']);
    expect(meant({ allow: who({ nodes: ['ci.tail2.example'] }) })).toEqual(['100.64.0.3']);
  });

  it('are of peers who meet every rule, and whom none denies', () => {
    expect(meant({ deny: who({ tags: ['tag:dev'] }) })).toEqual(['100.64.0.1', '100.64.0.3']);
    expect(meant({ deny: who({ tags: ['tag:dev'] }) }, { allow: who({ tags: ['tag:dev', 'tag:dev2'] }) })).toEqual(['100.64.0.1']);
    expect(meant({ allow: who({}) })).toEqual([]);
    expect(meant({ allow: who({ users: [''] }) })).toEqual([]);
  });
});
