import type { Identities, IdentityRule, Peer } from '../../model/graph.ts';
import { canonicalAddress } from '../../model/peers-device.ts';
import { partsOf } from '../../lib/key.ts';
import { objectText } from '../../model/sharing/standing.ts';
import type { Step } from './explanation.ts';
import { stateText } from './machine-text.ts';
import { askServer } from './tailnet.ts';
import type { World } from './world.ts';

/** Who asks. `unsaid`: some peer of a tailnet, nobody said which; `unknown`: somebody whom no tailnet knows, as everybody is on a Gateway's own listeners. */
export type Asker = Peer | 'unsaid' | 'unknown';

/** The peer of a tailnet that somebody means by `--peer`: a node id, a MagicDNS name or its first label, or an address. */
export const askerFrom = (said: string, tailnet: string, world: World): { readonly asker: Asker; readonly step: Step } => {
  const peers = world.graph.peers.get(tailnet)?.byNode ?? new Map<string, Peer>();
  const name = said.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  const peer = peers.get(said) ?? [...peers.values()].find((one) => isCalled(name, one));
  const step = (detail: string): Step => ({ at: 'peer', name: said, detail });
  if (peer !== undefined) return { asker: peer, step: step(peerText(peer)) };
  if (!world.asked) return { asker: 'unsaid', step: step(`not looked up, as only files are read: ${askServer}`) };
  return { asker: 'unknown', step: step(strangerText(name, tailnet, world)) };
};

const isCalled = (name: string, { node, addresses }: Pick<Peer, 'node' | 'addresses'>): boolean => {
  const fqdn = node.toLowerCase();
  return (
    name === fqdn || name === fqdn.split('.')[0] || addresses.includes(URL.canParse(`http://[${name}]/`) ? canonicalAddress(name) : name)
  );
};

const peerText = ({ node, user, tags, groups }: Peer): string =>
  [node, user === '' ? tags.join(', ') : user, ...groups].filter((part) => part !== '').join(', ');

const strangerText = (name: string, tailnet: string, { tailnets }: World): string => {
  const { known, trouble } = tailnets.get(tailnet) ?? {};
  if (trouble?.anonymous) return `nobody of tailnet "${tailnet}" is known: ${trouble.message}`;
  if (known === undefined) return `tailnet "${tailnet}" has not been heard of yet, so nobody of it is known`;
  const device = [...known.devices.values()].find(({ fqdn, addresses }) => isCalled(name, { node: fqdn, addresses }));
  if (device !== undefined) return `${device.fqdn} is not taken for anybody: ${stateText(device)}`;
  return `no machine of tailnet "${tailnet}" has this name or address, so Envoy does not know who asks`;
};

/** Why a match that asks for peers does not hold; undefined where it does. */
export const peerMismatch = (asked: readonly Identities[], asker: Asker): string | undefined => {
  for (const identities of asked) {
    const whom = identitiesText(identities);
    if (asker === 'unsaid') return `is for peers of ${whom}: say which with --peer`;
    if (asker === 'unknown') return `is for peers of ${whom}, and nobody knows who asks here`;
    if (!lists.every((list) => identities[list].length === 0 || holds(identities, list, asker)))
      return `peer ${asker.node} is not of ${whom}`;
  }
  return undefined;
};

/** What rules ask of peers, a step each; `refused`: why the first of them that refuses this one does. */
export const identitySteps = (
  rules: readonly IdentityRule[] = [],
  asker: Asker,
): { readonly steps: readonly Step[]; readonly refused?: string } => {
  const judged = rules.map((rule) => ({ rule, ...judgementOf(rule, asker) }));
  return {
    steps: judged.map(({ rule, text }) => {
      const { namespace, name } = partsOf(rule.policy);
      return { at: 'identity', name: `${namespace}/${name}`, detail: `${ruleText(rule)}: ${text}`, object: rule.policy };
    }),
    ...refusalIn(judged),
  };
};

type Judgement = { readonly refused: boolean; readonly text: string };

const refusalIn = (judged: readonly (Judgement & { readonly rule: IdentityRule })[]): { readonly refused?: string } => {
  const first = judged.find(({ refused }) => refused);
  return first === undefined ? {} : { refused: `${objectText(first.rule.policy)}: ${first.text}` };
};

const judgementOf = ({ allow, deny }: IdentityRule, asker: Asker): Judgement => {
  if (asker === 'unsaid') return { refused: false, text: 'say --peer NAME to see whether one passes' };
  if (asker === 'unknown') return { refused: true, text: 'refused, as nobody knows who asks here' };
  const denied = deny && lists.filter((list) => holds(deny, list, asker));
  if (denied !== undefined && denied.length > 0) return { refused: true, text: `${asker.node} is denied by its ${denied.join(', ')}` };
  if (allow === undefined) return { refused: false, text: `${asker.node} passes, as the tailnet knows it` };
  const allowed = lists.filter((list) => holds(allow, list, asker));
  return allowed.length > 0
    ? { refused: false, text: `${asker.node} passes by its ${allowed.join(', ')}` }
    : { refused: true, text: `${asker.node} is refused: nothing of what is allowed is its own` };
};

const lists = ['users', 'groups', 'tags', 'nodes'] as const satisfies readonly (keyof Identities)[];

const holds = (identities: Identities, list: keyof Identities, peer: Peer): boolean =>
  identities[list].some((name) => namesOf(peer)[list].includes(name));

/** Logins and names as rules have them: in lower case; of machines of other tailnets only the whole name. */
const namesOf = ({ user, groups, tags, node, external }: Peer): Identities => {
  const fqdn = node.toLowerCase();
  return { users: user === '' ? [] : [user.toLowerCase()], groups, tags, nodes: [fqdn, ...(external ? [] : [fqdn.split('.')[0] ?? ''])] };
};

const ruleText = ({ allow, deny }: IdentityRule): string =>
  [
    ...(allow === undefined ? [] : [`allows ${identitiesText(allow)}`]),
    ...(deny === undefined ? [] : [`denies ${identitiesText(deny)}`]),
  ].join(', ');

const identitiesText = (identities: Identities): string =>
  lists
    .filter((list) => identities[list].length > 0)
    .map((list) => `${list} ${identities[list].join(' ')}`)
    .join(', ');
