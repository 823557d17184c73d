import { typeUrlOf } from '../../xds/resources.ts';
import type { Rejection } from '../../src/ops/rejection.ts';
import { counts, isLive, type Others } from './others.ts';
import type { Published } from './own-report.ts';
import type { Report } from './report.ts';
import { type Taken, takenOf } from './taken.ts';

/** What is known of all Envoys, whichever replica they are connected to. By Gateway, `namespace/name`. */
export type Merged = {
  /** Envoys; those that are connected to nobody are absent. */
  readonly connected: ReadonlyMap<string, number>;
  /** Gateways whose present edition some Envoy has accepted, with that edition. */
  readonly accepted: ReadonlyMap<string, string>;
  /** Entrances from tailnets that every Envoy has. */
  readonly taken: Taken;
  /** Of all Envoys, also those that are connected to nobody for a moment. One that several reject is there more than once. */
  readonly rejections: readonly Rejection[];
};

export const nothingKnown: Merged = { connected: new Map(), accepted: new Map(), taken: new Map(), rejections: [] };

/**
 * One view of what every replica reports. An acceptance is a fact that no death of a replica undoes: what `before` knows of an edition stays
 * so. A rejection counts as long as what was rejected is what we publish, too.
 */
export const mergeReports = (own: Report, others: Others, published: Published, before: Merged, nowMs: number): Merged => {
  const heard = [...others.values()];
  const live = [own, ...heard.filter((other) => isLive(other, nowMs)).map(({ report }) => report)];
  const everything = [own, ...heard.map(({ report }) => report)];
  const connected = new Map<string, number>();
  for (const [gateway, { connected: count }] of live.flatMap((report) => [...report]))
    if (count > 0) connected.set(gateway, (connected.get(gateway) ?? 0) + count);
  const accepted = new Map<string, string>();
  for (const [gateway, edition] of published.editions) {
    const isAccepted = before.accepted.get(gateway) === edition || everything.some((report) => report.get(gateway)?.accepted === edition);
    if (isAccepted) accepted.set(gateway, edition);
  }
  const reports = [own, ...heard.filter((other) => counts(other, nowMs)).map(({ report }) => report)];
  return {
    connected,
    accepted,
    taken: takenOf(live, published.snapshots, before.taken),
    rejections: reports.flatMap((report) => rejectionsIn(report, published)),
  };
};

const rejectionsIn = (report: Report, { snapshots }: Published): readonly Rejection[] =>
  [...report].flatMap(([gateway, { rejections }]) =>
    rejections.flatMap(({ type, name, version, error }) => {
      const resource = snapshots.get(gateway)?.get(typeUrlOf(type))?.resources.get(name);
      return resource?.version === version ? [{ gateway, type, name, error, owners: resource.owners }] : [];
    }),
  );
