import type { ClientStatus } from '../../xds/ads/events.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { equal } from '../../src/lib/equal.ts';
import { hasAccepted } from './accepted.ts';
import type { Rejectings } from './rejecting.ts';
import { type GatewayReport, noReport, type Rejected, type Report } from './report.ts';
import { listenersHeldBy } from './taken.ts';

/** What is published, by Gateway (`namespace/name`). */
export type Published = {
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  /** Tells an edit of a Gateway from those before it, and from those of a namesake that was deleted. */
  readonly editions: ReadonlyMap<string, string>;
};

/**
 * What is known here of connected Envoys; `before` itself where that is the same. That an edition was accepted is remembered: it stays true
 * while the next change is on its way, and when the Envoy goes.
 */
export const ownReport = (
  clients: readonly ClientStatus[],
  rejectings: Rejectings,
  { snapshots, editions }: Published,
  before: Report = noReport,
): Report => {
  const report = new Map<string, GatewayReport>();
  for (const [gateway, ofGateway] of Map.groupBy(clients, ({ group }) => group)) {
    const snapshot = snapshots.get(gateway);
    if (snapshot === undefined) continue;
    const edition = editions.get(gateway) ?? '';
    const known = before.get(gateway)?.accepted ?? '';
    const accepted = known !== edition && ofGateway.some((client) => hasAccepted(client, snapshot)) ? edition : known;
    const listeners = listenersHeldBy(ofGateway, snapshot, before.get(gateway)?.listeners);
    report.set(gateway, {
      connected: nodesIn(ofGateway),
      accepted,
      ...(listeners === undefined ? {} : { listeners }),
      rejections: rejectionsOf(gateway, rejectings),
    });
  }
  for (const gateway of new Set([...before.keys(), ...[...rejectings.values()].map((rejecting) => rejecting.gateway)])) {
    if (report.has(gateway) || !snapshots.has(gateway)) continue;
    const left = { connected: 0, accepted: before.get(gateway)?.accepted ?? '', rejections: rejectionsOf(gateway, rejectings) };
    if (left.accepted !== '' || left.rejections.length > 0) report.set(gateway, left);
  }
  const sorted = [...report].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return equal(sorted, [...before]) ? before : new Map(sorted);
};

/** An Envoy may use several streams, as with separate ones for each type. */
const nodesIn = (clients: readonly ClientStatus[]): number => new Set(clients.map(({ node }) => node.id)).size;

/** Of all Envoys of a Gateway, each resource once. */
const rejectionsOf = (gateway: string, rejectings: Rejectings): readonly Rejected[] => {
  const rejections = new Map<string, Rejected>();
  for (const rejecting of rejectings.values())
    if (rejecting.gateway === gateway)
      for (const rejection of rejecting.rejections) rejections.set(`${rejection.type} ${rejection.name}`, rejection);
  return [...rejections].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, rejection]) => rejection);
};
