import { byCodeUnit } from '../../src/lib/key.ts';
import type { Identities, IdentityRule, Peer, Peers } from '../../src/model/graph.ts';

/** Addresses of the peers whom all rules let through, sorted: what routes ask by what is said of a peer, where only its address can be looked at. */
export const addressesMeant = (rules: readonly IdentityRule[], { byNode }: Peers): readonly string[] =>
  [...byNode.values()]
    .filter((peer) => rules.every(({ allow, deny }) => !(deny && isMeant(deny, peer)) && (allow === undefined || isMeant(allow, peer))))
    .flatMap(({ addresses }) => addresses)
    .toSorted(byCodeUnit);

const isMeant = ({ users, groups, tags, nodes }: Identities, peer: Peer): boolean =>
  users.some((user) => user !== '' && isSameText(user, peer.user)) ||
  groups.some((group) => peer.groups.includes(group)) ||
  tags.some((tag) => peer.tags.includes(tag)) ||
  nodes.some((node) => namesOf(peer).some((name) => isSameText(node, name)));

const namesOf = ({ node, external }: Peer): readonly string[] => (external ? [node] : [node, node.split('.')[0] ?? node]);

const isSameText = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
