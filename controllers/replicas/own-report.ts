import type { ClientStatus } from '../../xds/ads/events.ts';
import { messageNames, type ResourceType, typeUrlOf } from '../../xds/resources.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { equal } from '../../src/lib/equal.ts';
import { type GatewayReport, noReport, type Rejected, type Report, shortened } from './report.ts';

/** What is published, by Gateway (`namespace/name`). */
export type Published = {
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  /** Tells an edit of a Gateway from those before it, and from those of a namesake that was deleted. */
  readonly editions: ReadonlyMap<string, string>;
};

const types = Object.keys(messageNames) as readonly ResourceType[];
const typeOf = new Map(types.map((type) => [typeUrlOf(type), type]));

/**
 * What is known here of connected Envoys; `before` itself where that is the same. That an edition was accepted is remembered: it stays true
 * while the next change is on its way, and when the Envoy goes.
 */
export const ownReport = (clients: readonly ClientStatus[], { snapshots, editions }: Published, before: Report = noReport): Report => {
  const report = new Map<string, GatewayReport>();
  for (const [gateway, ofGateway] of Map.groupBy(clients, ({ group }) => group)) {
    const snapshot = snapshots.get(gateway);
    if (snapshot === undefined) continue;
    const edition = editions.get(gateway) ?? '';
    const known = before.get(gateway)?.accepted ?? '';
    const accepted = known !== edition && ofGateway.some((client) => hasAccepted(client, snapshot)) ? edition : known;
    report.set(gateway, { connected: nodesIn(ofGateway), accepted, rejections: rejectionsIn(ofGateway, snapshot) });
  }
  for (const [gateway, { accepted }] of before)
    if (accepted !== '' && !report.has(gateway) && snapshots.has(gateway)) report.set(gateway, { connected: 0, accepted, rejections: [] });
  const sorted = [...report].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return equal(sorted, [...before]) ? before : new Map(sorted);
};

/** An Envoy may use several streams, as with separate ones for each type. */
const nodesIn = (clients: readonly ClientStatus[]): number => new Set(clients.map(({ node }) => node.id)).size;

/**
 * Whether an Envoy holds what is published: the newest listeners and clusters, and nothing that it was sent is unanswered. What it rejects is
 * kept from it, and told of where it belongs.
 */
const hasAccepted = ({ types: held }: ClientStatus, snapshot: Snapshot): boolean =>
  (['Listener', 'Cluster'] as const).every((type) => {
    const typeUrl = typeUrlOf(type);
    const wanted = snapshot.get(typeUrl)?.version;
    const has = held.find((candidate) => candidate.typeUrl === typeUrl);
    return has?.acknowledged === true && (wanted === undefined || generationOf(has.version) === wanted);
  }) && held.every(({ acknowledged, version }) => acknowledged || version === '');

/** An Envoy that is kept from something is sent versions with a suffix. */
const generationOf = (version: string): string => version.split('~', 1)[0] ?? '';

const rejectionsIn = (clients: readonly ClientStatus[], snapshot: Snapshot): readonly Rejected[] => {
  const rejections = new Map<string, Rejected>();
  for (const { typeUrl, rejected, error } of clients.flatMap(({ types: held }) => held)) {
    const type = typeOf.get(typeUrl);
    if (type === undefined) continue;
    for (const name of rejected) {
      const version = snapshot.get(typeUrl)?.resources.get(name)?.version;
      if (version !== undefined) rejections.set(`${type} ${name}`, { type, name, version, error: shortened(error) });
    }
  }
  return [...rejections].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, rejection]) => rejection);
};
