/** Which entrances from tailnets every Envoy of a Gateway has: before that no peer may come. */
import type { ClientStatus } from '../../xds/ads/events.ts';
import { typeUrlOf } from '../../xds/resources.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import { hasAccepted } from './accepted.ts';
import type { Report } from './report.ts';

const listenerType = typeUrlOf('Listener');

/** Listeners for peers of a tailnet: `tailnet/TAILNET/svc:NAME/PORT`. */
const entrancesIn = (snapshot: Snapshot | undefined): readonly string[] =>
  [...(snapshot?.get(listenerType)?.resources.keys() ?? [])].filter((name) => name.includes('/svc:'));

/**
 * The version of all listeners that every one of these Envoys has, with all else it was sent; `known` while it goes on being this one, or not all
 * have the next. Undefined where there is no entrance to tell of.
 */
export const listenersHeldBy = (clients: readonly ClientStatus[], snapshot: Snapshot, known: string | undefined): string | undefined => {
  if (entrancesIn(snapshot).length === 0) return undefined;
  const wanted = snapshot.get(listenerType)?.version;
  if (known === wanted) return known;
  const envoys = Map.groupBy(clients, ({ node }) => node.id);
  const have = [...envoys.values()].every((streams) => hasAccepted({ types: streams.flatMap(({ types }) => types) }, snapshot));
  return have ? wanted : known;
};

/** By Gateway. A listener that was taken stays so while it is published: whoever comes anew has it before it is ready. */
export type Taken = ReadonlyMap<string, ReadonlySet<string>>;

/** `live`: what every replica reports that may have Envoys. What an Envoy rejects it has not taken. */
export const takenOf = (live: readonly Report[], snapshots: ReadonlyMap<string, Snapshot>, before: Taken): Taken => {
  const taken = new Map<string, ReadonlySet<string>>();
  for (const [gateway, snapshot] of snapshots) {
    const entrances = entrancesIn(snapshot);
    if (entrances.length === 0) continue;
    const reports = live.map((report) => report.get(gateway)).filter((report) => report !== undefined && report.connected > 0);
    const wanted = snapshot.get(listenerType)?.version;
    const haveAll = reports.length > 0 && reports.every((report) => report?.listeners === wanted);
    const rejected = new Set(
      reports.flatMap((report) => report?.rejections ?? []).flatMap(({ type, name }) => (type === 'Listener' ? [name] : [])),
    );
    const known = before.get(gateway);
    const names = entrances.filter((name) => known?.has(name) === true || (haveAll && !rejected.has(name)));
    const isSame = known?.size === names.length && names.every((name) => known.has(name));
    if (names.length > 0) taken.set(gateway, isSame ? known : new Set(names));
  }
  return taken;
};
